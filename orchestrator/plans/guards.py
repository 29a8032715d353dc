"""Verdicts over a plan before it is executed: what it may not do unless somebody named it."""

from collections.abc import Collection, Mapping, Sequence

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import Guards, UnitId

_DESTRUCTIVE = frozenset({Action.DELETE, Action.REPLACE})
# Volumes with what was written to them, and kinds and namespaces with every object in them.
_HOLDING_DATA = frozenset(
    {"PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace"}
)


_MOST_LISTED = 10


def destructive(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of what a unit's plan deletes or replaces, outputs left out."""
    return tuple(
        change.name
        for change in unit.changes
        if change.action in _DESTRUCTIVE and change.subject is not Subject.OUTPUT
    )


def losing_data(unit: UnitPlan) -> tuple[str, ...]:
    """Return the names of the objects that a unit's plan deletes and that hold data or other objects."""
    return tuple(
        change.name
        for change in unit.changes
        if change.subject is Subject.OBJECT
        and change.action in _DESTRUCTIVE
        and change.name.partition(" ")[0] in _HOLDING_DATA
    )


def check_protection(
    unit: UnitPlan, *, protected: Collection[UnitId], acknowledged: Collection[str]
) -> None:
    """Refuse a unit's plan that deletes or replaces anything although the unit is protected.

    ``acknowledged`` holds what a person named for this very plan, as ``destroy:UNIT``. Raises PlanRefused.
    """
    names = destructive(unit)
    if unit.unit in protected and names and f"destroy:{unit.unit}" not in acknowledged:
        message = (
            f"{unit.unit} is protected, and this plan would delete or replace {', '.join(names)}"
        )
        raise PlanRefused(message, hint=f"if that is meant, pass --acknowledge destroy:{unit.unit}")


def check_pruning(
    units: Sequence[UnitPlan],
    owned: Mapping[UnitId, int],
    *,
    guards: Guards,
    acknowledged: Collection[str],
) -> None:
    """Refuse plans that delete more than was to be expected: mistakes look like that.

    A set that wants nothing at all any more although it owns objects, a set or the whole stack that loses
    more than the share of its objects that ``guards`` allow. ``owned`` counts the inventory, by set;
    ``acknowledged`` holds texts such as ``prune:UNIT``. Raises PlanRefused.
    """
    pruned = {unit.unit: names for unit in units if (names := _deleted(unit))}
    emptied = {unit.unit for unit in units if _wants_nothing(unit)}
    open_ = {unit: names for unit, names in pruned.items() if f"prune:{unit}" not in acknowledged}
    for unit, names in open_.items():
        if unit in emptied:
            raise _refused(
                [unit],
                f"{unit} renders nothing any more, which would delete all of its {_objects(len(names))}",
                names,
            )
        if _too_much(len(names), owned.get(unit, 0), guards):
            raise _refused([unit], f"{unit}: {_loss(len(names), owned[unit], guards)}", names)
    gone = sum(map(len, pruned.values()))
    if open_ and _too_much(gone, sum(owned.values()), guards):
        told = _loss(gone, sum(owned.values()), guards)
        raise _refused(list(open_), told, [name for names in open_.values() for name in names])


def _deleted(unit: UnitPlan) -> tuple[str, ...]:
    return tuple(
        change.name
        for change in unit.changes
        if change.subject is Subject.OBJECT and change.action is Action.DELETE
    )


def _wants_nothing(unit: UnitPlan) -> bool:
    gone = {Action.DELETE, Action.FORGET}
    return not unit.removed and all(change.action in gone for change in unit.changes)


def _too_much(gone: int, of: int, guards: Guards) -> bool:
    return gone >= guards.at_least and gone * 100 > of * guards.prune


def _loss(gone: int, of: int, guards: Guards) -> str:
    return f"this plan deletes {gone} of {_objects(of)}, more than the {guards.prune} % that `guards.prune` allows"


def _objects(number: int) -> str:
    return f"{number} object{'s' if number != 1 else ''}"


def _refused(units: Sequence[UnitId], message: str, names: Sequence[str]) -> PlanRefused:
    flags = " ".join(f"--acknowledge prune:{unit}" for unit in units)
    more = len(names) - _MOST_LISTED
    listed = [*names[:_MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]
    return PlanRefused(message, hint=f"if that is meant, pass {flags}", detail="\n".join(listed))
