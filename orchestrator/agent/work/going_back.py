"""Whether what a child is to bring about is older than what somebody else applied meanwhile.

Several replicas read a repository, each at its own pace. One that takes a stack over may not have read yet what
the one before it applied, and would bring the older revision back.
"""

from orchestrator.agent.work.order import Order
from orchestrator.ledger.entry import LedgerState
from orchestrator.processes import Stop
from orchestrator.repository.mirror import Mirror

_PATIENCE_SECONDS = 60.0


def newer_in(ledger: LedgerState, order: Order, stop: Stop) -> str:
    """Return the commit that was applied last where it leads on from the order's, or is not known; else nothing.

    Where the branch stands at the order's revision, somebody went back on purpose. Raises RepositoryError.
    """
    last = next(iter(ledger.past), None)
    if last is None or last.revision.commit == order.revision:
        return ""
    mirror, applied = Mirror(order.clone), last.revision.commit
    if mirror.repository.descends(applied, ancestor=order.revision) is False:
        return ""
    branch = f"refs/heads/{order.repository.branch}"
    tip = mirror.heads((branch,), patience=_PATIENCE_SECONDS, stop=stop).get(branch)
    return "" if tip == order.revision else applied
