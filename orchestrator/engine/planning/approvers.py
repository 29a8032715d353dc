"""Whose approvals of a plan do not count, and how many are needed."""

from collections.abc import Collection, Mapping

from orchestrator.engine.recording import who
from orchestrator.engine.remotes import remote_of
from orchestrator.engine.session import Session
from orchestrator.errors import InvalidStack
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.approvals import Apart
from orchestrator.plans.loosening import in_force
from orchestrator.stack.policies import Guards


def apart(session: Session, ledger: LedgerState, guards: Guards) -> tuple[Apart, ...]:
    """Return who is no somebody else for a plan of the session: who is at it, and who wrote what it brings."""
    if guards.own_approvals:
        return ()
    return (Apart(who=who(session), why="applies it"), *writers(session, ledger))


def writers(session: Session, ledger: LedgerState) -> tuple[Apart, ...]:
    """Return who wrote the session's commit, and what else changed of the stack since it was applied last.

    Of a merge it is who wrote what it brings, and who made it where it says more than that. Raises RepositoryError.
    """
    written = session.repository.author(session.revision)
    others = _written(session, ledger) or {}
    return (
        Apart(who=written, why=f"wrote {session.revision.commit[:10]}"),
        *(Apart(who=name, why=f"wrote {commit[:10]}") for name, commit in others.items()),
    )


def notes_on_writers(session: Session, ledger: LedgerState, guards: Guards) -> tuple[str, ...]:
    """Return that it cannot be told who wrote what a plan brings, if so; raises RepositoryError."""
    if guards.own_approvals or _written(session, ledger) is not None:
        return ()
    since = f"since {ledger.healthy.revision} was applied" if ledger.healthy else "until now"
    untold = (
        f"this clone does not tell who changed the stack {since}, so that only who wrote"
        f" {session.revision.commit[:10]} and who applies it are left out of the approvals; fetch the whole history"
        " (in CI: a fetch depth of 0)"
    )
    return (untold,)


def strictest(session: Session, ledger: LedgerState, acknowledged: Collection[str]) -> Guards:
    """Return of the guards in force those that need the most approvals."""
    guards = in_force(ledger.guards, session.stack.guards, acknowledged)
    return max(guards, key=lambda each: (each.approvals, not each.own_approvals))


def _written(session: Session, ledger: LedgerState) -> Mapping[str, str] | None:
    """Return who changed what the stack is made of since all of it was applied last; None where nobody can tell."""
    return session.repository.writers(
        session.revision.commit,
        _paths(session),
        base=ledger.healthy.revision.commit if ledger.healthy else "",
        remote=remote_of(session),
        stop=session.surroundings.stop,
    )


def _paths(session: Session) -> tuple[str, ...]:
    """Return what may decide about the stack; where that cannot be read, it is everything."""
    from orchestrator.engine.planning.paths import WHOLE, survey

    try:
        return survey(session.tree, session.stack).all
    except InvalidStack:
        return (WHOLE,)
