"""Stores of every kind, each over a ledger of its own that several writers can open."""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest

from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.holder import Holder
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.stores.memory import MemoryStore
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository
from tests.git import make_clone, make_remote, make_repository
from tests.ledger.builders import OWNER, entry, holder, run

Ledger: TypeAlias = Callable[[], Store]
"""Opens the same ledger once more, as a second writer would."""

DEAD = "dead"


def is_dead(holder: Holder) -> bool:
    """Return whether a holder calls itself dead, in place of the process table."""
    return holder.token.startswith(DEAD)


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(params=["memory", "git", "git with a remote"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Return how to open one ledger of each kind; with a remote each writer has a clone of its own."""
    match request.param:
        case "memory":
            store = MemoryStore(OWNER, is_dead=is_dead)
            return lambda: store
        case "git":
            repository = make_repository(tmp_path / "shop")
            return lambda: open_store(repository, remote=None)
        case _:
            repository = make_repository(tmp_path / "shop")
            remote = make_remote(tmp_path / "remote.git", of=repository)
            numbers = count()
            return lambda: open_store(make_clone(remote, tmp_path / f"clone-{next(numbers)}"))


def open_store(repository: Path, *, remote: str | None = "origin") -> Store:
    """Open the ledger that a checkout sees."""
    return GitStore(OWNER, open_repository(repository).plumbing(), remote=remote, is_dead=is_dead)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a repository without a remote."""
    return make_repository(tmp_path / "shop")


@pytest.fixture
def remote(shop: Path, tmp_path: Path) -> Path:
    """Return the bare repository that is the shop's origin."""
    return make_remote(tmp_path / "remote.git", of=shop)


def record_entries(
    store: Store, last: int, *, first: int = 1, commit: str = "", release: bool = True
) -> None:
    """Record entries of these numbers, each of that commit, as one writer."""
    lock = store.acquire(holder(f"writer-{first}"))
    for number in range(first, last + 1):
        store.append(entry_at(number, commit), lock=lock)
    if release:
        store.release(lock)


def entry_at(number: int, commit: str, kind: Kind = Kind.STARTED) -> Entry:
    """Return the entry of that number, which applied a commit."""
    return entry(
        number,
        kind,
        of=run(revision=Revision(commit=commit)),
        message=f"apply shop/production: entry {number}",
    )
