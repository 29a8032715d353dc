"""What bringing workloads back leaves as it is: nobody was shown it, and it cannot be taken back. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.plans.change import Action, Change, Risk
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.risk import type_of
from orchestrator.stack.model import UnitId

_RUN_ONCE: Final = frozenset({"Job", "Pod"})
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A thing that is left as the failed revision has it, and why, as the end of a sentence that begins with it."""

    unit: UnitId
    name: str
    why: str

    def __str__(self) -> str:
        """Return ``Job shop/migrate would run once more``."""
        return f"{self.name} {self.why}"


def left_alone(unit: UnitPlan, *, protected: bool, agreed: bool) -> tuple[LeftAlone, ...]:
    """Return what of a unit is left alone when its last healthy workloads come back.

    That is what would be made anew, or run once more, unless it was ``agreed`` to; and what is protected or holds data
    in any case.
    """
    return tuple(_left(unit, protected=protected, agreed=agreed))


def told(left: Sequence[LeftAlone]) -> str:
    """Return what is left alone in a sentence's part, the first few by name."""
    more = len(left) - _MOST_NAMED
    names = [str(each) for each in left[:_MOST_NAMED]]
    return "; ".join([*names, *([f"and {more} more"] if more > 0 else [])])


def _left(unit: UnitPlan, *, protected: bool, agreed: bool) -> Iterator[LeftAlone]:
    for change in unit.changes:
        why = _why(change, protected=protected, agreed=agreed)
        if why:
            yield LeftAlone(unit=unit.unit, name=change.name, why=why)


def _why(change: Change, *, protected: bool, agreed: bool) -> str:
    match change.action:
        case Action.REPLACE if protected:
            return "is protected, and would be deleted and made anew"
        case Action.REPLACE if change.risk is Risk.DATA_LOSS:
            return "would lose what is in it"
        case Action.REPLACE | Action.CREATE if type_of(change) in _RUN_ONCE and not agreed:
            return "would run once more"
        case Action.REPLACE if not agreed:
            return "would be deleted and made anew"
        case _:
            return ""
