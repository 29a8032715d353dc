"""The account that the page about requests describes: it can plan, and change nothing."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import Document, config_map
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "requests.md"
_ONLY_TRIES = "the planner may only try"
_PATHS = {
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    ),
}


def _described(name: str) -> Iterator[Document]:
    """Yield the objects of the page, with names of this test."""
    text = _PAGE.read_text(encoding="utf-8").partition("# only-try.yaml\n")[2].partition("```")[0]
    for old, new in (
        ("namespace: ci", f"namespace: {name}"),
        (":ci:", f":{name}:"),
        ("{name: planner", f"{{name: {name}"),
        ("kind: ClusterRole, name: planner", f"kind: ClusterRole, name: {name}"),
        ("policyName: planner", f"policyName: {name}"),
    ):
        assert old in text
        text = text.replace(old, new)
    yield from yaml.safe_load_all(text)


@pytest.fixture
def planner(world: World, tmp_path: Path) -> Iterator[Path]:
    """Give a kubeconfig of an account as the page describes it."""
    accounts = f"/api/v1/namespaces/{world.name}/serviceaccounts"
    world.cluster.create(accounts, {"metadata": {"name": "planner"}})
    token = world.cluster.create(f"{accounts}/planner/token", {"spec": {}})["status"]["token"]
    made = [*_described(world.name)]
    for each in made:
        world.cluster.create(_PATHS[each["kind"]], each)
    client = replace(world.cluster, token=token)
    probe = {"metadata": {"generateName": "probe-"}}
    maps = f"/api/v1/namespaces/{world.name}/configmaps"
    eventually(lambda: _ONLY_TRIES in str(client.request("POST", maps, probe)), "the policy")
    below = client.request("POST", f"{accounts}/planner/token", {"spec": {}})
    assert _ONLY_TRIES in str(below)
    server = {
        "server": f"https://{client.address}",
        "certificate-authority-data": base64.b64encode(client.authority.encode()).decode(),
    }
    users = [{"name": "planner", "user": {"token": token}}]
    contexts = [{"name": "planner", "context": {"cluster": "here", "user": "planner"}}]
    path = tmp_path / "planner.kubeconfig"
    clusters = [{"name": "here", "cluster": server}]
    path.write_text(yaml.safe_dump({"clusters": clusters, "users": users, "contexts": contexts}))
    yield path
    for each in made:
        world.cluster.request("DELETE", f"{_PATHS[each['kind']]}/{each['metadata']['name']}")


def test_an_account_that_only_tries_can_plan_and_change_nothing(
    world: World, planner: Path
) -> None:
    """The server judges what it would do, and refuses to do it, whatever runs with its token."""
    manifests = {"shop": {"path": "shop.yaml", "namespace": world.name}}
    cluster = {"kubeconfig": str(planner), "context": "planner"}
    world.declare(None, manifests, cluster=cluster)
    world.manifests("shop.yaml", config_map("kept"))
    base = world.commit("Add a stack")
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    world.manifests("shop.yaml", config_map("kept"), config_map("new"))
    world.commit("Add a text")

    ended = world.run("preview", "--base", "main")
    refused = world.run("apply", world.name, "--yes")

    assert ended.code == 0, ended.said
    assert "### Merging: 2 to create" in ended.stdout
    assert world.live() == {}
    assert refused.code == 1
    assert _ONLY_TRIES in refused.said
