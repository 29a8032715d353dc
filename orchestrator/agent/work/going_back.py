"""Asking whether something happened meanwhile that a child's order knows nothing of: the clone, then the remote."""

from functools import partial

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
    history = Mirror(order.clone).repository
    return overtaken_by(order.revision, applied, history, tip=partial(_tip, order, stop))


def went_on(order: Order, stop: Stop) -> bool:
    """Whether the branch does not stand at the order's revision any more; raises RepositoryError."""
    return _tip(order, stop) != order.revision


def _tip(order: Order, stop: Stop) -> str:
    branch = f"refs/heads/{order.repository.branch}"
    found = Mirror(order.clone).heads((branch,), patience=_PATIENCE_SECONDS, stop=stop)
    return found.get(branch, "")
