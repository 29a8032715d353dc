"""Recording what was done where the place of the ledger is away, as remotes and servers are for moments."""

import threading
from typing import Final

from orchestrator import clock
from orchestrator.engine.session import Session
from orchestrator.errors import LockLost
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.lease import Lease
from orchestrator.ledger.troubles import Unrecorded
from orchestrator.plans.events import Notice
from orchestrator.stack.written.durations import written

_SHARE: Final = 10  # of the lease: half a minute, where nobody says how long one is
_PAUSES: Final = 15  # in that time, at the most
_TWICE: Final = 2  # requests to stop


def appended(
    session: Session, lease: Lease, entry: Entry, *, last: bool, meant: bool = False
) -> LedgerState:
    """Record an entry under a lease, and return the state after it.

    What tells what was done is kept in this clone where its place does not take it. Where that is away it is tried
    again for a tenth of the lease, which is told, until somebody asks twice to stop: a machine of CI is thrown away
    with what it keeps. What is only ``meant`` is recorded at once or not at all. Raises what the lease raises,
    NotShared for what is kept, and Unrecorded for what could not be.
    """
    try:
        return lease.append(entry, last=last, meant=meant)
    except Unrecorded as error:
        if not error.away or _in_a_hurry(session):
            raise
        return _insisted(session, lease, entry, error, last=last)


def _insisted(
    session: Session, lease: Lease, entry: Entry, kept: Unrecorded, *, last: bool
) -> LedgerState:
    patience = lease.lock.holder.lease / _SHARE
    _tell(session, f"{kept.why}; trying for {written(patience)} to record what was done")
    deadline, pause = clock.seconds() + patience, threading.Event()
    while clock.seconds() < deadline and lease.holds and not _in_a_hurry(session):
        pause.wait(patience / _PAUSES)
        try:
            state = lease.append(entry, last=last)
        except Unrecorded as error:
            kept = error
        except LockLost as error:  # others go on already: what was kept follows theirs
            raise kept from error
        else:
            _tell(session, "what was done is recorded now")
            return state
    raise kept


def _in_a_hurry(session: Session) -> bool:
    return session.surroundings.stop.requests >= _TWICE


def _tell(session: Session, text: str) -> None:
    session.surroundings.on_event(Notice(text=text))
