"""The session of a stack that a child works on, held to what the agent is told of it."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.agent.configuration.model import Repository as Watched
from orchestrator.agent.work.bounds import check_ledger, check_stack
from orchestrator.agent.work.order import Order
from orchestrator.engine.session import Session, Surroundings, session_at
from orchestrator.errors import PlanRefused
from orchestrator.plans.plan import Revision
from orchestrator.repository.mirror import Mirror
from orchestrator.repository.repository import Repository


def session_of(order: Order, around: Surroundings, repository: Repository) -> Session:
    """Open the stack at the revision; raises PlanRefused when it uses what it may not."""
    key = order.key
    revision = repository.revision(order.revision)
    return session_at(around, repository, revision, stack=key.stack, environment=key.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGate:
    """Lets in what the agent's own file allows: of the wanted revision, and of those that the ledger names."""

    repository: Watched
    clone: Path

    def admit(self, revision: Revision) -> None:
        """Refuse a revision for which nobody vouches whose commits alone are taken; raises PlanRefused.

        Who may push, but not sign, may write a ledger that names any commit.
        """
        watched = self.repository
        if watched.signed and not Mirror(self.clone).accepted(watched.branch, revision.commit):
            raise PlanRefused(
                f"{revision} is not in the history of {watched.branch} that was signed",
                hint="the ledger names it; apply by hand what is to follow from there, or correct the ledger",
            )

    def check_ledger(self, session: Session) -> None:
        """Refuse to look for a ledger where the repository may not have one; raises PlanRefused."""
        check_ledger(session, self.repository.allowed)

    def check(self, session: Session) -> None:
        """Refuse a stack that uses what its repository may not; raises PlanRefused."""
        check_stack(session, self.repository.allowed)


def impersonated(order: Order) -> str:
    """Return the user whose rights hold in clusters for the stack, or an empty text."""
    account = order.settings.service_account if order.key.stack else ""
    return f"system:serviceaccount:{account.replace('/', ':')}" if account else ""
