"""Stack files with mistakes, and every text that people are told for them."""

from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, UsageError
from orchestrator.stack.load import StackFile, load_project, load_stack
from tests.stack.stack_files import HEAD, load, mistakes_of, told, write

_NAME = "a name has lower-case letters, digits and '-' only, not at its ends"
_OUTSIDE = "a module has to be part of the revision, or have an address that others can reach"
_SHARED = (
    "modules.a and modules.b would share one state, and each would destroy the other's resources"
)
_LOCAL = "remove 'config', or choose a backend that is reached from elsewhere too"
_UNIT = "use ${{ unit }} in what names the state, such as the key"
_CEL = "it is an expression in CEL, such as status.phase == 'Ready'"
_INIT = "write a small one with 'orchestrator init NAME'"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with one module directory, one of another name and an empty one."""
    return write(
        tmp_path,
        {
            "network/main.tf": "",
            "database/main.tofu": "",
            "nested/inner/main.tf": "",
            "empty/README.md": "",
        },
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"1:1 the file is empty | {_INIT}"),
        ("# only a comment\n", f"1:1 the file is empty | {_INIT}"),
        ("---\n", f"1:1 the file is empty | {_INIT}"),
        ("hello", "1:1 the file must be a map | write 'key: value' on lines of their own"),
        ("- a", "1:1 the file must be a map | write 'key: value' on lines of their own"),
        (
            "version: 1\nname: shop\n---\nversion: 1\n",
            "4:1 a second document starts here | keep one, without '---' between",
        ),
        ("name: shop", "1:1 'version' is missing | add 'version: 1' at the top"),
        ("version: 1", "1:1 'name' is missing | add 'name: shop' at the top"),
        (
            "version: 2\nname: shop",
            "1:10 version 2 of the format is not known | this orchestrator reads 'version: 1'",
        ),
        (
            'version: "1"\nname: shop',
            "1:10 version '1' of the format is not known | this orchestrator reads 'version: 1'",
        ),
        (
            "version: 1\nname:",
            "2:6 name must be text, not nothing | write a value, or remove the key",
        ),
        (
            "version: 1\nname: 5",
            '2:7 name must be text, not the number 5 | put quotes around it: "5"',
        ),
        ("version: 1\nname: Shop_EU", f"2:7 name 'Shop_EU': {_NAME} | did you mean 'shop-eu'?"),
        ("version: 1\nname: -a", f"2:7 name '-a': {_NAME} | did you mean 'a'?"),
        (
            f"version: 1\nname: {'a' * 41}",
            f"2:7 name '{'a' * 41}': a name has at most 40 characters, this one has 41 | did you mean '{'a' * 40}'?",
        ),
        (HEAD + "nmae: x", "3:1 unknown key 'nmae' | did you mean 'name'?"),
        (
            HEAD + "xyz: 1",
            (
                "3:1 unknown key 'xyz' | known here: version, name, vars, environments, state, cluster, terraform,"
                " ledger, guards, on_failure, risks, modules, manifests"
            ),
        ),
        (
            HEAD + "name: again",
            "3:1 the key 'name' stands twice in the same map | remove one of the two, or merge them",
        ),
        (
            HEAD + "modules: []",
            "3:10 modules must be a map, not a list | write 'name: ...' below it, without the dash",
        ),
        (
            HEAD + "modules: network",
            "3:10 modules must be a map, not the text 'network' | write 'key: value' on lines below it, indented",
        ),
        (
            HEAD + "vars: {1x: 1}",
            (
                "3:8 '1x' cannot be a name: a variable's name has letters, digits, '_' and '-' only,"
                " and does not start with a digit or '-' | "
            ),
        ),
        (
            HEAD + "environments: {Prod: {}}",
            f"3:16 'Prod' cannot be a name: {_NAME} | did you mean 'prod'?",
        ),
        (
            HEAD + "risks: {aws db: recreated}",
            (
                "3:9 'aws db' is no resource type and no kind"
                " | write one such as aws_db_instance or PersistentVolumeClaim; * stands for any text"
            ),
        ),
        (
            HEAD + "risks: {aws_db_instance: fatal}",
            (
                "3:26 risks.aws_db_instance must be data-loss, recreated or reversible, not 'fatal'"
                " | known here: data-loss, recreated, reversible"
            ),
        ),
        (
            HEAD + "guards: {prune: 0.5}",
            "3:17 guards.prune must be text, not the number 0.5 | write a whole percentage, such as 20%",
        ),
        (
            HEAD + "guards: {prune: half}",
            "3:17 guards.prune 'half' is not a share | write a whole percentage, such as 20%",
        ),
        (
            HEAD + "environments: {a: {modules: {m: '${{ vars.x }}'}}}",
            (
                "3:20 unknown key 'modules' in environments.a"
                " | known here: cluster, guards, ledger, on_failure, risks, state, terraform, vars"
            ),
        ),
    ],
)
def test_files_of_the_wrong_shape(root: Path, text: str, expected: str) -> None:
    """Each mistake has the place to look at, what is wrong in words of the file, and what to write."""
    assert mistakes_of(root, text) == [expected]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{}", "4:3 modules.m has no 'source' | add 'source: ./modules/network'"),
        (
            "",
            "4:5 modules.m must be a map, not nothing | write 'key: value' on lines below it, indented",
        ),
        (
            "{source: ./network, input: {cidr: '${{ vars.x }}'}}",
            "4:26 unknown key 'input' in modules.m | did you mean 'inputs'?",
        ),
        (
            "{source: ./network, inputs: [a]}",
            "4:34 modules.m.inputs must be a map, not a list | write 'name: ...' below it, without the dash",
        ),
        (
            "{source: ./network, protect: yes}",
            "4:35 modules.m.protect must be true or false, not the text 'yes' | write true",
        ),
        (
            "{source: ./network, protect: 1}",
            "4:35 modules.m.protect must be true or false, not the number 1 | ",
        ),
        (
            "{source: ./network, needs: n}",
            "4:33 modules.m.needs must be a list, not the text 'n' | write [n]",
        ),
        ("{source: ./network, needs: [n]}", "4:34 there is no unit 'n' | known here: m, modules.m"),
        (
            "{source: true}",
            '4:15 modules.m.source must be text, not true | put quotes around it: "true"',
        ),
        ("{source: ''}", "4:15 modules.m.source is empty | write a value, or remove the key"),
        (
            "{source: './${{ vars.x }}'}",
            "4:15 modules.m.source cannot hold an expression | write the value itself",
        ),
        ("{source: ./netwrok}", "4:15 there is no directory 'netwrok' | did you mean 'network'?"),
        ("{source: ./x/y}", "4:15 there is no directory 'x/y' | 'x' is not there either"),
        (
            "{source: ./zzz}",
            "4:15 there is no directory 'zzz' | known here: database, empty, nested, network",
        ),
        (
            "{source: ./empty}",
            "4:15 the directory 'empty' has no Terraform files | add a main.tf, or correct the source",
        ),
        (
            "{source: ./nested}",
            "4:15 the directory 'nested' has no Terraform files | did you mean the directory 'inner' in it?",
        ),
        (
            "{source: ../network}",
            f"4:15 the source '../network' leaves the repository | {_OUTSIDE}",
        ),
        ("{source: /network}", f"4:15 the source '/network' leaves the repository | {_OUTSIDE}"),
        ("{source: ~/network}", f"4:15 the source '~/network' leaves the repository | {_OUTSIDE}"),
        (
            "{source: modules/network}",
            (
                "4:15 the source 'modules/network' is neither a directory nor an address that Terraform accepts"
                " | write './modules/network' for a directory"
            ),
        ),
        (
            "{source: ./network, version: '1.0'}",
            "4:35 a directory of this repository has no version | remove it; versions belong to registry addresses",
        ),
        (
            "{source: a/b/c, version: 1.0}",
            '4:31 modules.m.version must be text, not the number 1.0 | put quotes around it: "1.0"',
        ),
        (
            "{source: ./network, inputs: {a: '${{ vars.x }}'}}",
            "4:39 there is no variable 'x' | add 'x: VALUE' to 'vars'",
        ),
        (
            "{source: ./network, inputs: {a: '${{ modules.n.x }}'}}",
            "4:39 there is no module 'n' | known here: m",
        ),
        (
            "{source: ./network, inputs: {'${{ vars.x }}': 1}}",
            "4:36 a key cannot hold an expression | put the expression into the value",
        ),
    ],
)
def test_modules_with_mistakes(root: Path, entry: str, expected: str) -> None:
    """What a module says is checked before Terraform is started."""
    assert mistakes_of(root, f"{HEAD}modules:\n  m: {entry}\n") == [expected]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{}", "4:3 manifests.s has no 'path' | add 'path: shop'"),
        (
            "{path: 5}",
            '4:13 manifests.s.path must be text, not the number 5 | put quotes around it: "5"',
        ),
        (
            "{path: /etc}",
            (
                "4:13 the path '/etc' leaves the repository"
                " | manifests have to be part of the revision; write a path relative to the stack file"
            ),
        ),
        (
            "{path: a/../../b}",
            (
                "4:13 the path 'a/../../b' leaves the repository"
                " | manifests have to be part of the revision; write a path relative to the stack file"
            ),
        ),
        (
            "{path: a, drift: heel}",
            "4:23 manifests.s.drift must be heal, report or ignore, not 'heel' | did you mean 'heal'?",
        ),
        (
            "{path: a, drift: false}",
            "4:23 manifests.s.drift must be heal, report or ignore, not false | ",
        ),
        (
            "{path: a, conflicts: force}",
            "4:27 manifests.s.conflicts must be fail, take or leave, not 'force' | known here: fail, leave, take",
        ),
        (
            "{path: a, adopt: helm/a/b}",
            "4:23 manifests.s.adopt must be a list, not the text 'helm/a/b' | write [helm/a/b]",
        ),
        (
            "{path: a, adopt: [helm]}",
            (
                "4:24 manifests.s.adopt[0] 'helm' names no owner | write the tool and the name as refusals"
                " show them, such as helm/NAMESPACE/RELEASE; * is any text"
            ),
        ),
        (
            '{path: a, replace: "yes"}',
            "4:25 manifests.s.replace must be true or false, not the text 'yes' | write true",
        ),
        (
            "{path: a, ignore: [{kind: Deployment, paths: [spec.replicas]}]}",
            (
                "4:52 manifests.s.ignore[0].paths[0] 'spec.replicas' is no JSON pointer"
                " | write keys behind slashes, such as /spec/replicas; a slash inside a key is ~1"
            ),
        ),
        (
            "{path: a, ignore: [{kind: Deployment}]}",
            "4:25 manifests.s.ignore[0] has no 'paths' | add 'paths: [/spec/replicas]'",
        ),
        (
            "{path: a, wait: 5m}",
            "4:22 manifests.s.wait must be a map, not the text '5m' | write {timeout: 5m}, or false",
        ),
        (
            "{path: a, wait: true}",
            "4:22 manifests.s.wait must be a map, not true | write {timeout: 5m}, or false",
        ),
        (
            "{path: a, wait: {timeout: 5}}",
            "4:32 manifests.s.wait.timeout must be text, not the number 5 | write a duration, such as 90s, 5m or 1h30m",
        ),
        (
            "{path: a, wait: {timeout: 5 min}}",
            "4:32 manifests.s.wait.timeout '5 min' is not a duration | write a duration, such as 90s, 5m or 1h30m",
        ),
        (
            "{path: a, wait: {timeot: 5m}}",
            "4:23 unknown key 'timeot' in manifests.s.wait | did you mean 'timeout'?",
        ),
        (
            "{path: a, wait: {health: [{kind: Widget}]}}",
            (
                "4:32 manifests.s.wait.health[0] does not say when Widget is healthy"
                " | add 'condition: Ready', or an expression as 'healthy' or 'failed'"
            ),
        ),
        (
            "{path: a, wait: {health: [{condition: Ready}]}}",
            "4:32 manifests.s.wait.health[0] has no 'kind' | add 'kind: Certificate'",
        ),
        (
            "{path: a, wait: {health: [{kind: A, condition: Is it ready}]}}",
            (
                "4:53 manifests.s.wait.health[0].condition 'Is it ready' is no condition"
                " | write its type, such as Ready, or its type and status, such as Ready=False"
            ),
        ),
        (
            "{path: a, wait: {health: [{kind: A, condition: Ready, healthy: spec.a}]}}",
            "4:53 manifests.s.wait.health[0] has both 'condition' and 'healthy' | keep one of them",
        ),
        (
            "{path: a, wait: {health: [{kind: A, healthy: status.a = 1}]}}",
            f"4:51 manifests.s.wait.health[0].healthy cannot be read at '= 1' | {_CEL}",
        ),
        (
            "{path: a, wait: {health: [{kind: A, failed: ready(status)}]}}",
            f"4:50 manifests.s.wait.health[0].failed calls ready(), which there is not | {_CEL}",
        ),
        (
            "{path: a, wait: {health: [{kind: A, condition: B}, {kind: A, condition: C}]}}",
            (
                "4:57 manifests.s.wait.health[1] is about the same kind as manifests.s.wait.health[0]"
                " | keep one of them; && and || join what they say"
            ),
        ),
        ("{path: a, needs: [S]}", "4:24 there is no unit 'S' | did you mean 's'?"),
        (
            "{path: a, namespace: '${{ vars.ns }}'}",
            "4:28 there is no variable 'ns' | add 'ns: VALUE' to 'vars'",
        ),
        (
            "{path: a, namespace: '${{ manifests.s.x }}'}",
            "4:28 manifest sets have no outputs | read what they read: a variable, or a module's output",
        ),
    ],
)
def test_manifest_sets_with_mistakes(root: Path, entry: str, expected: str) -> None:
    """What a manifest set says is checked before any cluster is asked."""
    assert mistakes_of(root, f"{HEAD}manifests:\n  s: {entry}\n") == [expected]


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("{contxt: a}", "3:11 unknown key 'contxt' in cluster | did you mean 'context'?"),
        (
            "{sandbox: true, context: a}",
            "3:35 cluster has both 'sandbox' and 'context' | keep one way to reach it",
        ),
        (
            "{server: a, context: b}",
            "3:31 cluster has both 'server' and 'context' | keep one way to reach it",
        ),
        ("{token: a}", "3:18 cluster has 'token' without 'server' | add 'server', or remove it"),
        (
            "{server: a, token: b, exec: [c]}",
            "3:32 cluster has both 'token' and 'exec' | keep one of them",
        ),
        ("{exec: []}", "3:17 cluster.exec is empty | write a value, or remove the key"),
        (
            "{context: '${{ unit }}'}",
            "3:21 'unit' cannot be read here | what can: vars, modules, stack, environment, revision",
        ),
    ],
)
def test_clusters_with_mistakes(root: Path, cluster: str, expected: str) -> None:
    """There is one way to reach a cluster, and it is complete."""
    assert mistakes_of(root, f"{HEAD}cluster: {cluster}\n") == [expected]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("{}", "3:1 state has no 'backend' | add 'backend: s3'"),
        (
            "{backend: s3, config: {key: '${{ modules.a.x }}/${{ unit }}'}}",
            "3:37 'modules' cannot be read here | what can: vars, stack, environment, unit",
        ),
        (
            "{backend: s3, config: {key: '${{ revision }}/${{ unit }}'}}",
            "3:37 'revision' cannot be read here | what can: vars, stack, environment, unit",
        ),
        (
            "{backend: local, config: {path: x}}",
            f"3:25 the local backend has no settings | {_LOCAL}",
        ),
        (
            "{backend: cloud, config: {a: '${{ unit }}'}}",
            "3:25 'cloud' is not a backend | use 'remote' with 'organization' and 'workspaces'",
        ),
        (
            "{backend: s3, config: {bucket: b, key: k}}",
            f"3:22 {_SHARED} | {_UNIT}",
        ),
        (
            "{backend: s3}",
            f"3:1 {_SHARED} | {_UNIT}",
        ),
    ],
)
def test_states_with_mistakes(root: Path, state: str, expected: str) -> None:
    """A state belongs to one unit, and stays where it is."""
    modules = "modules: {a: {source: ./network}, b: {source: ./network}}\n"
    assert mistakes_of(root, f"{HEAD}state: {state}\n{modules}")[0] == expected


def test_environments_do_not_share_a_state(root: Path) -> None:
    """What one environment applies would be taken away by the next."""
    text = (
        HEAD
        + "environments: {a: {}, b: {vars: {x: 1}}}\n"
        + "state: {backend: s3, config: {key: '${{ unit }}'}}\n"
        + "modules: {m: {source: ./network}}\n"
    )
    assert mistakes_of(root, text, "a") == [
        (
            "4:22 environments 'a' and 'b' would share the state of modules.m"
            " | use ${{ environment }} in what names the state, such as the key"
        )
    ]
    apart = text.replace("'${{ unit }}'", "'${{ environment }}-${{ unit }}'")
    assert load(root, apart, "a").environment == "a"


def test_states_that_a_project_gives_are_kept_apart_by_stack(root: Path) -> None:
    """The place is that in the project's file."""
    state = "state: {backend: s3, config: {key: '${{ unit }}'}}\n"
    write(root, {"orchestrator.yaml": state})
    with pytest.raises(InvalidStack) as caught:
        load(root, HEAD)
    (mistake,) = caught.value.mistakes
    assert told(mistake) == (
        "1:22 this serves every stack, but all of them would share their states"
        " | use ${{ stack }} in what names the state, such as the key"
    )
    assert str(mistake.place).startswith("orchestrator.yaml")


