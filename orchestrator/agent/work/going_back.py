"""Asking whether somebody else applied meanwhile what a child's order knows nothing of: the clone, then the remote."""

from orchestrator.agent.decisions.going_back import overtaken_by
from orchestrator.agent.work.order import Order
from orchestrator.ledger.entry import LedgerState
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror

_PATIENCE_SECONDS = 60.0


def newer_in(ledger: LedgerState, order: Order, stop: Stop) -> str:
    """Return the commit that was applied last where the order's would take it back, else an empty text.

    The remote is asked only where that may be; raises RepositoryError.
    """
    applied = [each.revision.commit for each in ledger.past]
    if not applied or applied[0] == order.revision:
        return ""
    mirror = Mirror(order.clone)
    branch = f"refs/heads/{order.repository.branch}"

    def tip() -> str:
        return mirror.heads((branch,), patience=_PATIENCE_SECONDS, stop=stop).get(branch, "")

    return overtaken_by(order.revision, applied, mirror.repository, tip=tip)
