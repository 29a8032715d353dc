"""Whether a plan has anything to do, or to record, at all."""

from typing import Final

from orchestrator.engine.execution.doubts import learned
from orchestrator.engine.planning.plan import Planned
from orchestrator.plans.events import Outcome

SETTLED: Final = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})
"""How it ended with a unit that is as it is wanted."""


def settled(planned: Planned) -> bool:
    """Whether there is nothing to do and nothing to record: the ledger says just what the plan says."""
    records = planned.ledger.units
    if planned.plan.destroy:
        left = records or planned.ledger.inventory or planned.ledger.open
        return not planned.plan.effective and not left
    if not only_the_revision_is_new(planned) or any(
        learned(planned.ledger.inventory, planned.sets)
    ):
        return False
    return all(records[unit.unit].applied == planned.plan.revision for unit in planned.plan.units)


def only_the_revision_is_new(planned: Planned) -> bool:
    """Whether everything is as it is wanted, and was well when it was looked at last."""
    records = planned.ledger.units
    return (
        not planned.plan.effective
        and not planned.plan.destroy
        and planned.ledger.open is None
        and all(
            unit.unit in records and records[unit.unit].outcome in SETTLED and not unit.removed
            for unit in planned.plan.units
        )
    )
