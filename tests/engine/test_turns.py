"""Who waits in line and says that its commit is newer, where the history does not lie ready."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.engine.turns import locked
from orchestrator.ledger.entry import Operation
from orchestrator.plans.events import Event, Notice
from orchestrator.settings import Settings
from tests.end_to_end.commands import eventually
from tests.git import commit_file, git, make_clone, make_remote, make_repository
from tests.ledger.builders import holder

STACK = "version: 1\nname: shop\nmodules: {a: {source: ./a}}\n"
PATIENCE = 30.0


@pytest.mark.parametrize("older", [True, False], ids=["an older commit", "of another history"])
def test_a_newer_commit_in_a_shallow_clone_overtakes(tmp_path: Path, older: bool) -> None:  # noqa: FBT001
    """It fetches as much of the history as tells whether the holder's commit is in it."""
    root = make_repository(tmp_path / "shop")
    commit_file(root, "stacks/shop/a/main.tf", "\n")
    first = commit_file(root, "stacks/shop/stack.yaml", STACK)
    commit_file(root, "README.md", "newer\n")
    remote = make_remote(tmp_path / "remote.git", of=root)
    store = open_store(open_session(_around(root, []), stack="shop", environment=None))
    lock = store.acquire(replace(holder(), lease=600.0, revision=first if older else "1" * 40))
    clone = make_clone(remote, tmp_path / "clone", "--depth=1")
    told: list[str] = []
    session = open_session(_around(clone, told), stack="shop", environment=None)

    def wait() -> None:
        with locked(session, open_store(session), Operation.APPLY, patience=PATIENCE):
            pass

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        seen = eventually(lambda: store.sight().waiting, "somebody in line")
        assert seen[0].overtakes == (lock.holder.token if older else "")
        assert git(clone, "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")
    finally:
        store.release(lock)
        waiting.join()
    assert not any("does not tell whether" in text for text in told)


def _around(directory: Path, told: list[str]) -> Surroundings:
    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)

    return Surroundings(settings=Settings.read(), directory=directory, on_event=hear)
