"""A writer of single documents that is paused at the worst moment: whatever it goes on with, it records nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import LockLost
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import is_dead


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
