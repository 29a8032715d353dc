"""A stack that makes the very cluster that it deploys to: all of it is shown before anything can be dialled."""

import json
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World
from tests.workloads.cluster.test_credentials import kubeconfig
from tests.workloads.custom import definition, thing
from tests.workloads.servers.loopback import Say, in_turn, serving

pytestmark = pytest.mark.integration


def test_a_stack_deploys_to_the_cluster_that_it_makes(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Address and credentials are outputs: nothing is dialled before they are known, and none is shown."""
    file, token = _credentials(sandbox, tmp_path)
    _declare_cluster(world, file)

    with serving(in_turn(Say(status=404))) as bystander:
        current = kubeconfig(tmp_path / "config", "dev", current="dev", server=bystander.address)
        planned = world.run("plan", world.name, KUBECONFIG=str(current))
        applied = world.run("apply", world.name, "--yes", KUBECONFIG=str(current))

    assert (planned.code, applied.code) == (0, 0), planned.said + applied.said
    assert bystander.asked == []

    assert "created on the new cluster, once modules.cluster.authority" in _flat(planned.stdout)
    assert f"+ ConfigMap {world.name}/shop" in planned.stdout
    assert _has(planned.stdout, "colour", '"red"')
    assert _has(planned.stdout, "address", "(known after apply: modules.cluster.server)")
    assert "Plan: 2 to create" in planned.stdout
    assert world.live().keys() == {"shop"}
    again = world.run("plan", world.name, "--detailed-exitcode")
    assert again.code == 0, again.said
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    assert world.live() == {}
    assert world.resources("cluster") == {}
    for ended in (planned, applied, again, destroyed):
        assert token not in ended.said


def test_a_new_cluster_with_something_in_it_already(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """What was shown as a creation and turns out to be there is not taken over unseen."""
    file, _ = _credentials(sandbox, tmp_path)
    _declare_cluster(world, file)
    path = f"/api/v1/namespaces/{world.name}/configmaps"
    world.cluster.create(path, {"metadata": {"name": "shop"}, "data": {"other": "theirs"}})

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert f"ConfigMap {world.name}/shop to adopt" in _flat(refused.stdout)
    assert world.data("shop") == {"other": "theirs"}
    assert f"& ConfigMap {world.name}/shop" in world.plan().stdout
    world.apply()
    assert world.data("shop")["colour"] == "red"


def test_what_a_new_cluster_would_refuse_is_told_before_it_is_made(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """An object that breaks a definition of this very plan stops it: no cluster is made for nothing."""
    file, _ = _credentials(sandbox, tmp_path)
    _declare_cluster(world, file)
    group = f"{world.name}.example.com"
    world.manifests("shop.yaml", definition(group), thing(group, {"size": "big"}))
    world.commit()

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "spec.size has to be a whole number" in refused.stderr
    assert world.resources("cluster") == {}


def _credentials(sandbox: Sandbox, folder: Path) -> tuple[Path, str]:
    """Return a file that a module makes a cluster's outputs of, and the token in it."""
    kubeconfig = json.loads(sandbox.kubeconfig.read_text())
    token = kubeconfig["users"][0]["user"]["token"]
    file = folder / "cluster.json"
    file.write_text(json.dumps({**kubeconfig["clusters"][0]["cluster"], "token": token}))
    return file, token


def _has(text: str, *words: str) -> bool:
    """Whether a line of a text consists of these words."""
    return " ".join(words) in [" ".join(line.split()) for line in text.splitlines()]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _declare_cluster(world: World, file: Path) -> None:
    world.write(
        "modules/cluster/main.tf",
        f'resource "terraform_data" "made" {{\n'
        f'  input = sensitive(jsondecode(file("{file}")))\n}}\n'
        "locals { made = terraform_data.made.output }\n"
        'output "server" { value = nonsensitive(local.made.server) }\n'
        'output "authority" { value = nonsensitive(local.made.certificate-authority-data) }\n'
        'output "token" {\n  value     = local.made.token\n  sensitive = true\n}\n',
    )
    world.declare(
        {"cluster": {"source": "./modules/cluster"}},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
        cluster={
            "server": "${{ modules.cluster.server }}",
            "certificate_authority": "${{ modules.cluster.authority }}",
            "token": "${{ modules.cluster.token }}",
        },
    )
    world.manifests(
        "shop.yaml",
        config_map("shop", {"colour": "red", "address": "${{ modules.cluster.server }}"}),
    )
    world.commit()
