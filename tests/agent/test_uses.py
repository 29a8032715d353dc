"""What a stack says that it uses, against what its repository may use."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent.configuration.model import Allowed
from orchestrator.agent.decisions.uses import refused_places, refused_uses
from orchestrator.stack.model import Cluster, Ledger, LedgerStore, Module, Stack, State, Terraform

_USUAL: dict[str, Any] = {
    "name": "shop",
    "environment": "default",
    "file": "stacks/shop/stack.yaml",
    "vars": {},
    "state": State(),
    "cluster": Cluster(),
    "terraform": Terraform(),
    "ledger": Ledger(remote=""),
    "modules": (),
    "manifests": (),
}


def _refused(
    allowed: Allowed, real: Callable[[str], str] = os.path.normpath, **stack: Any
) -> list[str]:
    return list(refused_uses(Stack(**{**_USUAL, **stack}), allowed, real))


def _in_directory(path: str) -> Ledger:
    return Ledger(store=LedgerStore.DIRECTORY, path=path)


@pytest.mark.parametrize(
    ("stack", "why"),
    [
        ({"modules": (Module(name="db", source="./db"),)}, "modules.db is a module"),
        ({"terraform": Terraform(binary="./tofu")}, "terraform.binary"),
        ({"cluster": Cluster(server="https://c", exec=("./token",))}, "cluster.exec"),
        ({"cluster": Cluster(kubeconfig="access.yaml")}, "brings a kubeconfig"),
        ({"ledger": Ledger(store=LedgerStore.CLUSTER, kubeconfig="a.yaml")}, "brings a kubeconfig"),
    ],
)
def test_no_code_of_a_repository_that_may_bring_none(stack: dict[str, Any], why: str) -> None:
    """A module, and whatever else names a program, would run with all that the agent has."""
    (refused,) = _refused(Allowed(modules=False), **stack)
    assert why in refused
    assert "the agent's rights" in refused
    assert _refused(Allowed(), **stack) == []


def test_manifests_alone_need_no_leave() -> None:
    """A stack that brings no code is taken as it is."""
    assert _refused(Allowed(modules=False)) == []


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/ledgers/b/shop", True),
        ("/ledgers/b/x/../shop", True),
        ("/ledgers/b/../a", False),
        ("/ledgers/b/x/../../a/shop", False),
        ("/ledgers/a", False),
    ],
)
def test_a_directory_of_ledgers_is_not_left_by_its_parent(path: str, *, taken: bool) -> None:
    """What counts is where a path leads, not how it is written."""
    refused = _refused(Allowed(ledgers=("directory:/ledgers/b/*",)), ledger=_in_directory(path))
    assert (refused == []) is taken
    assert taken or path in refused[0]


def test_a_link_leads_where_it_leads(tmp_path: Path) -> None:
    """A link out of the directory is no way out, and one that the pattern itself is behind is none in its way."""
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "b" / "out").symlink_to(tmp_path / "data" / "a")
    (tmp_path / "ledgers").symlink_to(tmp_path / "data")
    allowed = Allowed(ledgers=(f"directory:{tmp_path}/ledgers/b/*",))
    for path, taken in (("ledgers/b/shop", True), ("data/b/shop", True), ("ledgers/b/out", False)):
        refused = _refused(allowed, os.path.realpath, ledger=_in_directory(f"{tmp_path}/{path}"))
        assert (refused == []) is taken, path


def test_any_directory_may_be_allowed() -> None:
    """Patterns without a place of their own mean every place."""
    for pattern in ("*", "directory:*"):
        assert _refused(Allowed(ledgers=(pattern,)), ledger=_in_directory("/a")) == []
    assert _refused(Allowed(ledgers=("git",)), ledger=_in_directory("/a"))
    assert _refused(Allowed(ledgers=("git",))) == []


def test_a_ledger_is_not_looked_for_where_it_may_not_be() -> None:
    """Looking there would run a program, or ask another cluster or directory; the repository's own refs are its own."""

    def refused(allowed: Allowed, ledger: Ledger, cluster: Cluster | None = None) -> list[str]:
        stack = Stack(**{**_USUAL, "ledger": ledger, "cluster": cluster or Cluster()})
        return list(refused_places(stack, stack, allowed, os.path.normpath))

    none = Allowed(modules=False)
    in_cluster: dict[str, Any] = {"store": LedgerStore.CLUSTER, "namespace": "shop"}
    exec_ = Cluster(server="https://c", exec=("./token",))
    assert refused(none, Ledger(**in_cluster, kubeconfig="a.yaml"))
    assert refused(none, Ledger(**in_cluster), exec_)
    assert refused(none, Ledger(**in_cluster, context="ops"), exec_) == []  # another cluster's
    assert refused(none, Ledger(**in_cluster)) == []
    assert refused(Allowed(clusters=("current",)), Ledger(**in_cluster), exec_)
    assert refused(Allowed(clusters=("current",)), Ledger(**in_cluster, context="ops"))
    assert refused(Allowed(ledgers=("cluster:shop",)), Ledger(**in_cluster)) == []
    assert refused(Allowed(ledgers=("cluster:shop",)), _in_directory("/a"))
    assert refused(Allowed(ledgers=("cluster:shop",)), Ledger(remote="")) == []


def test_a_ledger_is_in_no_other_namespace() -> None:
    """Where namespaces are limited, a ledger in a cluster is in one of them, unless it is said where ledgers are."""
    ledger, git = Ledger(store=LedgerStore.CLUSTER, namespace="ops"), Ledger(remote="")
    for allowed, taken in (
        (Allowed(namespaces=("shop-*",)), False),
        (Allowed(namespaces=("ops",)), True),
        (Allowed(namespaces=("shop",), ledgers=("cluster:ops",)), True),
        (Allowed(), True),
    ):
        assert (_refused(allowed, ledger=ledger) == []) is taken
        assert _refused(replace(allowed, ledgers=None), ledger=git) == []
        assert _refused(replace(allowed, ledgers=None), ledger=_in_directory("/a")) == []


def test_a_ledger_is_in_no_other_cluster() -> None:
    """Where clusters are limited, the one that the ledger is in is one of them, and no kubeconfig is brought for it."""
    elsewhere = Ledger(store=LedgerStore.CLUSTER, namespace="shop", context="prod")
    (refused,) = _refused(Allowed(clusters=("current",)), ledger=elsewhere)
    assert "the cluster prod of the ledger" in refused
    assert _refused(Allowed(clusters=("current", "prod")), ledger=elsewhere) == []
    brought = Ledger(store=LedgerStore.CLUSTER, namespace="shop", kubeconfig="a.yaml")
    assert "kubeconfig of its own" in _refused(Allowed(clusters=("current",)), ledger=brought)[0]
