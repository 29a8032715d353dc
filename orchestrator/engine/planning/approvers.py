"""Whose approvals of a plan do not count, and how many are needed."""

from collections.abc import Collection, Iterator

from orchestrator.engine.recording import who
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.approvals import Apart
from orchestrator.plans.loosening import in_force
from orchestrator.stack.policies import Guards


def apart(session: Session, guards: Guards) -> tuple[Apart, ...]:
    """Return who is no somebody else for a plan of the session: who is at it, and who wrote its commit."""
    return () if guards.own_approvals else tuple(_apart(session))


def author(session: Session) -> Apart:
    """Return who wrote the session's commit, of a merge who wrote what it brings; raises RepositoryError."""
    written = session.repository.author(session.revision)
    return Apart(who=written, why=f"wrote {session.revision.commit[:10]}")


def strictest(session: Session, ledger: LedgerState, acknowledged: Collection[str]) -> Guards:
    """Return of the guards in force those that need the most approvals."""
    guards = in_force(ledger.guards, session.stack.guards, acknowledged)
    return max(guards, key=lambda each: (each.approvals, not each.own_approvals))


def _apart(session: Session) -> Iterator[Apart]:
    yield Apart(who=who(session), why="applies it")
    yield author(session)
