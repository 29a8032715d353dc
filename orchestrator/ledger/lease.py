"""The lease of a run on its lock: heartbeats in the background, and an end that cannot be missed.

The lease is counted from the start of the last beat that was recorded, by a clock that also runs while this
process is paused or the machine sleeps. Whoever watches the lock counts from a later moment and waits longer
(see `watch`), so that a run has stopped when somebody else takes its place, without comparing two clocks.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from orchestrator import clock, log
from orchestrator.errors import LedgerError, LockLost, UsageError
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.holder import Lock, Waiter
from orchestrator.ledger.store import Store
from orchestrator.ledger.troubles import expired_lease
from orchestrator.settings import Settings
from orchestrator.stack.written.durations import seconds

LEASE_SECONDS = 300.0
"""How long a lock outlives its last heartbeat: longer than a hosted remote is usually away."""

_BEATS = 5  # in each lease: four may fail, and a run of minutes gives few
_SHORTEST = 1.0
_LEAST_PATIENCE = 10.0


def lease_of(settings: Settings) -> float:
    """Return how long a lease is, in seconds; raises UsageError when the setting is no duration."""
    if not settings.lease:
        return LEASE_SECONDS
    lease = seconds(settings.lease)
    if lease < _SHORTEST:
        message = (
            f"ORCHESTRATOR_LEASE is {settings.lease!r}, which is no duration of a second or more"
        )
        raise UsageError(message, hint="write one such as 90s or 5m")
    return lease


def patience_of(settings: Settings) -> float:
    """Return how long a remote may take to answer, in seconds: several tries have to fit into a lease."""
    return max(_LEAST_PATIENCE, lease_of(settings) / (2 * _BEATS))


class Lease:
    """A lock that is held by this process, as long as heartbeats are recorded in time."""

    def __init__(
        self,
        store: Store,
        lock: Lock,
        *,
        subject: str,
        on_end: Callable[[LockLost], None],
        on_trouble: Callable[[LedgerError], None],
    ) -> None:
        """Take a lock that was taken this moment.

        ``on_end`` is told once when it is lost, ``on_trouble`` once of each time that heartbeats begin to fail;
        both are called from another thread.
        """
        self.lock = lock
        self._store = store
        self._subject = subject
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._length = lock.holder.lease
        self._until = clock.lasting() + self._length
        self._lost: LockLost | None = None
        self._writing = threading.Lock()
        self._given_back = threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Record heartbeats while the block lasts."""
        self._heart.start()
        try:
            yield
        finally:
            self._given_back.set()
            self._heart.join()

    @property
    def holds(self) -> bool:
        """Whether the run may go on: nobody took the lock, and the lease is not over."""
        return self._lost is None and clock.lasting() < self._until

    def check(self) -> None:
        """Raise LockLost when the run may not go on."""
        if not self.holds:
            raise self._lost or expired_lease(self._subject, self._length)

    def append(self, entry: Entry, *, last: bool = False, meant: bool = False) -> LedgerState:
        """Record an entry, which is a heartbeat too; raises LockLost and what the store raises.

        With the ``last`` one the lock is given back, and there is nothing to lose any more. What is only ``meant`` is
        recorded now or never.
        """
        return self._recorded(
            lambda: self._store.append(entry, lock=self.lock, last=last, meant=meant), last=last
        )

    def rewrite(self, entries: Sequence[Entry], *, base: LedgerState) -> LedgerState:
        """Make entries follow a state, whatever follows that now; a heartbeat too. Raises as ``append`` does."""
        return self._recorded(lambda: self._store.rewrite(entries, lock=self.lock, base=base))

    def _recorded(self, record: Callable[[], LedgerState], *, last: bool = False) -> LedgerState:
        with self._writing:
            self.check()
            started = clock.lasting()
            try:
                state = record()
            except LockLost as error:
                self._lost = error
                raise
            self._until = math.inf if last else started + self._length
            if last:
                self._given_back.set()
            return state

    def waiting(self) -> tuple[Waiter, ...]:
        """Return who waits for the lock, the first one first; raises what the store raises."""
        with self._writing:  # two that fetch at once would stand in each other's way
            return self._store.sight().waiting

    def _beat_on(self) -> None:
        failing = False
        while not self._given_back.wait(self._pause(failing=failing)):
            try:
                self._beat()
                failing = False
            except LockLost as error:
                self._lost = error
                return self._on_end(error)
            except LedgerError as error:
                log.step("heartbeat failed", error=error.message)
                if not failing:
                    self._on_trouble(error)
                failing = True
        return None

    def _pause(self, *, failing: bool) -> float:
        """Return how long to wait until the next beat, counted from the last: an entry is one too."""
        left = self._until - clock.lasting()
        between = self._length / _BEATS
        return max(0.0, min(between / 4, left) if failing else left - self._length + between)

    def _beat(self) -> None:
        with self._writing:
            if self._given_back.is_set():
                return
            self.check()
            started = clock.lasting()
            self._store.beat(self.lock, at=clock.now())
            self._until = started + self._length
            log.step("heartbeat recorded", subject=self._subject)
