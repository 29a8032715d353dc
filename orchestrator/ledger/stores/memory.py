"""A ledger that lives as long as this process: for trying things out, where no Git is at hand."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count

from orchestrator import clock
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Hold, Holder, Lock, Sight, Waiter, in_line, locked
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
        self._hold: Hold | None = None
        self._marks = map(str, count())
        self._waiting: dict[str, Waiter] = {}

    def read(self) -> LedgerState:
        """Return the present state."""
        return self._state

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with self._guard:
            hold = self._ours(lock)
            if entry.previous != self._state.head:
                raise out_of_order(str(self._owner))
            self._hold = replace(hold, mark=next(self._marks), beat=entry.at)
            self._entries.append(entry)
            self._state = fold(self._state, entry)
            return self._state

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        return iter(tuple(reversed(self._entries))[:limit])

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with self._guard:
            before = self._hold
            if before and before.mark != over and not self._is_dead(before.holder):
                raise locked(str(self._owner), before)
            self._hold = Hold(holder=holder, mark=next(self._marks), beat=holder.since)
            return Lock(holder=holder, succeeded=before)

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""
        with self._guard:
            self._hold = replace(self._ours(lock), mark=next(self._marks), beat=at)

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        self.break_lock(lock.holder)

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it."""
        with self._guard:
            waiting = in_line(self._waiting.values(), clock.now(), self._is_dead)
            return Sight(hold=self._hold, waiting=waiting)

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder, with a ``mark`` only while it gave no heartbeat since."""
        with self._guard:
            hold = self._hold
            if hold is None or hold.holder.token != expected.token or (mark not in {"", hold.mark}):
                return False
            self._hold = None
            return True

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue."""
        with self._guard:
            self._waiting[waiter.holder.token] = waiter

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        with self._guard:
            self._waiting.pop(waiter.holder.token, None)

    def _ours(self, lock: Lock) -> Hold:
        if self._hold is None or self._hold.holder.token != lock.holder.token:
            raise lost_lock(str(self._owner), self._hold.holder if self._hold else None)
        return self._hold
