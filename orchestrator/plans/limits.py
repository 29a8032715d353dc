"""How much a plan may destroy at once, and that a commit which declares nothing any more looks like a mistake."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import undeposed
from orchestrator.plans.guards import destructive
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.stack.model import UnitId

EMPTY: Final = "empty"

_MOST_LISTED: Final = 10


def check_destroys(plan: Plan, most: int | None, acknowledged: Collection[str]) -> None:
    """Refuse a plan that deletes or replaces more than ``most`` resources and objects; raises PlanRefused.

    ``acknowledged`` may hold ``destroys:NUMBER``, which allows up to that many. That a destruction takes everything
    is what was asked for.
    """
    if most is not None and not plan.destroy:
        _check([name for unit in plan.units for name in destructive(unit)], most, acknowledged)


def check_late_destroys(
    shown: Plan,
    late: Mapping[UnitId, Sequence[str]],
    most: int | None,
    acknowledged: Collection[str],
) -> None:
    """Refuse units that, planned in their turn, take a plan beyond ``most``; raises PlanRefused.

    ``late`` has what each of these destroys instead of what was shown of it.
    """
    if most is not None and not shown.destroy:
        counted = {**{unit.unit: destructive(unit) for unit in shown.units}, **late}
        _check([name for names in counted.values() for name in names], most, acknowledged)


def destroyed_late(before: Sequence[str], late: UnitPlan, *, again: bool) -> tuple[str, ...]:
    """Return what counts of a unit that was planned in its turn; ``before`` is what counted until then.

    Another attempt adds to what the one before it may have destroyed: what is left of a replacement counts once.
    """
    if not again:
        return destructive(late)
    known = frozenset(before)
    return (
        *before,
        *(name for name in destructive(late) if known.isdisjoint({name, undeposed(name)})),
    )


def check_empty(plan: Plan, acknowledged: Collection[str]) -> None:
    """Refuse a plan that leaves a stack without any unit, if that was not acknowledged; raises PlanRefused."""
    left = [unit.unit for unit in plan.units]
    if plan.destroy or not plan.effective or not all(unit.removed for unit in plan.units):
        return
    if EMPTY not in acknowledged:
        raise PlanRefused(
            f"{plan.stack}/{plan.environment} declares no unit any more: this plan would delete all that it has,"
            f" {', '.join(left)}",
            hint=f"if that is meant, run orchestrator destroy, or pass --acknowledge {EMPTY}",
        )


def _check(names: Sequence[str], most: int, acknowledged: Collection[str]) -> None:
    if len(names) <= max(most, _allowed(acknowledged)):
        return
    more = len(names) - _MOST_LISTED
    listed = [*names[:_MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]
    raise PlanRefused(
        f"this plan deletes or replaces {len(names)} thing{'s' if len(names) > 1 else ''}, more than the {most} that"
        " `guards.destroys` allows",
        hint=f"if that is meant, pass --acknowledge destroys:{len(names)}",
        detail="\n".join(listed),
    )


def _allowed(acknowledged: Collection[str]) -> int:
    numbers = (word.partition(":")[2] for word in acknowledged if word.startswith("destroys:"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)
