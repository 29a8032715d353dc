"""The agent on the real thing: commits are applied, reverts are rolled back, drift is healed, without a hand."""

import signal
from pathlib import Path

import pytest

from tests.end_to_end.agents.keeper import Keeper, keeper_of, told
from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration


@pytest.fixture
def keeper(world: World, tmp_path: Path) -> Keeper:
    """Return an agent whose repository has one set of manifests."""
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "hello"}))
    world.commit("Add a greeting")
    return keeper_of(world, tmp_path / "home")


def _text(world: World) -> str:
    return world.data("greeting")["text"] if world.exists("ConfigMap", "greeting") else ""


def test_once_does_what_is_due_and_says_how_it_went(keeper: Keeper, world: World) -> None:
    """A schedule of CI reconciles what is due once; what is as Git wants it stays as it is."""
    first = keeper.once()
    assert first.code == 0, first.said
    assert _text(world) == "hello"
    (ended,) = told(first, "task ended")
    assert (ended["end"], ended["task"]) == ("applied", "reconcile")
    entries = keeper.ledger()
    assert keeper.once().code == 0
    assert keeper.ledger() == entries


def test_a_commit_is_applied_and_a_revert_rolled_back(keeper: Keeper, world: World) -> None:
    """Nobody does anything but push: the agent brings each revision about, and its end is asked for."""
    running = keeper.start()
    eventually(lambda: _text(world) == "hello", "the first commit")
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "welcome"}))
    changed = keeper.push("Welcome people")
    eventually(lambda: _text(world) == "welcome", "the second commit")
    git(world.root, "revert", "--no-edit", changed)
    reverted = keeper.push("Say hello again")
    eventually(lambda: _text(world) == "hello", "the revert")
    eventually(lambda: keeper.applied(reverted), "the ledger to say so")
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert "restores" in keeper.ledger()[0]
