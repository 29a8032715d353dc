"""A plan in the few words in which the ledger keeps it."""

from collections.abc import Callable, Iterator, Sequence

from orchestrator.plans.change import Action, Change, FieldChange, Subject
from orchestrator.plans.loosening import Loosened
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.stack.model import UnitId

_MOST_FIELDS = 20  # of one change
_MOST_LINES = 2000  # of a plan: an entry is read often, and by everybody
_LONGEST_LINE = 200
_MADE_OR_GONE = frozenset({Action.CREATE, Action.DELETE, Action.FORGET, Action.READ})

Show = Callable[[FieldChange], str]


def recorded(plan: Plan, *, show: Show, redact: Callable[[str], str]) -> PlanRecord:
    """Return what a plan is going to do, unit by unit in its order, without secrets.

    ``show`` writes a field's old and new value in one line. What is created or deleted is a name alone, and so
    is everything in a plan after some thousands of lines. Outputs are left out.
    """
    left = _MOST_LINES
    units = []
    for unit in plan.units:
        kept = _unit(unit, show, redact, left)
        left -= sum(len(change.fields) for change in kept.changes)
        units.append(kept)
    return PlanRecord(units=(*units, *_guards(plan.loosened)))


def _guards(loosened: Sequence[Loosened]) -> Iterator[PlannedUnit]:
    """Yield the guards that are loosened, kept beside the units: they are approved and looked up like these."""
    changes = tuple(
        PlannedChange(
            action=Action.UPDATE,
            name=f"guards.{each.guard}",
            fields=(f"{each.before} → {each.after}",),
        )
        for each in loosened
    )
    if changes:
        yield PlannedUnit(unit=UnitId("guards"), changes=changes)


def drifted(unit: UnitPlan) -> int:
    """Return how many things of a unit others had changed, whether that is healed or only told."""
    healed = {change.name for change in unit.changes if any(item.touch for item in change.fields)}
    return len(healed | {change.name for change in unit.drift})


def _unit(unit: UnitPlan, show: Show, redact: Callable[[str], str], left: int) -> PlannedUnit:
    changes: list[PlannedChange] = []
    for change in _told(unit):
        kept = _change(change, show, redact, left)
        left -= len(kept.fields)
        changes.append(kept)
    return PlannedUnit(
        unit=unit.unit,
        changes=tuple(changes),
        deferred=redact(unit.deferred),
        removed=unit.removed,
    )


def _told(unit: UnitPlan) -> Iterator[Change]:
    for change in unit.changes:
        if change.action is not Action.NO_OP and change.subject is not Subject.OUTPUT:
            yield change


def _change(change: Change, show: Show, redact: Callable[[str], str], left: int) -> PlannedChange:
    return PlannedChange(
        action=change.action,
        name=redact(change.name),
        type=change.type,
        fields=tuple(_lines(change, show, redact))[: max(0, left)],
    )


def _lines(change: Change, show: Show, redact: Callable[[str], str]) -> Iterator[str]:
    if change.previous:
        yield redact(f"was {change.previous}")
    if change.action in _MADE_OR_GONE:
        return
    for item in change.fields[:_MOST_FIELDS]:
        line = redact(f"{item.path}: {show(item)}")  # before it is cut: half a secret is not found
        yield line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
    if len(change.fields) > _MOST_FIELDS:
        yield f"and {len(change.fields) - _MOST_FIELDS} more"
