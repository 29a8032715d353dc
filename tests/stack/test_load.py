"""A stack file becomes a stack: what stands in it, what an environment changes, and where everything stands."""

from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, UsageError
from orchestrator.stack.load import StackFile, load_project, load_stack
from orchestrator.stack.model import (
    Cluster,
    Conflicts,
    Drift,
    Ignored,
    Ledger,
    ManifestSet,
    Module,
    Rights,
    Risk,
    State,
    Terraform,
    Wait,
)
from orchestrator.stack.policies import Guards
from tests.stack.stack_files import HEAD, load, load_environments, told, write

_EVERYTHING = """\
version: 1
name: shop
vars: {replicas: 2, bucket: "shop-${{ environment }}", commit: "${{ revision }}"}
environments:
  staging:
    vars: {domain: staging.shop.example}
  production:
    vars: {domain: shop.example, replicas: 6}
    cluster: {context: prod-eu}
    state: {backend: gcs, config: {prefix: "${{ unit }}"}}
    terraform: {version: ">= 1.9"}
    ledger: {remote: false}
state:
  backend: s3
  config: {bucket: "${{ vars.bucket }}", key: "${{ stack }}/${{ environment }}/${{ unit }}.tfstate"}
cluster:
  server: ${{ modules.network.endpoint }}
  certificate_authority: ${{ modules.network.ca }}
  exec: [aws, eks, get-token, --cluster-name, "${{ stack }}"]
terraform: {binary: tofu, environment: [VAULT_ADDR]}
ledger: {remote: upstream}
modules:
  network:
    source: ./network
    inputs:
      cidr: 10.20.0.0/16
      zones: [a, b]
    protect: true
  queue:
    source: terraform-aws-modules/sqs/aws
    version: ~> 4.0
    needs: [network]
manifests:
  platform: {path: platform}
  shop:
    path: shop
    needs: [platform, modules.queue]
    namespace: shop-${{ environment }}
    wait: {timeout: 1m30s}
    drift: report
    ignore: [{kind: Deployment, name: "web-*", paths: [/spec/replicas]}]
    protect: true
    conflicts: leave
    adopt: [helm/shop/*]
    replace: true
  jobs: {path: jobs, wait: false, needs: [queue]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with the module directory that the stack files here use."""
    return write(tmp_path, {"network/main.tf": ""})


def test_everything_that_a_stack_file_can_say(root: Path) -> None:
    """Every key of the format arrives in the stack; expressions stay until their values are known."""
    stack = load(root, _EVERYTHING, "staging", revision="3f2c1a9")
    assert (stack.name, stack.environment, stack.file, stack.directory) == (
        "shop",
        "staging",
        "stack.yaml",
        ".",
    )
    assert stack.vars == {
        "replicas": 2,
        "bucket": "shop-staging",
        "commit": "3f2c1a9",
        "domain": "staging.shop.example",
    }
    assert stack.state.backend == "s3"
    assert stack.state.config["bucket"] == "${{ vars.bucket }}"
    assert stack.cluster.server == "${{ modules.network.endpoint }}"
    assert stack.cluster.exec == ("aws", "eks", "get-token", "--cluster-name", "${{ stack }}")
    assert stack.terraform == Terraform(binary="tofu", environment=("VAULT_ADDR",))
    assert stack.ledger == Ledger(remote="upstream")
    assert [unit.id for unit in stack.units] == [
        "modules.network",
        "modules.queue",
        "manifests.platform",
        "manifests.shop",
        "manifests.jobs",
    ]


