"""Answers about the past as text and as JSON: what differs, who changed it, why it is as it is."""

from collections.abc import Iterator

from orchestrator.plans.events import Outcome
from orchestrator.plans.history import (
    Blame,
    Comparison,
    Difference,
    Explanation,
    HistoryLine,
    ObjectDifference,
    Trace,
    UnitDifference,
    UnitStatus,
)
from orchestrator.reports.history.runs import change_json, change_lines, run_json
from orchestrator.reports.history.status import state_of, unit_json
from orchestrator.reports.history.tables import SHORT, entry_of, filled, table, told
from orchestrator.reports.json import FORMAT
from orchestrator.stack.model import Json

_SIGNS = {
    Difference.ADDED: "+",
    Difference.GONE: "-",
    Difference.MOVED: ">",
    Difference.CHANGED: "~",
    Difference.MADE_ANEW: "-/+",
}


def render_comparison(comparison: Comparison) -> str:
    """Return what differs between two entries, ending in a newline."""
    return "\n".join(_compared(comparison)) + "\n"


def comparison_json(comparison: Comparison) -> dict[str, Json]:
    """Return what differs between two entries; a unit that was not there is null."""
    return {
        "format": FORMAT,
        "stack": comparison.stack,
        "environment": comparison.environment,
        "before": {"entry": comparison.before.entry},
        "after": {"entry": comparison.after.entry},
        "units": [
            {
                "unit": each.unit,
                "before": unit_json(each.before) if each.before else None,
                "after": unit_json(each.after) if each.after else None,
            }
            for each in comparison.units
        ],
        "objects": [
            {
                "name": each.name,
                "unit": each.unit,
                "difference": each.difference.value,
                "previous": each.previous,
            }
            for each in comparison.objects
        ],
    }


def render_blame(blame: Blame) -> str:
    """Return who changed something last, ending in a newline."""
    return "\n".join(_blamed(blame)) + "\n"


def blame_json(blame: Blame) -> dict[str, Json]:
    """Return who changed something last, null where nobody is recorded, and later attempts, newest first."""
    return {
        "format": FORMAT,
        "stack": blame.stack,
        "environment": blame.environment,
        "name": blame.name,
        "unit": blame.unit,
        "changed": _trace_json(blame.changed) if blame.changed else None,
        "attempts": [_trace_json(each) for each in blame.attempts],
    }


def render_explanation(explanation: Explanation) -> str:
    """Return why a unit is as it is, ending in a newline."""
    return "\n".join(_explained(explanation, "")) + "\n"


def explanation_json(explanation: Explanation) -> dict[str, Json]:
    """Return why a unit is as it is; ``because`` are those on account of which it was not begun, or brought back."""
    return {"format": FORMAT, **_explanation_json(explanation)}


def _explanation_json(explanation: Explanation) -> dict[str, Json]:
    return {
        "unit": explanation.unit,
        "says": explanation.says,
        "why": explanation.why,
        "entry": explanation.entry,
        "because": [_explanation_json(each) for each in explanation.because],
        "next": explanation.next,
    }


def _compared(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.stack}/{comparison.environment}"
    yield _point("from", comparison.before, comparison)
    yield _point("to", comparison.after, comparison)
    yield ""
    if comparison.units:
        rows = (_unit_row(each) for each in comparison.units)
        yield from table([("UNIT", "BEFORE", "AFTER"), *rows])
    if comparison.objects:
        if comparison.units:
            yield ""
        yield from (_object_line(each) for each in comparison.objects)
    if not (comparison.units or comparison.objects):
        yield "Nothing differs: the same revisions, outcomes and objects."


def _point(word: str, line: HistoryLine, comparison: Comparison) -> str:
    message = told(line.message, stack=comparison.stack, environment=comparison.environment)
    return f"  {word:<5}{entry_of(line)}  {line.at:%Y-%m-%d %H:%M:%S} UTC  {message}"


def _unit_row(each: UnitDifference) -> tuple[str, ...]:
    return each.unit, _unit_cell(each.before), _unit_cell(each.after)


def _unit_cell(unit: UnitStatus | None) -> str:
    if unit is None:
        return "-"
    return f"{unit.applied or 'not applied'}, {state_of(unit)}"


def _object_line(each: ObjectDifference) -> str:
    previous = f", from {each.previous}" if each.previous else ""
    return f"{_SIGNS[each.difference]:>3} {each.name}  ({each.unit}{previous})"


def _blamed(blame: Blame) -> Iterator[str]:
    where = "" if blame.name == blame.unit else f" of {blame.unit}"
    if blame.changed is None:
        yield f"No run that changed {blame.name}{where} is recorded."
    else:
        yield f"{blame.name}{where} was last changed:"
        yield from _trace_lines(blame.changed, blame)
    if blame.attempts:
        yield ""
        yield "Tried since, and may have changed it:"
        for each in blame.attempts:
            yield from _trace_lines(each, blame)


def _trace_lines(trace: Trace, blame: Blame) -> Iterator[str]:
    last = trace.run.last
    subject = f" ({last.revision.subject})" if last.revision.subject else ""
    message = told(last.message, stack=blame.stack, environment=blame.environment)
    yield f"  commit  {last.revision}{subject}"
    yield f"  entry   {entry_of(last)}  {message}"
    yield f"  by      {last.who}, {last.at:%Y-%m-%d %H:%M:%S} UTC"
    if trace.outcome is not Outcome.APPLIED:
        yield f"  outcome {_outcome(trace)}"
    for change in trace.how:
        yield from change_lines(change, indent="    ")


def _outcome(trace: Trace) -> str:
    return "not recorded" if trace.outcome is Outcome.PLANNED else trace.outcome.value


def _trace_json(trace: Trace) -> dict[str, Json]:
    return {
        "run": run_json(trace.run),
        "outcome": trace.outcome.value,
        "certain": trace.certain,
        "changes": [change_json(change) for change in trace.how],
    }


def _explained(explanation: Explanation, indent: str) -> Iterator[str]:
    yield filled(f"{explanation.unit} {explanation.says}", indent=indent, hanging="  ")
    deeper = f"{indent}  "
    yield from (f"{deeper}{line}".rstrip() for line in explanation.why.splitlines())
    if explanation.entry and not indent:
        yield f"{deeper}entry: {explanation.entry[:SHORT]}"
    if explanation.next:
        yield f"{deeper}next: {explanation.next}"
    for each in explanation.because:
        yield f"{deeper}since this did not succeed:"
        yield from _explained(each, f"{deeper}  ")
