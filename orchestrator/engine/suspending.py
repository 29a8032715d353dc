"""Suspending a stack: somebody's word that agents are to leave it alone, as an entry of the ledger."""

import uuid
from dataclasses import replace

from orchestrator import clock
from orchestrator.engine.abandoning import writable
from orchestrator.engine.history.opening import Book
from orchestrator.engine.recording import who
from orchestrator.engine.turns import locked
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import Entry, Kind, Operation, Run, redacted
from orchestrator.plans.plan import Revision


def suspend(book: Book, why: str, *, patience: float = 0.0) -> str:
    """Record that agents leave the stack alone until it is resumed, and return a sentence about it.

    People and pipelines may go on. Raises UsageError without a reason, Locked when another run has the stack for
    longer than ``patience`` seconds, LedgerError.
    """
    reason = " ".join(why.split())
    if not reason:
        message = "nothing is said of why"
        raise UsageError(message, hint="--why TEXT is recorded, for those who look at it later")
    _record(book, Operation.SUSPEND, reason, patience=patience)
    return f"suspended {book.owner}: agents leave it alone until `orchestrator agent resume`"


def resume(book: Book, why: str, *, patience: float = 0.0) -> str:
    """Record that agents keep the stack again, and return a sentence about it.

    Raises UsageError when it is not suspended, Locked, LedgerError.
    """
    before = book.state.suspended
    if before is None:
        message = f"{book.owner} is not suspended"
        raise UsageError(message, hint="`orchestrator status` says what is the matter with it")
    _record(book, Operation.RESUME, " ".join(why.split()), patience=patience)
    return f"resumed {book.owner}, which {before.who} suspended: {before.why}"


def _record(book: Book, operation: Operation, why: str, *, patience: float) -> None:
    session = writable(book)
    with locked(session, book.store, operation, patience=patience) as lease:
        entry = _entry(book, operation, why, command=lease.lock.holder.command)
        lease.append(redacted(entry, session.surroundings.secrets.redact), last=True)


def _entry(book: Book, operation: Operation, why: str, *, command: str) -> Entry:
    state = book.store.read()
    settings, told = book.session.surroundings.settings, f": {why}" if why else ""
    revision = replace(state.runs[0].revision, difference="") if state.runs else Revision(commit="")
    run = Run(
        id=uuid.uuid4().hex,
        operation=operation,
        revision=revision,
        plan="",
        who=who(book.session),
        host=settings.host,
        command=command,
        ci_run=settings.ci_run,
    )
    return Entry(
        id=uuid.uuid4().hex,
        previous=state.head,
        kind=Kind.NOTED,
        run=run,
        at=clock.now(),
        message=f"{operation} {book.owner}{told}",
        why=why,
    )
