"""An agent that takes the commits of some people alone."""

import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration


def _key(folder: Path, name: str) -> Path:
    key = folder / name
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
    subprocess.run(words, check=True)
    return key


def _allow(keeper: Keeper, *keys: Path) -> None:
    lines = (f"{key.name}@example.org {key.with_suffix('.pub').read_text()}" for key in keys)
    (keeper.home / "signers").write_text("".join(lines), encoding="utf-8")


def _sign(world: World, key: Path) -> None:
    settings = {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgSign": "true"}
    for name, value in settings.items():
        git(world.root, "config", name, value)


def test_nobody_vouches_for_more_than_he_signed(keeper: Keeper, world: World) -> None:
    """Nothing is done with a commit whose signer was struck off the list, or that a ledger alone names."""
    ada, eve = (_key(keeper.home, name) for name in ("ada", "eve"))
    _allow(keeper, ada, eve)
    drift = {"drift": {"workloads": "200ms"}, "vanished": "destroy"}
    keeper.tell(defaults=drift, repository={"signed": {"ssh": "signers"}})
    _sign(world, eve)
    keeper.push("Welcome people")
    first = keeper.once()
    assert first.code == 0, first.said
    _allow(keeper, ada)
    world.delete("ConfigMap", "greeting")
    revoked = keeper.once()
    assert revoked.code == 1, revoked.said
    unread = told(revoked, "revision cannot be read")[0]
    assert "is not signed by anybody whose commits are taken" in unread["why"]
    assert not told(revoked, "task ended")
    assert not world.exists("ConfigMap", "greeting")
    _sign(world, ada)
    signed = keeper.push("Vouch for it")
    assert keeper.once().code == 0
    assert world.exists("ConfigMap", "greeting")
    git(world.root, "config", "commit.gpgSign", "false")
    world.commit("Slip something in")
    world.apply()
    git(world.root, "reset", "--quiet", "--hard", signed)
    git(world.root, "config", "commit.gpgSign", "true")
    (world.root / "stacks" / world.name / "stack.yaml").unlink()
    keeper.push("Close the shop")
    held = keeper.once()
    assert held.code == 3, held.said
    (task,) = [each for each in told(held, "task ended") if each["task"] == "destroy"]
    assert "is not in the history of main that was signed" in task["why"]
    assert world.exists("ConfigMap", "greeting")


def test_nothing_is_read_of_what_nobody_vouches_for(keeper: Keeper, world: World) -> None:
    """Who signed it is asked first: a mistake in a commit that is not signed is not so much as found."""
    ada = _key(keeper.home, "ada")
    _allow(keeper, ada)
    keeper.tell(repository={"signed": {"ssh": "signers"}})
    (world.root / "orchestrator.yaml").write_text("version: [")
    keeper.push("Make a mistake")
    unsigned = told(keeper.once(), "revision cannot be read")[0]
    assert "is not signed by anybody whose commits are taken" in unsigned["why"]
    _sign(world, ada)
    keeper.push("Vouch for the mistake")
    mistaken = told(keeper.once(), "revision cannot be read")[0]
    assert mistaken["why"].startswith("orchestrator.yaml:1:")
