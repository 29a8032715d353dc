"""Runs of the past as text and as JSON: the table of them, and one of them whole."""

from collections.abc import Iterator

from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Ending, History, HistoryLine, RunDetail, RunLine, UnitEnding
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.reports.history.tables import (
    entry_of,
    filled,
    name_of,
    outcome_of,
    table,
    told,
    what,
)
from orchestrator.reports.json import FORMAT, revision_json, time_json
from orchestrator.reports.text import SIGNS
from orchestrator.stack.model import Json

_HEAD = ("WHEN (UTC)", "ENTRY", "BY", "WHAT")
_UNITS = ("UNIT", "OUTCOME", "TOOK", "HEALTH")
_DIGEST = 16


def render_history(history: History) -> str:
    """Return runs as a table, newest first, ending in a newline."""
    if not history.runs:
        return "The ledger is empty: nothing was applied yet.\n"
    rows = [_HEAD, *(_row(run, history) for run in history.runs)]
    head = f"{history.stack}/{history.environment}"
    return "\n".join((head, "", *table(rows))) + "\n"


def history_json(history: History) -> dict[str, Json]:
    """Return runs and all of their entries, both newest first."""
    return {
        "format": FORMAT,
        "stack": history.stack,
        "environment": history.environment,
        "runs": [run_json(run) for run in history.runs],
        "entries": [_entry_json(line) for run in history.runs for line in run.entries],
    }


def render_run(detail: RunDetail) -> str:
    """Return one run whole, ending in a newline."""
    return "\n".join(_lines(detail)) + "\n"


def detail_json(detail: RunDetail) -> dict[str, Json]:
    """Return one run whole: its plan as recorded, null where there is none, its units and its entries."""
    return {
        "format": FORMAT,
        "stack": detail.stack,
        "environment": detail.environment,
        "run": run_json(detail.run),
        "plan": plan_json(detail.plan) if detail.plan else None,
        "units": [_unit_json(each) for each in detail.units],
        "entries": [_entry_json(line) for line in detail.run.entries],
    }


def run_json(run: RunLine) -> dict[str, Json]:
    """Return one run; ``outcome`` is null for one that did not come to its end."""
    return {
        "run": run.last.run,
        "entry": run.last.entry,
        "operation": run.operation,
        "ending": run.ending.value,
        "outcome": run.last.outcome.value if run.last.outcome else None,
        "began": time_json(run.began),
        "at": time_json(run.last.at),
        "who": run.last.who,
        "host": run.host,
        "command": run.command,
        "message": run.last.message,
        "revision": revision_json(run.last.revision),
        "plan": run.last.plan,
        "ci_run": run.last.ci_run,
        "restores": run.restores,
        "abandoned": run.told,
    }


def plan_json(plan: PlanRecord) -> Json:
    """Return a plan as recorded: its units in the order of their effects."""
    return [
        {
            "unit": unit.unit,
            "removed": unit.removed,
            "deferred": unit.deferred,
            "changes": [change_json(change) for change in unit.changes],
        }
        for unit in plan.units
    ]


def change_json(change: PlannedChange) -> Json:
    """Return one recorded change; its fields are lines."""
    return {
        "action": change.action.value,
        "name": change.name,
        "type": change.type,
        "fields": list(change.fields),
    }


def change_lines(change: PlannedChange, *, indent: str) -> Iterator[str]:
    """Yield a recorded change with its sign, and its fields below it."""
    yield f"{indent}{SIGNS[change.action]} {change.name}"
    yield from (f"{indent}    {line}" for line in change.fields)


def _row(run: RunLine, history: History) -> tuple[str, ...]:
    sentence = what(run, stack=history.stack, environment=history.environment)
    when = f"{run.last.at:%Y-%m-%d %H:%M}"
    return when, entry_of(run.last), name_of(run.last.who), sentence


def _lines(detail: RunDetail) -> Iterator[str]:
    run, where = detail.run, f"{detail.stack}/{detail.environment}"
    yield f"{run.operation} of {where}: {outcome_of(run)}"
    yield ""
    for name, value in _facts(detail):
        yield filled(f"{name:<10}{value}", indent="  ", hanging=" " * 10)
    if detail.plan and any(_told_units(detail.plan)):
        yield ""
        yield "Plan, as it was recorded before the first effect:"
        for unit in _told_units(detail.plan):
            yield from _planned_lines(unit)
    if detail.units:
        yield ""
        yield from table([_UNITS, *(_unit_row(each) for each in detail.units)])
    for each in detail.units:
        yield from _why_lines(each)
    yield ""
    yield from table([("WHEN (UTC)", "ENTRY", "KIND", "WHAT"), *_entry_rows(detail)])


def _facts(detail: RunDetail) -> Iterator[tuple[str, str]]:
    run, last = detail.run, detail.run.last
    subject = f" ({last.revision.subject})" if last.revision.subject else ""
    ended = "ended" if run.ending is Ending.FINISHED else "last seen"
    yield "revision", f"{last.revision}{subject}"
    if run.restores:
        yield "restores", run.restores
    yield "by", f"{last.who} on {run.host}"
    yield "command", run.command
    if last.ci_run:
        yield "CI run", last.ci_run
    yield "began", f"{run.began:%Y-%m-%d %H:%M:%S} UTC"
    yield ended, f"{last.at:%Y-%m-%d %H:%M:%S} UTC"
    if last.plan:
        yield "digest", last.plan[:_DIGEST]
    if run.told:
        yield "abandoned", run.told


def _told_units(plan: PlanRecord) -> Iterator[PlannedUnit]:
    return (unit for unit in plan.units if unit.changes or unit.deferred)


def _planned_lines(unit: PlannedUnit) -> Iterator[str]:
    yield f"  {unit.unit}{'  (no longer in Git)' if unit.removed else ''}"
    if unit.deferred:
        yield filled(f"? {unit.deferred}", indent="    ", hanging="  ")
    for change in unit.changes:
        yield from change_lines(change, indent="    ")


def _unit_row(each: UnitEnding) -> tuple[str, ...]:
    outcome = "not recorded" if each.outcome is Outcome.PLANNED else each.outcome.value
    took = f"{each.seconds:.1f} s" if each.seconds else "-"
    drift = f"{each.drift} drifted" if each.drift else ""
    return each.unit, outcome, took, ", ".join(filter(None, (each.health, drift))) or "-"


def _why_lines(each: UnitEnding) -> Iterator[str]:
    if each.why:
        first, *more = each.why.splitlines()
        yield ""
        yield filled(f"{each.unit}: {first}", hanging="  ")
        yield from (f"  {line}".rstrip() for line in more)


def _entry_rows(detail: RunDetail) -> Iterator[tuple[str, ...]]:
    for line in detail.run.entries:
        message = told(line.message, stack=detail.stack, environment=detail.environment)
        yield f"{line.at:%Y-%m-%d %H:%M:%S}", entry_of(line), line.kind, message


def _unit_json(each: UnitEnding) -> Json:
    return {
        "unit": each.unit,
        "outcome": each.outcome.value,
        "seconds": round(each.seconds, 3),
        "health": each.health,
        "why": each.why,
        "drift": each.drift,
    }


def _entry_json(line: HistoryLine) -> Json:
    return {
        "entry": line.entry,
        "run": line.run,
        "kind": line.kind,
        "at": time_json(line.at),
        "who": line.who,
        "message": line.message,
        "revision": revision_json(line.revision),
        "outcome": line.outcome.value if line.outcome else None,
        "plan": line.plan,
        "ci_run": line.ci_run,
    }
