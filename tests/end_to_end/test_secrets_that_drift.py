"""Somebody changes a password by hand, then Git does: what Git changes of secrets is applied, as of all else."""

import json

import pytest

from tests.end_to_end.stacks import Document
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_NOTHING = "Nothing to do: what runs is what Git says"


def _commit(world: World, password: str) -> None:
    """Commit two Secrets of a set that leaves drift: one with this password, one that stays as it is."""
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name, "drift": "report"}})
    world.manifests("shop/all.yaml", _secret("login", password), _secret("other", "unchanged"))
    world.commit()


def _secret(name: str, password: str) -> Document:
    texts = {"password": password, "user": "ada"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}


def _edit(world: World, password: str) -> None:
    world.patch("Secret", "login", {"stringData": {"password": password}})


def _password(world: World) -> str:
    return world.secret("login", "password")


def _salt(world: World) -> str:
    found: str = world.object("Secret", "login")["metadata"]["annotations"]["orchestrator/salt"]
    return found


def test_what_git_changes_of_a_secret_is_applied_over_what_others_did(world: World) -> None:
    """So it is with a commit, with a revert of it, and with one of what Git took over; all else is left as before."""
    _commit(world, "q7xz-first")
    world.apply()
    salt = _salt(world)
    assert f"{_NOTHING}." in world.plan().stdout
    _edit(world, "by-hand-1")
    left = world.plan().stdout
    assert "data.password  (sensitive, changed)" in left
    assert f"{_NOTHING}, but for 1 drifted object" in left

    _commit(world, "w8yv-second")
    told = [world.plan("--output", "json").stdout, world.apply().said]
    assert _password(world) == "w8yv-second"

    _edit(world, "by-hand-2")
    git(world.root, "revert", "--no-edit", "HEAD")
    told.append(world.plan().said)
    world.apply()
    assert _password(world) == "q7xz-first"

    _edit(world, "by-hand-3")
    _commit(world, "by-hand-3")
    told.append(world.apply().said)
    git(world.root, "revert", "--no-edit", "HEAD")
    world.apply()
    assert _password(world) == "q7xz-first"

    assert _salt(world) == salt
    ref = f"refs/orchestrator/{world.name}/default"
    kept = [git(world.root, "show", f"{ref}:{file}.json") for file in ("state", "entry")]
    for text in (*kept, *told):
        assert salt not in text
        assert "by-hand" not in text


def test_an_object_without_a_salt_gets_it_and_drift_stays_until_then(world: World) -> None:
    """As one that an earlier version applied, or somebody replaced: the plan says what it cannot tell, and notes it."""
    _commit(world, "q7xz-first")
    world.apply()
    for name, salt in (("login", None), ("other", "weak")):
        world.patch("Secret", name, {"metadata": {"annotations": {"orchestrator/salt": salt}}})
    _edit(world, "by-hand")
    planned = " ".join(world.plan().stdout.split())
    assert planned.count("notes how to tell what Git changes of its secrets") == 2
    assert "orchestrator/salt" not in planned
    assert "left as it is; whether Git changed its secrets, too, is not known" in planned
    world.apply()
    assert _password(world) == "by-hand"
    assert "not known" not in world.plan().stdout
    drift = json.loads(world.plan("--output", "json").stdout)["units"][0]
    assert [change["action"] for change in drift["changes"]] == ["no-op", "no-op"]

    _commit(world, "w8yv-second")
    world.apply()
    assert _password(world) == "w8yv-second"
