"""How much a plan deletes of what is owned: more than was to be expected looks like a mistake."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards

_MOST_LISTED: Final = 10


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
