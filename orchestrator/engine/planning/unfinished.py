"""What a run that never finished leaves to the next one, in a sentence."""

from orchestrator.engine.history.status import open_run
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.store import Store
from orchestrator.plans.history import OpenRun
from orchestrator.plans.record import PlannedUnit, PlanRecord
from orchestrator.stack.model import UnitId

_FIRST_LOOK = 50  # entries: those of the open run are the newest
_MOST_UNITS = 8


def told_unfinished(ledger: LedgerState, store: Store) -> str:
    """Return what is known of the run that is open, unit by unit; an empty text when none is."""
    run = open_run(ledger, at_work=False)
    if run is None:
        return ""
    entries = store.history(_FIRST_LOOK)
    plan = next((each.plan for each in entries if each.id == run.entry), None)
    return unfinished(run, plan)


def unfinished(run: OpenRun, plan: PlanRecord | None) -> str:
    """Return the sentence about an open run; ``plan`` is what it was going to do, None where that is not known."""
    parts = []
    if run.done:
        parts.append(f"it was done with {_listed([str(unit) for unit in run.done])}")
    if run.units:
        units = [f"{unit}{_planned(unit, plan)}" for unit in run.units]
        parts.append(f"what became of {_listed(units)} is not recorded")
    told = f": {'; '.join(parts)}" if parts else ""
    began = f"the run of {run.who} that began at {run.at:%Y-%m-%d %H:%M:%S} UTC has not finished"
    return f"{began}{told}; this plan starts from what it left"


def _planned(unit: UnitId, plan: PlanRecord | None) -> str:
    """Return what was to be done with a unit, in parentheses."""
    found = next((each for each in plan.units if each.unit == unit), None) if plan else None
    if found is None:
        return ""
    return f" ({_counted(found)})"


def _counted(unit: PlannedUnit) -> str:
    if unit.deferred:
        return "to be planned in its turn"
    actions = [change.action for change in unit.changes]
    counts = {action: actions.count(action) for action in sorted(set(actions))}
    return ", ".join(f"{number} to {action}" for action, number in counts.items()) or "no change"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_UNITS
    shown = names[:_MOST_UNITS]
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last
