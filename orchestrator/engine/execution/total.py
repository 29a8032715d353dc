"""How much a run was let destroy so far by units that were planned in their turn, several of them side by side."""

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Lock

from orchestrator.plans.guards import destructive
from orchestrator.plans.limits import check_late_destroys, destroyed_late
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """What counts of each unit planned in its turn; each is added before the next is judged."""

    _names: dict[UnitId, tuple[str, ...]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(
        self,
        shown: Plan,
        late: UnitPlan,
        *,
        most: int | None,
        acknowledged: Collection[str],
        again: bool,
    ) -> None:
        """Count a unit with the rest of its plan, or refuse it and count nothing; raises PlanRefused."""
        with self._lock:
            planned = (destructive(unit) for unit in shown.units if unit.unit == late.unit)
            before = self._names.get(late.unit, next(planned, ()))
            names = {**self._names, late.unit: destroyed_late(before, late, again=again)}
            check_late_destroys(shown, names, most, acknowledged)
            self._names.update(names)
