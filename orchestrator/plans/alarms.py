"""What a plan does that a pipeline may want to fail on; pure."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from orchestrator.plans.change import Action, Subject
from orchestrator.plans.guards import losses
from orchestrator.plans.plan import Plan


class Alarm(StrEnum):
    """What may be in a plan that somebody has to look at."""

    DESTROY = "destroy"
    REPLACE = "replace"
    DATA_LOSS = "data-loss"
    DRIFT = "drift"


def alarms(plan: Plan, wanted: Collection[Alarm]) -> tuple[Alarm, ...]:
    """Return which of the alarms wanted a plan gives; what is planned in its turn gives none before that."""
    found = {*_found(plan)}
    return tuple(alarm for alarm in Alarm if alarm in found and alarm in wanted)


def _found(plan: Plan) -> Iterator[Alarm]:
    actions = {
        change.action for _, change in plan.changes() if change.subject is not Subject.OUTPUT
    }
    if Action.DELETE in actions:
        yield Alarm.DESTROY
    if Action.REPLACE in actions:
        yield Alarm.REPLACE
    if losses(plan):
        yield Alarm.DATA_LOSS
    taken_back = (item.touch for _, change in plan.changes() for item in change.fields)
    if any(taken_back) or any(unit.drift for unit in plan.units):
        yield Alarm.DRIFT
