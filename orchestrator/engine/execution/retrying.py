"""Trying a unit again that failed, as often as the stack says, each time from a plan of what is there by then."""

from collections.abc import Callable
from typing import TypeVar

from orchestrator import clock, log
from orchestrator.engine.execution.doubts import made_out
from orchestrator.engine.execution.permissions import Permissions, check_late_unit
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.workloads import PlannedSet, plan_workloads
from orchestrator.errors import (
    AccessDenied,
    ClusterError,
    Interrupted,
    PlanRefused,
    TerraformError,
    TerraformUnavailable,
)
from orchestrator.plans.events import Event, UnitProgress
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.surprises import surprises
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import OnFailure
from orchestrator.stack.written.durations import written
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.cluster import Cluster

T = TypeVar("T")

_LOOK_SECONDS = 0.2  # how late a request to stop may be noticed


def retried(
    unit: UnitId,
    attempt: Callable[[int], T],
    *,
    policy: OnFailure,
    stop: Stop,
    tell: Callable[[Event], None],
) -> T:
    """Return what an attempt at a unit returns; one that fails is followed by others, as ``policy`` says.

    ``attempt`` is given its number, from 1. What no other attempt can mend is raised at once: a refusal, a missing
    right, a request to stop. Raises what the last attempt raised, and Interrupted.
    """
    for number in range(1, policy.attempts):
        try:
            return attempt(number)
        except (TerraformError, ClusterError) as error:
            if isinstance(error, TerraformUnavailable | AccessDenied):
                raise
            pause = policy.pause_after(number)
            message = error.message.removeprefix(f"{unit}: ")
            text = f"attempt {number} of {policy.attempts} failed: {message}; the next in {written(pause)}"
            tell(UnitProgress(unit=unit, text=text))
            log.step("unit failed, to be tried again", unit=unit, attempt=number)
            if _stopped(stop, pause):
                why = f"{unit}: stopped before attempt {number + 1}, after this failure: {message}"
                raise Interrupted(why, detail=error.detail) from error
    return attempt(policy.attempts)


def check_again(shown: UnitPlan, again: UnitPlan) -> None:
    """Refuse another attempt that would do more than the plan showed; raises PlanRefused.

    What an attempt before it made, it may change and make anew; what it deleted to replace it, it may make.
    """
    found = surprises(shown, again, again=True)
    if found:
        message = f"{again.unit} cannot be tried again: it would now do more than the plan showed, {', '.join(found)}"
        raise PlanRefused(message, hint="plan again, and look at what is left")


def planned_again(
    planned: Planned,
    shown: PlannedSet,
    sent: Sent,
    *,
    outputs: Outputs,
    cluster: Cluster,
    allowed: Permissions,
) -> PlannedSet:
    """Plan a set again after attempts at it that ``sent`` so much of it; raises PlanRefused, ClusterError."""
    unit = shown.unit_plan.unit
    steps = shown.result.steps if shown.result else ()
    intended = (OwnedObject(ref=step.ref, unit=unit, uid=step.uid) for step in steps)
    told = made_out(planned.inventory, {unit: shown}, {unit: sent})
    known = {each.ref: each for each in (*intended, *planned.inventory, *told)}
    now = plan_workloads(
        planned.session,
        planned.wanted,
        planned.graph.restrict([unit]),
        outputs=outputs,
        inventory=tuple(sorted(each for each in known.values() if each.unit == unit)),
        cluster=cluster,
    ).sets[unit]
    check_late_unit(planned, now.unit_plan, allowed, again=True)
    check_again(shown.unit_plan, now.unit_plan)
    return now


def _stopped(stop: Stop, pause: float) -> bool:
    """Wait, and return whether somebody asked to stop meanwhile."""
    deadline = clock.seconds() + pause
    while (left := deadline - clock.seconds()) > 0:
        if stop.wait(min(left, _LOOK_SECONDS)):
            return True
    return stop.requested
