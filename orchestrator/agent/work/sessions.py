"""The session of a stack that a child works on, held to what the agent is told of it."""

from orchestrator.agent.work.bounds import check_stack
from orchestrator.agent.work.order import Order
from orchestrator.engine.session import Session, Surroundings, session_at
from orchestrator.repository.mirror import Mirror
from orchestrator.repository.repository import Repository


def session_of(order: Order, around: Surroundings, repository: Repository | None = None) -> Session:
    """Open the stack at the revision; raises PlanRefused when it uses what it may not."""
    repository, key = repository or Mirror(order.clone).repository, order.key
    revision = repository.revision(order.revision)
    opened = session_at(around, repository, revision, stack=key.stack, environment=key.environment)
    check_stack(opened, order.repository.allowed)
    return opened


def impersonated(order: Order) -> str:
    """Return the user whose rights hold in clusters for the stack, or an empty text."""
    account = order.settings.service_account if order.key.stack else ""
    return f"system:serviceaccount:{account.replace('/', ':')}" if account else ""
