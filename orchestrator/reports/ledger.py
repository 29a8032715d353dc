"""Status and history as text and as JSON."""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.plans.history import HistoryLine, Status, UnitStatus
from orchestrator.reports.json import FORMAT, revision_json, time_json
from orchestrator.stack.model import Json


def render_status(status: Status) -> str:
    """Return a status as a table, ending in a newline."""
    return "\n".join(_status_lines(status)) + "\n"


def render_history(lines: Sequence[HistoryLine]) -> str:
    """Return a history as a table, newest first, ending in a newline."""
    if not lines:
        return "The ledger is empty: nothing was applied yet.\n"
    rows = [("WHEN (UTC)", "ENTRY", "WHAT")]
    rows += [(f"{line.at:%Y-%m-%d %H:%M:%S}", line.entry[:10], line.message) for line in lines]
    return "\n".join(_table(rows)) + "\n"


def status_json(status: Status) -> dict[str, Json]:
    """Return a status: its units in order, the sentence about an unfinished run, the lock's holder."""
    return {
        "format": FORMAT,
        "stack": status.stack,
        "environment": status.environment,
        "unfinished": status.unfinished,
        "lock": status.lock,
        "units": [_unit_json(unit) for unit in status.units],
    }


def history_json(lines: Iterable[HistoryLine]) -> dict[str, Json]:
    """Return a history, newest first."""
    return {"format": FORMAT, "entries": [_line_json(line) for line in lines]}


def _status_lines(status: Status) -> Iterator[str]:
    yield f"{status.stack}/{status.environment}"
    yield ""
    rows: list[tuple[str, ...]] = [("UNIT", "REVISION", "WHEN (UTC)", "BY", "STATE")]
    rows += [_row(unit) for unit in status.units]
    yield from _table(rows)
    if status.lock:
        yield ""
        yield f"Locked by {status.lock}"
    if status.unfinished:
        yield ""
        yield f"Unfinished: {status.unfinished}"
        yield "The next apply goes on from what it left."


def _row(unit: UnitStatus) -> tuple[str, ...]:
    return (
        unit.unit,
        str(unit.applied) if unit.applied else "-",
        f"{unit.at:%Y-%m-%d %H:%M}" if unit.at else "-",
        unit.by.partition(" <")[0] or "-",
        _state(unit),
    )


def _state(unit: UnitStatus) -> str:
    if unit.outcome is None:
        return "not applied yet"
    words = [f"was {unit.health}" if unit.health else unit.outcome.value]
    if not unit.declared:
        words.append("no longer in Git")
    if unit.protected:
        words.append("protected")
    return ", ".join(words)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _unit_json(unit: UnitStatus) -> Json:
    return {
        "unit": unit.unit,
        "outcome": unit.outcome.value if unit.outcome else None,
        "applied": revision_json(unit.applied) if unit.applied else None,
        "at": time_json(unit.at) if unit.at else None,
        "by": unit.by,
        "health": unit.health,
        "objects": unit.objects,
        "declared": unit.declared,
        "protected": unit.protected,
    }


def _line_json(line: HistoryLine) -> Json:
    return {
        "entry": line.entry,
        "at": time_json(line.at),
        "who": line.who,
        "message": line.message,
        "revision": revision_json(line.revision),
        "outcome": line.outcome.value if line.outcome else None,
        "plan": line.plan,
        "ci_run": line.ci_run,
    }
