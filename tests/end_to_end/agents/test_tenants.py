"""Repositories of people who do not trust one another, kept by one agent."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.stacks import ECHO
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_PLUGIN = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "interactiveMode": "Never",
}
_ELSEWHERE = 'module "inner" {\n  source = "git::https://elsewhere.example.org/base.git"\n}\n'


def _why(keeper: Keeper) -> str:
    """Return why the agent holds back what is due."""
    ended = keeper.once()
    assert ended.code == 3, ended.said
    (task,) = told(ended, "task ended")
    assert task["end"] == "held"
    return str(task["why"])


def test_no_program_is_run_to_find_a_ledger(keeper: Keeper, world: World, tmp_path: Path) -> None:
    """A look at what is declared asks where ledgers are, before any stack is opened: nothing is run for that.

    Nor is it to see whether one that was never begun is where the history says.
    """
    trace = tmp_path / "trace"
    user = {"exec": {**_PLUGIN, "command": "touch", "args": [str(trace)]}}
    access = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    file = tmp_path / "access.json"
    file.write_text(json.dumps(access), encoding="utf-8")
    ledger = {"store": "cluster", "namespace": world.name, "context": "c", "kubeconfig": str(file)}
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare(None, shop, ledger=ledger)
    keeper.push("Keep the ledger where a program is asked")
    keeper.tell(repository={"allow": {"modules": False}})
    assert "it brings a kubeconfig" in _why(keeper)
    world.declare(None, shop)
    keeper.push("Keep it in Git")
    assert "nobody may look whether it is in another place" in _why(keeper)
    assert not trace.exists()


def test_code_comes_from_where_it_may_or_not_at_all(keeper: Keeper, world: World) -> None:
    """A wrapper brings in no other source; without leave no module is run, also not to take away what one made."""
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.write("modules/base/main.tf", ECHO)
    engine = world.write("engine", '#!/bin/sh\nexec terraform "$@"\n')
    engine.chmod(0o755)
    own = {
        "binary": f"./stacks/{world.name}/engine"
    }  # a program of the revision is run as by a person
    base = {"source": "./modules/base", "inputs": {"text": "hello"}}
    world.declare({"base": base}, shop, terraform=own)
    keeper.push("Add a module")
    keeper.tell(repository={"allow": {"sources": []}})
    assert keeper.once().code == 0
    world.write("modules/base/more.tf", _ELSEWHERE)
    keeper.push("Wrap a module from elsewhere")
    why = _why(keeper)
    assert "module.inner in" in why
    assert "elsewhere.example.org/base.git', which is not allowed" in why
    entries = keeper.ledger()
    world.declare(None, shop)
    keeper.push("Remove the module")
    keeper.tell(repository={"allow": {"modules": False}})
    assert "modules.base is a module, and its code would run" in _why(keeper)
    assert keeper.ledger() == entries


def test_what_left_git_with_its_cluster_is_taken_away(keeper: Keeper, world: World) -> None:
    """The revision that declared it last says in which cluster its ledger is; without it nobody looks into another."""
    said = json.dumps({"version": 1, "ledger": {"store": "cluster", "namespace": world.name}})
    (world.root / "orchestrator.yaml").write_text(said, encoding="utf-8")
    first = keeper.push("Keep ledgers in clusters")
    bounds = {"clusters": ["sandbox"], "ledgers": [f"cluster:{world.name}"]}
    keeper.tell(defaults={"vanished": "destroy"}, repository={"allow": bounds})
    assert keeper.once().code == 0
    (world.root / "stacks" / world.name / "stack.yaml").unlink()
    keeper.push("Close the shop")
    memory = keeper.home / "agent" / "agenda.json"
    kept = memory.read_text(encoding="utf-8")
    memory.write_text(kept.replace(first, "1" * 40), encoding="utf-8")
    left = keeper.once()
    assert left.code == 0, left.said
    *_, last = told(left, "stack is no longer declared")
    assert "nobody knows in which cluster its ledger is" in last["why"]
    assert (last["destroyed"], world.exists("ConfigMap", "greeting")) == (False, True)
    assert not told(keeper.once(), "task ended")
    memory.write_text(kept, encoding="utf-8")
    (task,) = told(keeper.once(), "task ended")
    assert (task["end"], world.exists("ConfigMap", "greeting")) == ("destroyed", False)
