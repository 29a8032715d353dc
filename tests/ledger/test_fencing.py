"""A writer of single documents that is paused at the worst moment: whatever it goes on with, it records nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import AccessDenied, LedgerError, LockLost
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.documents import HEAD, LOCK
from orchestrator.ledger.stores.memory import MemoryShelf
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import DEAD, is_dead


class Paused:
    """A shelf whose writer is paused once, just before it writes a document of a kind."""

    def __init__(self, shelf: MemoryShelf, kind: str, meanwhile: Callable[[], object]) -> None:
        self._shelf = shelf
        self._kind = kind
        self._meanwhile = meanwhile
        self.armed = False

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the shelf does."""
        return getattr(self._shelf, name)

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Write what the writer had in mind before it was paused."""
        if self.armed and name.partition("-")[0] == self._kind:
            self.armed = False
            self._meanwhile()
        return self._shelf.write(name, content, over=over)


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "broken"])
@pytest.mark.parametrize("kind", ["entry", "lock", "state", "head"])
def test_whoever_is_paused_in_an_append_records_nothing(kind: str, *, taken: bool) -> None:
    """Between any two steps the lock may go to somebody else, or to nobody; the entry is then not recorded."""
    shelf, locks = MemoryShelf(), list[Lock]()
    others = ChainStore(OWNER, shelf, is_dead=is_dead)

    def meanwhile() -> None:
        assert others.break_lock(holder("slow"))
        if taken:
            locks.append(others.acquire(holder("quick")))

    paused = Paused(shelf, kind, meanwhile)
    slow = ChainStore(OWNER, paused, is_dead=is_dead)
    lock = slow.acquire(holder("slow"))
    paused.armed = True
    with pytest.raises(LockLost):
        slow.append(entry(1), lock=lock)
    assert not paused.armed
    assert others.read().head == ""
    for each in locks:
        assert others.append(entry(1), lock=each).head == "entry-1"


class Clinging:
    """A shelf that gives no lock back as long as it is told so."""

    def __init__(self, shelf: MemoryShelf) -> None:
        self._shelf = shelf
        self.clings = True

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the shelf does."""
        return getattr(self._shelf, name)

    def remove(self, name: str, *, over: str) -> bool:
        """Remove anything but the lock."""
        if self.clings and name == LOCK:
            raise LedgerError("the place does not answer")
        return self._shelf.remove(name, over=over)


def test_what_was_recorded_is_no_failure_when_the_lock_stays() -> None:
    """The last entry is there; that the lock could not be given back is told by who gives it back once more."""
    shelf = Clinging(MemoryShelf())
    store = ChainStore(OWNER, shelf, is_dead=is_dead)
    lock = store.acquire(holder())

    assert store.append(entry(1), lock=lock, last=True).head == "entry-1"

    assert store.sight().hold is not None
    with pytest.raises(LedgerError, match="does not answer"):
        store.release(lock)
    shelf.clings = False
    store.release(lock)
    assert store.sight().hold is None


class ReadOnlyHead:
    """A shelf that lets write everything but the head, as rights to Leases without any to ConfigMaps do."""

    def __init__(self, shelf: MemoryShelf) -> None:
        self._shelf = shelf
        self.forbids = True

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the shelf does."""
        return getattr(self._shelf, name)

    def write(self, name: str, content: bytes, *, over: str) -> str:
        """Write anything but the head."""
        if self.forbids and name == HEAD:
            raise AccessDenied("configmaps is forbidden")
        return self._shelf.write(name, content, over=over)


def test_who_takes_the_lock_and_cannot_write_gives_it_back() -> None:
    """Nobody is locked out by a run that never was one; of a dead holder the next one learns as if it had not been."""
    shelf = ReadOnlyHead(MemoryShelf())
    store = ChainStore(OWNER, shelf, is_dead=is_dead)
    with pytest.raises(LedgerError, match="is forbidden"):
        store.acquire(holder())
    assert store.sight().hold is None

    shelf.forbids = False
    store.acquire(holder(DEAD))
    died = store.sight().hold
    shelf.forbids = True
    with pytest.raises(LedgerError, match="is forbidden"):
        store.acquire(holder())

    assert store.sight().hold == died
    shelf.forbids = False
    assert store.acquire(holder("next")).succeeded == died
