"""After a ledger was repaired, a `git revert` still brings back what the stack changed where that was not recorded."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_remote

pytestmark = pytest.mark.integration

_ALL = {"colour": "red", "size": "large", "taken": "ours"}


def _commit(world: World, *, whole: bool, **more: object) -> None:
    """Commit two objects of a set that leaves drift, or one of them with less in it."""
    sets = {"shop": {"path": "shop", "namespace": world.name, "drift": "report"}}
    world.declare(None, sets, **more)
    data = {key: text for key, text in _ALL.items() if whole or key != "size"}
    extra = [config_map("extra")] if whole else []
    world.manifests("shop/all.yaml", config_map("settings", data), *extra)
    world.commit("Say all" if whole else "Say less")


def _repaired_and_reverted(world: World) -> None:
    repaired = world.run("ledger", "repair", world.name, "--yes")
    assert repaired.code == 0, repaired.said
    assert "remember of 2 objects only what is certain" in repaired.stdout
    git(world.root, "revert", "--no-edit", "HEAD")
    world.apply()
    assert world.exists("ConfigMap", "extra")


def test_a_revert_brings_back_what_another_ledger_tells_of(world: World, tmp_path: Path) -> None:
    """Others went on from an older ledger: what they took out and deleted is the stack's own doing.

    What somebody else changed before both is left alone as before.
    """
    _commit(world, whole=True)
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    world.apply()
    world.patch("ConfigMap", "settings", {"data": {"taken": "theirs"}}, manager="robot")
    ref = f"refs/orchestrator/{world.name}/default"
    before = git(remote, "rev-parse", ref)
    assert world.run("agent", "suspend", world.name, "--why", "to look").code == 0
    git(remote, "update-ref", ref, before)
    other = dataclasses.replace(world, root=make_clone(remote, tmp_path / "other"))
    _commit(other, whole=False)
    git(other.root, "push", "--quiet", "origin", "main")
    other.apply()
    git(world.root, "pull", "--quiet", "origin", "main")
    _repaired_and_reverted(world)
    assert world.data("settings") == {**_ALL, "taken": "theirs"}


def test_a_revert_brings_back_what_lost_entries_told_of(world: World, tmp_path: Path) -> None:
    """A ledger was put back from a backup, and nobody has what was recorded since."""
    ledgers, backup = tmp_path / "ledgers", tmp_path / "backup"
    ledgers.mkdir()
    place = {"store": "directory", "path": str(ledgers)}
    _commit(world, whole=True, ledger=place)
    world.apply()
    shutil.copytree(ledgers, backup)
    _commit(world, whole=False, ledger=place)
    world.apply()
    shutil.rmtree(ledgers)
    shutil.copytree(backup, ledgers)
    _repaired_and_reverted(world)
    assert world.data("settings") == _ALL