def test_a_module_cannot_wait_for_manifests(root: Path) -> None:
    """Infrastructure is one phase and workloads the next."""
    text = HEAD + "modules: {m: {source: ./network, needs: [s]}}\nmanifests: {s: {path: s}}\n"
    assert mistakes_of(root, text) == [
        (
            "3:42 modules.m cannot wait for manifests.s: all modules are applied before any manifests"
            " | remove it; a stack of its own can come later"
        )
    ]


def test_a_cycle_is_told_with_everything_else(root: Path) -> None:
    """Its path, the reasons, and where the first of them is written."""
    text = (
        HEAD
        + "nmae: x\nmodules:\n"
        + "  a: {source: ./network, inputs: {x: '${{ modules.b.x }}'}}\n"
        + "  b: {source: ./network, needs: [a]}\n"
    )
    assert mistakes_of(root, text) == [
        "3:1 unknown key 'nmae' | did you mean 'name'?",
        (
            "5:39 these units wait for one another: modules.a → modules.b → modules.a"
            " | take away one of these: modules.a reads modules.b.x, modules.b is told to wait for it"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "modules: {m: {source: a/b/c}}",
            "3:23 the source 'a/b/c' is not allowed | orchestrator.yaml allows git::*",
        ),
        (
            "cluster: {context: dev}",
            "3:20 the cluster 'dev' is not allowed | orchestrator.yaml allows prod-*",
        ),
        (
            "cluster: {server: 'https://${{ vars.host }}'}\nvars: {host: x}",
            "3:19 the cluster 'https://x' is not allowed | orchestrator.yaml allows prod-*",
        ),
        (
            "cluster: {context: 'prod-${{ modules.m.name }}'}\nmodules: {m: {source: ./network}}",
            (
                "3:20 the cluster 'prod-${{ modules.m.name }}' is not allowed | orchestrator.yaml allows prod-*;"
                " write it out, since what a run decides may become any other one"
            ),
        ),
        (
            "cluster: {context: 'prod-${{ revision }}'}",
            (
                "3:20 the cluster 'prod-${{ revision }}' is not allowed | orchestrator.yaml allows prod-*;"
                " write it out, since what a run decides may become any other one"
            ),
        ),
        (
            "cluster: {context: '${{ vars.number }}'}\nvars: {number: 7}",
            "3:20 the cluster '7' is not allowed | orchestrator.yaml allows prod-*",
        ),
        (
            "vars: {}",
            (
                "the cluster has to be named, because not every cluster is allowed"
                " | add 'cluster: {context: ...}'; allowed: prod-*"
            ),
        ),
    ],
)
def test_only_what_the_project_allows_is_used(root: Path, text: str, expected: str) -> None:
    """Sources and clusters that the project does not list are refused, and so is one that nobody named."""
    write(root, {"orchestrator.yaml": "allow: {sources: ['git::*'], clusters: [prod-*]}\n"})
    named = "" if "cluster" in expected else "cluster: {context: prod-eu}\n"
    assert mistakes_of(root, f"{HEAD}{text}\n{named}") == [expected]