def test_modules_and_manifest_sets_as_they_are_written(root: Path) -> None:
    """Defaults fill what is left out; names in ``needs`` become ids, of the same kind first."""
    network, queue, platform, shop, jobs = load(root, _EVERYTHING, "staging").units
    assert isinstance(network, Module)
    assert (network.source, network.inputs, network.protect, network.local) == (
        "./network",
        {"cidr": "10.20.0.0/16", "zones": ["a", "b"]},
        True,
        True,
    )
    assert isinstance(queue, Module)
    assert (queue.version, queue.needs, queue.local) == ("~> 4.0", ("modules.network",), False)
    assert isinstance(platform, ManifestSet)
    assert (platform.wait, platform.drift, platform.namespace) == (
        Wait(timeout=300.0),
        Drift.HEAL,
        None,
    )
    assert isinstance(shop, ManifestSet)
    assert shop.needs == ("manifests.platform", "modules.queue")
    assert (shop.namespace, shop.wait, shop.drift, shop.protect) == (
        "shop-${{ environment }}",
        Wait(timeout=90.0),
        Drift.REPORT,
        True,
    )
    assert shop.ignore == (Ignored(kind="Deployment", name="web-*", paths=("/spec/replicas",)),)
    assert shop.rights == Rights(conflicts=Conflicts.LEAVE, adopt=("helm/shop/*",), replace=True)
    assert platform.rights == Rights()
    assert isinstance(jobs, ManifestSet)
    assert (jobs.wait.enabled, jobs.needs) == (False, ("modules.queue",))


def test_a_name_in_needs_means_a_unit_of_the_same_kind_first(root: Path) -> None:
    """A manifest set named like a module is meant by other sets; the module is named by its id."""
    text = HEAD + (
        "modules: {web: {source: ./network}}\n"
        "manifests: {web: {path: w}, a: {path: a, needs: [web]}, b: {path: b, needs: [modules.web]}}\n"
    )
    _, first, second = load(root, text).manifests
    assert (first.needs, second.needs) == (("manifests.web",), ("modules.web",))


def test_what_an_environment_sets_replaces_what_the_stack_says(root: Path) -> None:
    """Variables are replaced by name, everything else as a whole: half of another cluster is never used."""
    stack = load(root, _EVERYTHING, "production")
    assert (stack.vars["replicas"], stack.vars["domain"]) == (6, "shop.example")
    assert (stack.cluster.context, stack.cluster.server, stack.cluster.exec) == (
        "prod-eu",
        None,
        (),
    )
    assert (stack.state.backend, dict(stack.state.config)) == ("gcs", {"prefix": "${{ unit }}"})
    assert stack.terraform == Terraform(version=">= 1.9")
    assert stack.ledger == Ledger(remote=None)


def test_what_losing_things_costs_is_said_best_by_the_environment(root: Path) -> None:
    """Then by the stack, then by the repository; what stands first is looked at first."""
    (root / "orchestrator.yaml").write_text("risks: {acme_*: data-loss, acme_cache: reversible}\n")
    text = "version: 1\nname: shop\nrisks: {acme_log: data-loss, acme_queue: recreated}\n"
    more = "environments: {staging: {risks: {acme_log: reversible}}, production: {}}\n"
    (root / "stack.yaml").write_text(text + more)
    project = load_project(root)
    file = StackFile(name="shop", file="stack.yaml")
    staging = load_stack(root, file, "staging", project)
    production = load_stack(root, file, "production", project)
    assert list(staging.risks.items()) == [
        ("acme_log", Risk.REVERSIBLE),
        ("acme_queue", Risk.RECREATED),
        ("acme_*", Risk.DATA_LOSS),
        ("acme_cache", Risk.REVERSIBLE),
    ]
    assert production.risks["acme_log"] is Risk.DATA_LOSS


def test_the_least_that_a_stack_file_can_say(root: Path) -> None:
    """Without environments there is ``default``; state is local, the cluster and the remote are found."""
    stack = load(root, HEAD)
    assert stack.environment == "default"
    assert (stack.state, stack.cluster, stack.terraform, stack.ledger) == (
        State(),
        Cluster(),
        Terraform(),
        Ledger(remote=""),
    )
    assert stack.units == ()
    assert load(root, HEAD, "default") == stack


def test_a_key_with_nothing_behind_it_is_not_set(root: Path) -> None:
    """When every entry below a key was commented out, the key means nothing, and never another cluster."""
    text = HEAD + "modules:\nvars:\ncluster: {sandbox: true}\nenvironments: {a: , b: {cluster: }}\n"
    assert load(root, text, "a").cluster.sandbox
    assert load(root, text, "b").cluster.sandbox


