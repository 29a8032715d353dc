"""What follows a rollout that failed, where the stack wants that: in the same run, or in the next if that one died.

That it is to follow is in the entry which says that the rollout failed, so that it is never lost in between.
"""

from collections.abc import Callable
from contextlib import ExitStack

from orchestrator.engine.execution.fallback import (
    leaving,
    plan_fallback,
    revision_to_restore,
)
from orchestrator.engine.execution.permissions import Permissions, check_fallback
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.recording import Recorder
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.entry import LedgerState, Restores
from orchestrator.ledger.fold import identified
from orchestrator.plans.events import Notice
from orchestrator.plans.falling_back import LeftAlone, left_alone, told
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.report import Fallback, Report, intended

CarryOut = Callable[[Planned, Recorder, int], Report]
"""Executes a plan as a run of its own, which tells how many things it leaves alone."""


def to_follow(planned: Planned, state: LedgerState) -> Restores:
    """Return what is to come back over a plan whose rollout failed; raises PlanRefused when there is nothing."""
    back = revision_to_restore(planned, state)
    return Restores(revision=back.revision, entry=back.entry, over=planned.plan.revision)


def is_owed(planned: Planned) -> bool:
    """Whether this very revision failed, and what was to follow that has not been done."""
    owed, plan = planned.ledger.owed, planned.plan
    if owed is None or plan.destroy or not planned.selection.whole:
        return False
    return identified(owed.over) == identified(plan.revision)


def brought_back(
    planned: Planned,
    allowed: Permissions,
    recorder: Recorder,
    resources: ExitStack,
    *,
    carry_out: CarryOut,
) -> Fallback:
    """Bring the workloads of the last healthy revision back over a plan whose rollout failed.

    What nobody was shown before, and what cannot be taken back, is left alone unless somebody agrees.
    """
    around = planned.session.surroundings
    try:
        restores = to_follow(planned, recorder.state)
        back = plan_fallback(planned, restores.revision, recorder.state, resources)
        left = _left_alone(back, allowed)
        back = leaving(back, left)
        check_fallback(planned, back, allowed)
        done = intended(back.plan)
        around.on_event(Notice(text=f"bringing back the workloads of {restores.revision}: {done}"))
        again = recorder.restoring(back.plan, restores)
        again.cluster = back.place
        return Fallback(report=carry_out(back, again, len(left)), left=left)
    except OrchestratorError as error:
        return Fallback(error=error)


def _left_alone(back: Planned, allowed: Permissions) -> tuple[LeftAlone, ...]:
    return tuple(
        each
        for unit in back.plan.units
        for each in _of_unit(unit, allowed, protected=unit.unit in back.protected)
    )


def _of_unit(unit: UnitPlan, allowed: Permissions, *, protected: bool) -> tuple[LeftAlone, ...]:
    """Return what of a unit is left alone; whoever can be asked is asked about what they may agree to."""
    strictly = left_alone(unit, protected=protected, agreed=False)
    in_any_case = left_alone(unit, protected=protected, agreed=True)
    if len(strictly) == len(in_any_case):
        return strictly
    open_ = [each for each in strictly if each not in in_any_case]
    why = f"{unit.unit}: to bring back what was healthy, more is done than was shown: {told(open_)}"
    agreed = allowed.deferred or (allowed.ask is not None and allowed.ask(unit, why))
    return in_any_case if agreed else strictly