@pytest.mark.parametrize(
    ("allow", "kubeconfig", "allowed"),
    [
        ("{clusters: [prod-*]}", "./own.yaml", False),
        ("{clusters: [prod-*]}", "${{ vars.file }}", False),
        ("{kubeconfigs: []}", "./own.yaml", False),
        ("{clusters: [prod-*], kubeconfigs: ['~/.kube/*']}", "~/.kube/prod", True),
        ("{clusters: [prod-*], kubeconfigs: ['~/.kube/*']}", "~/.kube/../own.yaml", False),
        ("{clusters: [prod-*], kubeconfigs: ['own.yaml']}", "${{ vars.file }}", True),
        ("{sources: []}", "./own.yaml", True),
        ("{kubeconfigs: ['clusters/*']}", "clusters/${{ modules.m.file }}", False),
        ("{kubeconfigs: ['clusters*']}", "clusters${{ revision }}", False),
        ("{kubeconfigs: ['*']}", "clusters/${{ modules.m.file }}", True),
        ("{kubeconfigs: ['clusters/?{{ modules.m.* }}']}", "clusters/${{ modules.m.file }}", True),
    ],
)
def test_a_kubeconfig_of_its_own_does_not_widen_what_is_allowed(
    root: Path, allow: str, kubeconfig: str, *, allowed: bool
) -> None:
    """A context in it has whatever name somebody gave it, and is any cluster: the file has to be allowed, too."""
    write(root, {"orchestrator.yaml": f"allow: {allow}\n"})
    cluster = f"{{context: prod-eu, kubeconfig: '{kubeconfig}'}}"
    modules = "modules: {m: {source: ./network}}\n"
    text = f"{HEAD}vars: {{file: ./own.yaml}}\n{modules}cluster: {cluster}\n"

    if allowed:
        load(root, text)
    else:
        assert [
            line.partition(" is not ")[2].partition(":")[0] for line in mistakes_of(root, text)
        ] == ["allowed"]