def test_places_lead_to_what_was_written(root: Path) -> None:
    """A value has its own place; a map, a list and the unit itself have that of their key."""
    network = load(root, _EVERYTHING, "staging").modules[0]
    lines = _EVERYTHING.splitlines()
    for path, text in {
        (): "network:",
        ("inputs",): "inputs:",
        ("inputs", "cidr"): "10.20.0.0/16",
        ("inputs", "zones"): "zones:",
        ("inputs", "zones", 1): "b]",
        ("source",): "./network",
    }.items():
        place = network.places[path]
        assert place.file == "stack.yaml"
        assert place.text == lines[place.line - 1]
        assert place.text[place.column - 1 :].startswith(text)


def test_a_project_has_defaults_for_all_stacks(root: Path) -> None:
    """What a stack does not say is taken from the project; what it says replaces that."""
    write(
        root,
        {
            "orchestrator.yaml": (
                "state: {backend: s3, config: {bucket: b, key: '${{ stack }}/${{ unit }}'}}\n"
                "terraform: {version: '~> 1.9'}\nledger: {remote: false}\n"
            )
        },
    )
    stack = load(root, HEAD + "ledger: {remote: origin}\n")
    assert stack.state.backend == "s3"
    assert stack.terraform == Terraform(version="~> 1.9")
    assert stack.ledger == Ledger(remote="origin")


def test_the_only_environment_need_not_be_named(root: Path) -> None:
    """One environment is chosen by itself."""
    assert load(root, HEAD + "environments: {live: {}}").environment == "live"


@pytest.mark.parametrize(
    ("environments", "wanted", "expected"),
    [
        (
            "{staging: {}, production: {}}",
            None,
            (
                "stack 'shop' has 2 environments: staging, production",
                "choose one, such as --env staging",
            ),
        ),
        (
            "{staging: {}, production: {}}",
            "prod",
            ("stack 'shop' has no environment 'prod'", "known here: production, staging"),
        ),
        (
            "{staging: {}, production: {}}",
            "prodction",
            ("stack 'shop' has no environment 'prodction'", "did you mean 'production'?"),
        ),
        (
            "{}",
            "prod",
            ("stack 'shop' has no environment 'prod'", "it declares none: leave --env out"),
        ),
    ],
)
def test_an_environment_that_is_not_clear_is_a_usage_error(
    root: Path, environments: str, wanted: str | None, expected: tuple[str, str]
) -> None:
    """Nothing is guessed about where to apply."""
    with pytest.raises(UsageError) as caught:
        load(root, f"{HEAD}environments: {environments}", wanted)
    assert (caught.value.message, caught.value.hint) == expected


def test_all_environments_are_checked_together(root: Path) -> None:
    """A mistake that only one environment has is told, and one that all have is told once."""
    write(
        root,
        {
            "stack.yaml": HEAD
            + (
                "environments: {a: {vars: {x: 1}}, b: {}}\n"
                "modules: {network: {source: ./network, inputs: {x: '${{ vars.x }}', y: '${{ vars.y }}'}}}\n"
            )
        },
    )
    file = StackFile(name="shop", file="stack.yaml")
    with pytest.raises(InvalidStack) as caught:
        load_environments(root, file, load_project(root))
    assert [told(mistake).partition(" |")[0] for mistake in caught.value.mistakes] == [
        "4:53 there is no variable 'x' in environment 'b'",
        "4:73 there is no variable 'y' in environment 'a'",
        "4:73 there is no variable 'y' in environment 'b'",
    ]


def test_all_environments_are_loaded_in_the_files_order(root: Path) -> None:
    """Each environment is a stack of its own."""
    write(root, {"stack.yaml": _EVERYTHING})
    file = StackFile(name="shop", file="stack.yaml")
    stacks = load_environments(root, file, load_project(root))
    assert [stack.environment for stack in stacks] == ["staging", "production"]
    assert stacks[0] == load_stack(root, file, "staging", load_project(root))


def test_guards_of_an_environment_the_stack_and_the_repository(root: Path) -> None:
    """The nearest share counts; one that is written down counts from the first object."""
    environments = "environments: {production: {guards: {prune: 10%}}, staging: {}}\n"
    assert load(root, HEAD + environments, "production").guards == Guards(prune=10, at_least=1)
    assert load(root, HEAD + environments, "staging").guards == Guards(prune=50, at_least=10)
    stated = HEAD + environments + "guards: {prune: 30%}\n"
    assert load(root, stated, "staging").guards == Guards(prune=30, at_least=1)
