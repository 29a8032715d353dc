"""Whether what differs from Git can only be what others changed: then how drift is dealt with decides. Pure."""

from collections.abc import Callable

from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.fold import identified
from orchestrator.plans.plan import Revision


def settled(state: LedgerState, wanted: Revision, *, same: Callable[[Revision], bool]) -> bool:
    """Whether the last run brought all of a stack to a revision, and nothing of it is left to do.

    ``same`` tells of a commit whether the stack is made of the same there: the agent does not apply one anew for that.
    """
    last = next(iter(state.past), None)
    if last is None or not last.succeeded or state.owed is not None:
        return False
    if identified(last.revision) == identified(wanted):
        return True
    return not (last.revision.dirty or wanted.dirty) and same(last.revision)
