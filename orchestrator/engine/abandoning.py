"""Abandoning a run: the ledger is told that nobody will finish it, and is open no more."""

import uuid

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.reading import entries_to
from orchestrator.engine.recording import Recorder, who
from orchestrator.engine.session import Session, open_session
from orchestrator.engine.turns import locked
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.ledger.entry import Entry, Operation, Run


def abandon_run(book: Book, entry: str, why: str) -> str:
    """Record that nobody will finish the run that an entry belongs to, and return a sentence about it.

    Raises UsageError when that run is not open, Locked while somebody who may be at it holds the lock, LedgerError.
    """
    reason = " ".join(why.split())
    if not reason:
        message = "nothing is said of why"
        raise UsageError(message, hint="--why TEXT is recorded, for those who look at it later")
    run = _open_run(book, entry)
    session = writable(book)
    with locked(session, book.store, Operation.ABANDON) as lease:
        state = book.store.read()
        if state.open is None or state.open.id != run.id:
            message = f"somebody went on from the run of entry {run.id[:10]} meanwhile"
            raise OrchestratorError(message, hint="look again: orchestrator status")
        note = Recorder(session, lease, _note(session, run, lease.lock.holder.command), state)
        note.abandoned(f"abandon {session.owner} at {run.run.revision}: {reason}")
    return f"abandoned the run of {run.run.who}, which began at {run.at:%Y-%m-%d %H:%M:%S} UTC"


def _open_run(book: Book, entry: str) -> Entry:
    """Return the entry that began the open run; raises UsageError when ``entry`` is of no such run."""
    _, named = entries_to(book, entry)
    run = book.state.open
    if run is None:
        message = f"no run of {book.owner} is open: there is none to abandon"
        raise UsageError(message, hint="`orchestrator history` shows what became of each")
    if named.run.id != run.run.id:
        message = f"the run of entry {named.id[:10]} is over"
        raise UsageError(message, hint=f"the one that is open began with {run.id[:10]}")
    return run


def writable(book: Book) -> Session:
    """Return the stack's session, in which locks of a dead run on states are released; a bare one without it."""
    owner, surroundings = book.owner, book.session.surroundings
    try:
        return open_session(surroundings, stack=owner.stack, environment=owner.environment)
    except OrchestratorError:
        return book.bare


def _note(session: Session, run: Entry, command: str) -> Run:
    settings = session.surroundings.settings
    return Run(
        id=uuid.uuid4().hex,
        operation=Operation.ABANDON,
        revision=run.run.revision,
        plan="",
        who=who(session),
        host=settings.host,
        command=command,
        ci_run=settings.ci_run,
    )
