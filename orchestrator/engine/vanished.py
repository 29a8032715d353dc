"""Stacks and environments that Git declares no more: destroyed from the revision that applied them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from orchestrator.engine.history.opening import read_files, session_of_ledger
from orchestrator.engine.recording import open_store
from orchestrator.engine.session import Session, Surroundings, open_session, session_at
from orchestrator.errors import (
    InvalidStack,
    OrchestratorError,
    PlanRefused,
    RepositoryError,
    UsageError,
)
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.events import Notice
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository


def open_what_is_left(
    surroundings: Surroundings, *, stack: str | None, environment: str | None
) -> Session:
    """Open a stack as the working tree has it; one that is gone from there as it was applied last.

    Only to take it away: nothing is ever applied from there. Raises UsageError, InvalidStack, PlanRefused when
    no revision that applied it can be read.
    """
    try:
        return open_session(surroundings, stack=stack, environment=environment)
    except UsageError:
        session = None
        with suppress(
            UsageError
        ):  # neither declared nor in a ledger: the first error says it better
            session = _as_applied(surroundings, stack, environment)
        if session is None:
            raise
    text = f"{session.owner} is no longer declared in Git; taken as it was applied at {session.revision}"
    surroundings.on_event(Notice(text=text))
    return session


def revisions_of(state: LedgerState) -> tuple[Revision, ...]:
    """Return the revisions that something of a state is from, the newest first, as they are in Git."""
    return tuple(dict.fromkeys(replace(each, difference="") for each in _revisions(state)))


def _revisions(state: LedgerState) -> Iterator[Revision]:
    if state.open is not None:
        yield state.open.run.revision
    for record in sorted(state.units.values(), key=lambda record: record.at, reverse=True):
        yield record.applied or record.revision


def _as_applied(
    surroundings: Surroundings, stack: str | None, environment: str | None
) -> Session | None:
    """Return the session of a stack that is in a ledger and not in Git, None when it is none of these."""
    if stack is None:
        return None
    repository = open_repository(surroundings.directory)
    files = read_files(repository)
    hollow = session_of_ledger(
        surroundings, repository, files, stack=stack, environment=environment
    )
    state = open_store(hollow).read()
    if files.declares(hollow.owner) is not False or not (state.units or state.inventory):
        return None
    return _readable(hollow, state)


def _readable(hollow: Session, state: LedgerState) -> Session:
    owner, troubles = hollow.owner, []
    for revision in revisions_of(state):
        try:
            return session_at(
                hollow.surroundings,
                hollow.repository,
                revision,
                stack=owner.stack,
                environment=owner.environment,
            )
        except (UsageError, InvalidStack, RepositoryError) as error:
            troubles.append(f"{revision}: {_why(error)}")
    message = f"{owner} is no longer declared in Git, and no revision that applied it can be read"
    hint = "declare it again, apply, and destroy it then"
    raise PlanRefused(message, hint=hint, detail="\n".join(troubles))


def _why(error: OrchestratorError) -> str:
    if isinstance(error, InvalidStack):
        return "; ".join(f"{mistake.place}: {mistake.message}" for mistake in error.mistakes)
    return error.message
