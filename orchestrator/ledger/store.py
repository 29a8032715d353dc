"""What every store of the ledger can do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.holder import Holder, Lock, Sight, Waiter
from orchestrator.ledger.verification import Link


class Store(Protocol):
    """The ledger and the lock of one stack in one environment.

    Every method raises LedgerError when the place where the ledger lies refuses or does not answer.
    """

    @property
    def title(self) -> str:
        """Return what people know the place by, for a sentence: ``the directory /srv/ledgers/shop/production``."""

    def rooted(self) -> bool:
        """Whether a ledger that was read here has been in this very place, and not merely in another one."""

    def read(self) -> LedgerState:
        """Return the present state.

        Raises LedgerLost when entries that this clone saw before are not there any more.
        """

    def append(
        self, entry: Entry, *, lock: Lock, last: bool = False, meant: bool = False
    ) -> LedgerState:
        """Record an entry, durably, and return the state after it; with the ``last`` one give the lock back.

        It counts as a heartbeat. Raises LockLost when the lock is no longer ours, LedgerError when the entry
        does not follow the last one; then nothing was recorded. An outcome that cannot reach its place is kept
        here and brought there by the next entry; the error says so. What is only ``meant`` is not: nothing was done.
        A ledger that moved takes no more entries.
        """

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""

    def links(self) -> Iterator[Link]:
        """Yield the entries as they are kept, oldest first, with what can be seen to be wrong with each.

        Where entries are lost that this clone saw, it yields what is left of them. Raises NewerFormat.
        """

    def rewrite(self, entries: Sequence[Entry], *, lock: Lock, base: LedgerState) -> LedgerState:
        """Make entries follow a state that entries led to, whatever follows that now; all or none of them.

        Each of them has to follow the one before. Nothing is said about what is there: whoever asks for this has
        looked at it under the lock. Raises LockLost, and LedgerError when the last entry of ``base`` is not there.
        """

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock, also from a holder whose process is dead for certain.

        ``over`` is the mark of a holder that is proven dead in another way: it is succeeded too, unless it gave
        a heartbeat since. Raises Locked when somebody else holds it, saying who and how to get rid of it.
        What an earlier run from here did and could not record is recorded at once.
        """

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""

    def release(self, lock: Lock) -> None:
        """Give the lock back; a lock that was lost meanwhile is left to whoever has it now."""

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it."""

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder; False when it is not the one who holds it.

        With a ``mark``, only as long as the holder gave no heartbeat since.
        """

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; it orders those who wait, and gives nobody a right."""

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more; one that is not in the queue is none to leave."""
