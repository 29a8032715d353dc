"""What every store of the ledger can do."""

from collections.abc import Iterator
from typing import Protocol

from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.holder import Holder, Lock


class Store(Protocol):
    """The ledger and the lock of one stack in one environment.

    Every method raises LedgerError when the place where the ledger lies refuses or does not answer.
    """

    def read(self) -> LedgerState:
        """Return the present state."""

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry, durably, and return the state after it.

        Raises LedgerError when the lock is no longer ours or the entry does not follow the last one; then
        nothing was recorded. An outcome that cannot reach a remote is kept here and brought there by the
        next entry; the error says so.
        """

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""

    def acquire(self, holder: Holder) -> Lock:
        """Take the lock, also from a holder whose process is dead for certain.

        Raises Locked when somebody else holds it, saying who and how to get rid of it.
        """

    def release(self, lock: Lock) -> None:
        """Give the lock back; a lock that was lost meanwhile is left to whoever has it now."""

    def holder(self) -> Holder | None:
        """Return who holds the lock."""

    def break_lock(self, expected: Holder) -> bool:
        """Take the lock away from that holder; False when it is not the one who holds it."""
