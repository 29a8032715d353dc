"""A reader beside a writer of the same clone: what the writer saw meanwhile is not missed in what was read before."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import clock
from orchestrator.ledger.holder import Lock, Waiter
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.stores.shelf import Document, Shelf
from orchestrator.repository.plumbing import GitPlumbing
from orchestrator.repository.repository import open_repository
from tests.git import make_clone, make_remote, make_repository
from tests.ledger.builders import NOON, OWNER, entry, holder
from tests.ledger.conftest import is_dead

Hook = Callable[[], None]
LATER = NOON + timedelta(minutes=1)
_NAMES = 6  # that Git reads for one look, in the same order each time: a second look is disturbed where the first was


class WatchedShelf:
    """A shelf that tells of each document that was read."""

    def __init__(self, shelf: Shelf, told: Hook) -> None:
        self._shelf = shelf
        self._told = told

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the shelf does."""
        return getattr(self._shelf, name)

    def read(self, name: str) -> Document | None:
        """Read, and tell of it."""
        found = self._shelf.read(name)
        self._told()
        return found


class WatchedGit:
    """Git that reads one name after the other, as it does, and tells of each; and of each look at a remote."""

    def __init__(self, plumbing: GitPlumbing, told: Hook) -> None:
        self._plumbing = plumbing
        self._told = told

    def __getattr__(self, name: str) -> Any:
        """Do everything else as Git does."""
        return getattr(self._plumbing, name)

    def read(self, names: Sequence[str]) -> tuple[tuple[str, bytes] | None, ...]:
        """Read them one by one."""
        found: list[tuple[str, bytes] | None] = []
        for name in names:
            found += self._plumbing.read((name,))
            self._told()
        return tuple(found)

    def list_remote(self, remote: str, refs: Sequence[str]) -> Any:
        """Look at the remote, and tell of it."""
        found = self._plumbing.list_remote(remote, refs)
        self._told()
        return found


def opener(kind: str, tmp_path: Path) -> Callable[[Hook | None], Store]:
    """Return how processes of one clone open one ledger, each with what it is to tell of what it reads."""
    if kind in {"memory", "directory"}:
        memory = tmp_path / "memory"
        memory.mkdir()
        shelf = MemoryShelf() if kind == "memory" else DirectoryShelf(tmp_path, str(OWNER))
        seen = DirectoryShelf(memory, "seen")
        return lambda told: ChainStore(
            OWNER,
            WatchedShelf(shelf, told) if told else shelf,
            is_dead=is_dead,
            memory=WatchedShelf(seen, told) if told else seen,
        )
    shop = make_repository(tmp_path / "shop")
    remote = None if kind == "git" else "origin"
    if remote:
        make_remote(tmp_path / "remote.git", of=shop)
    plumbing = open_repository(shop).plumbing()
    return lambda told: GitStore(
        OWNER, WatchedGit(plumbing, told) if told else plumbing, remote=remote, is_dead=is_dead
    )


def appended(writer: Store, lock: Lock, number: int) -> str:
    """Append the entry of that number, and return its id."""
    return writer.append(entry(number), lock=lock).head


@pytest.mark.parametrize(
    "kind", ["memory", "git", pytest.param("git with a remote", marks=pytest.mark.soak)]
)
def test_what_a_writer_records_between_two_looks_is_no_loss(kind: str, tmp_path: Path) -> None:
    """Wherever an entry comes in between the parts of a look, the reader finds the ledger before or after it."""
    opened = opener(kind, tmp_path)
    writer = opened(None)
    lock = writer.acquire(holder())
    appended(writer, lock, 1)
    number, moment, read = 1, 0, 0

    def told() -> None:
        nonlocal read, number
        read += 1
        if read in {moment, moment + _NAMES}:
            number += 1
            appended(writer, lock, number)

    while read >= moment:  # until a look is over before its moment comes
        moment, read, before = moment + 1, 0, number
        head = opened(told).read().head
        assert head in {f"entry-{each}" for each in range(before, number + 1)}
    assert number > 3


def test_a_glimpse_of_a_moment_ago_misses_nothing(tmp_path: Path) -> None:
    """Where the remote's refs stood is looked up once for lock and ledger, and may be old by the second look."""
    opened = opener("git with a remote", tmp_path)
    writer, reader = opened(None), opened(None)
    lock = writer.acquire(holder())
    appended(writer, lock, 1)
    reader.sight()
    appended(writer, lock, 2)
    assert reader.read().head == "entry-2"


def test_what_moves_before_it_is_fetched_is_looked_at_again(tmp_path: Path) -> None:
    """A heartbeat, or somebody who lines up anew, between the list of the remote's refs and the fetch of them."""
    writer = opener("git with a remote", tmp_path)(None)
    lock = writer.acquire(holder())
    waiter = Waiter(holder=replace(holder("waits"), since=clock.now()), patience=60.0)
    writer.line_up(waiter)
    once = iter([waiter])

    def told() -> None:
        for each in once:
            writer.beat(lock, at=LATER)
            writer.leave(each)
            writer.line_up(replace(each, overtakes=lock.holder.token))

    clone = make_clone(tmp_path / "remote.git", tmp_path / "clone")
    plumbing = WatchedGit(open_repository(clone).plumbing(), told)
    sight = GitStore(OWNER, plumbing, remote="origin", is_dead=is_dead).sight()
    assert sight.hold is not None
    assert sight.hold.beat == LATER
    assert [each.overtakes for each in sight.waiting] == [lock.holder.token]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["directory", "git", "git with a remote"])
def test_readers_beside_a_writer_miss_nothing(kind: str, tmp_path: Path) -> None:
    """Many looks beside many entries: none of them says that the ledger was cut short, and none goes back."""
    opened, done = opener(kind, tmp_path), threading.Event()
    entries = 400 if kind == "directory" else 80

    def write() -> None:
        writer = opened(None)
        lock = writer.acquire(holder())
        try:
            for number in range(1, entries + 1):
                appended(writer, lock, number)
        finally:
            done.set()

    def read() -> int:
        looks, last = 0, 0
        while not done.is_set():
            reader = opened(None)
            reader.sight()
            now = int(reader.read().head.removeprefix("entry-") or 0)
            assert now >= last
            looks, last = looks + 1, now
        return looks

    with ThreadPoolExecutor(3) as pool:
        looking = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()
    assert all(each.result() > 10 for each in looking)
