"""The errors that every store raises alike."""

from orchestrator.errors import LedgerError, LockLost
from orchestrator.ledger.holder import Holder


def lost_lock(subject: str, holder: Holder | None) -> LockLost:
    """Return the error for a writer whose lock is no longer its own."""
    now = (
        f"{holder} has it since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
        if holder
        else "nobody has it now"
    )
    return LockLost(
        f"the lock on {subject} was taken away from this run: {now}",
        hint="nothing more is done or recorded; see orchestrator status for what is open, then run again",
    )


def expired_lease(subject: str, lease: float) -> LockLost:
    """Return the error for a writer that gave no heartbeat for as long as its lease."""
    return LockLost(
        f"the lease on {subject} is over: no heartbeat of this run was recorded for {lease:g} seconds,"
        " and others may have gone on since",
        hint="nothing more is done or recorded; see orchestrator status for what is open, then run again",
    )


def out_of_order(subject: str) -> LedgerError:
    """Return the error for an entry that does not follow the ledger's last one."""
    return LedgerError(
        f"the ledger of {subject} moved on since this run read it",
        hint="nothing was recorded; run again, so that it plans from what is there now",
    )
