"""A ledger that lives as long as this process: for trying things out, where no Git is at hand."""

import threading
from collections.abc import Callable, Iterator

from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Holder, Lock, locked
from orchestrator.ledger.troubles import lost_lock, out_of_order
from orchestrator.plans.objects import Owner


class MemoryStore:
    """Entries in a list."""

    def __init__(self, owner: Owner, *, is_dead: Callable[[Holder], bool]) -> None:
        """Start with no entry and no lock; ``is_dead`` says of a holder that it has ended for certain."""
        self._owner = owner
        self._is_dead = is_dead
        self._guard = threading.Lock()
        self._entries: list[Entry] = []
        self._state = LedgerState()
        self._holder: Holder | None = None

    def read(self) -> LedgerState:
        """Return the present state."""
        return self._state

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with self._guard:
            if self._holder != lock.holder:
                raise lost_lock(str(self._owner), self._holder)
            if entry.previous != self._state.head:
                raise out_of_order(str(self._owner))
            self._entries.append(entry)
            self._state = fold(self._state, entry)
            return self._state

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        return iter(tuple(reversed(self._entries))[:limit])

    def acquire(self, holder: Holder) -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with self._guard:
            before = self._holder
            if before is not None and not self._is_dead(before):
                raise locked(str(self._owner), before)
            self._holder = holder
            return Lock(holder=holder, succeeded=before)

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        self.break_lock(lock.holder)

    def holder(self) -> Holder | None:
        """Return who holds the lock."""
        return self._holder

    def break_lock(self, expected: Holder) -> bool:
        """Take the lock away from that holder."""
        with self._guard:
            if self._holder != expected:
                return False
            self._holder = None
            return True
