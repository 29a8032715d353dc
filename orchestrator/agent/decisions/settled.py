"""Whether what differs from Git can only be what others changed: then how drift is dealt with decides. Pure."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import dropwhile

from orchestrator.ledger.entry import LedgerState, PastRun
from orchestrator.ledger.fold import identified
from orchestrator.plans.plan import Revision


def settled(state: LedgerState, wanted: Revision, *, same: Callable[[Revision], bool]) -> bool:
    """Whether the last run brought all of a stack to a revision, and nothing of it is left to do.

    A part of it that somebody applied alone since, at that very revision, says nothing of the rest. ``same`` tells of a
    commit whether the stack is made of the same there: the agent does not apply one anew for that.
    """
    last = next(dropwhile(partial(_part_of, wanted), state.past), None)
    if last is None or not last.succeeded or state.owed is not None:
        return False
    if identified(last.revision) == identified(wanted):
        return True
    return not (last.revision.dirty or wanted.dirty) and same(last.revision)


def _part_of(wanted: Revision, run: PastRun) -> bool:
    """Whether a run brought some units of a revision to it, and only these."""
    part = not run.whole and replace(run, whole=True).succeeded
    return part and identified(run.revision) == identified(wanted)
