"""What a plan puts at risk: each deletion and replacement classified by the type of what goes; pure.

The table is looked at only when something is deleted or replaced.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache

from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.stack.model import UnitId

# Deleting one leaves its volumes to the next of its name; one that is made anew may want others, or none.
_OUTLIVED_BY_DATA = frozenset({"StatefulSet"})
_TAKING_AWAY = frozenset({Action.DELETE, Action.REPLACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """One thing that a plan deletes or replaces, and what that costs."""

    unit: UnitId
    name: str
    type: str
    risk: Risk


def assessed(
    unit: UnitPlan, own: Mapping[str, Risk], *, before: Mapping[str, Risk] | None = None
) -> UnitPlan:
    """Return a unit's plan with the risk of each change; ``own`` is what the stack says, best first.

    ``before`` is what it said when the unit was applied: that a line is gone from Git makes nothing less precious.
    """
    if not any(map(_takes_away, unit.changes)):
        return unit
    changes = (_assessed(change, own, before or {}) for change in unit.changes)
    return replace(unit, changes=tuple(changes))


def merged(before: Mapping[str, Risk], now: Mapping[str, Risk]) -> dict[str, Risk]:
    """Return what two tables say together: the worse, where both speak of the same."""
    both = {**before, **now}
    return {name: _worse(risk, before.get(name)) for name, risk in both.items()}


def at_risk(plan: Plan) -> tuple[AtRisk, ...]:
    """Return what a plan deletes or replaces, the worst first, then in the plan's order."""
    order = {risk: place for place, risk in enumerate(Risk)}
    found = (one for unit in plan.units for one in in_unit(unit))
    return tuple(sorted(found, key=lambda one: order[one.risk]))


def in_unit(unit: UnitPlan) -> Iterator[AtRisk]:
    """Yield what a unit's plan deletes or replaces."""
    for change in unit.changes:
        if change.risk is not None and _takes_away(change):
            yield AtRisk(unit=unit.unit, name=change.name, type=type_of(change), risk=change.risk)


def named(found: Iterable[AtRisk], among: Iterable[AtRisk]) -> tuple[str, ...]:
    """Return how each is named: by its own name, and its unit where another unit has one of that name."""
    several = _in_several_units(among)
    return tuple(f"{one.unit}/{one.name}" if one.name in several else one.name for one in found)


def _in_several_units(found: Iterable[AtRisk]) -> frozenset[str]:
    first: dict[str, UnitId] = {}
    return frozenset(one.name for one in found if first.setdefault(one.name, one.unit) != one.unit)


def type_of(change: Change) -> str:
    """Return a resource's type, or an object's kind with its group where that is not Kubernetes' own."""
    return change.name.partition(" ")[0] if change.subject is Subject.OBJECT else change.type


def risk_of(type_: str, own: Mapping[str, Risk]) -> Risk:
    """Return what losing a thing of a type costs; what nobody knows can be made again."""
    found = _looked_up(type_, own)
    return found or _known(type_)


@cache
def _known(type_: str) -> Risk:
    from orchestrator.plans.risks import TABLE

    return _looked_up(type_, TABLE) or Risk.RECREATED


def _looked_up(type_: str, table: Mapping[str, Risk]) -> Risk | None:
    """Return what a table says of a type: by its name, else by the first pattern that fits."""
    if type_ in table:
        return table[type_]
    return next((risk for pattern, risk in table.items() if fnmatchcase(type_, pattern)), None)


def _takes_away(change: Change) -> bool:
    return change.action in _TAKING_AWAY and change.subject is not Subject.OUTPUT


def _assessed(change: Change, own: Mapping[str, Risk], before: Mapping[str, Risk]) -> Change:
    if not _takes_away(change) or change.risk is not None:
        return change
    type_ = type_of(change)
    risk = risk_of(type_, own)
    if change.action is Action.REPLACE and type_ in _OUTLIVED_BY_DATA:
        risk = _looked_up(type_, own) or Risk.DATA_LOSS
    return replace(change, risk=_worse(risk, _looked_up(type_, before)))


def _worse(risk: Risk, other: Risk | None) -> Risk:
    order = list(Risk)
    return risk if other is None else min(risk, other, key=order.index)