def test_the_sandbox_and_local_modules_are_always_allowed(root: Path) -> None:
    """Neither reaches anything outside of this machine."""
    write(root, {"orchestrator.yaml": "allow: {sources: [], clusters: []}\n"})
    load(root, HEAD + "modules: {m: {source: ./network}}\ncluster: {sandbox: true}\n")


def test_mistakes_of_every_kind_are_told_together_in_the_files_order(root: Path) -> None:
    """One run is enough to find everything: shape, names, references, needs, sources, state and cluster."""
    text = """\
version: 1
name: Shop
vars: {replicas: 2}
cluster: {sandbox: true, context: x}
modules:
  network:
    source: ./netwrok
    imputs: {}
  database:
    source: ./database
    inputs: {a: "${{ vars.replcas }}", b: "${{ modules.netwrk.id }}"}
    needs: [shop]
manifests:
  shop: {path: ../shop, drift: heel}
"""
    found = mistakes_of(root, text)
    assert [line.partition(" ")[0] for line in found] == [
        "2:7",
        "4:35",
        "7:13",
        "8:5",
        "11:18",
        "11:44",
        "12:13",
        "14:16",
        "14:32",
    ]


def test_a_syntax_error_is_told_alone(root: Path) -> None:
    """Nothing is concluded from a file that can only be read in part."""
    assert mistakes_of(root, f"{HEAD}nmae: b\nmodules: [") == [
        (
            "4:11 the file ends where a value is expected"
            " | close what was opened by '[', '{' or a quote above"
        ),
    ]


def test_a_file_that_is_gone_is_a_usage_error(root: Path) -> None:
    """The path and the reason are named."""
    with pytest.raises(UsageError) as caught:
        load_stack(root, StackFile(name="x", file="x/stack.yaml"), None, load_project(root))
    assert caught.value.message == "cannot read x/stack.yaml: No such file or directory"
