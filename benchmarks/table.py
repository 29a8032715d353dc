"""What a benchmark run shows and keeps: a table for people, JSON for comparing runs and for plots. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measuring import Row, Unit

FORMAT = 3
_HEADINGS = ("", "ours", "raw", "ratio", "limit", "allowed", "verdict", "raw is")
_NOTHING = "-"
_LONG_SECONDS = 10.0


def render(rows: Sequence[Row]) -> str:
    """Return the table, one line for each row, of medians."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def to_json(rows: Sequence[Row], left_out: Sequence[str] = (), **about: str) -> dict[str, Any]:
    """Return every sample of one benchmark in the unit of its row, with ``about`` as what the run was about.

    ``left_out`` says what could not be measured, and why; its first lines are kept.
    """
    reasons = [reason.partition("\n")[0] for reason in left_out]
    return {**about, "left_out": reasons, "rows": [_row_json(row) for row in rows]}


def document(
    runs: Mapping[str, Any], *, order: Sequence[str], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what is kept of the last run of each benchmark, in order: ``runs`` over those of ``before``."""
    known = {**(before or {"runs": {}})["runs"], **runs}
    return {"format": FORMAT, "runs": {name: known[name] for name in order if name in known}}


def shown(number: float, unit: Unit) -> str:
    """Return a number with its unit, as people read it."""
    match unit:
        case Unit.SECONDS if number >= _LONG_SECONDS:
            return f"{number:.1f} s"
        case Unit.SECONDS:
            return f"{number * 1000:.0f} ms"
        case Unit.MEGABYTES:
            return f"{number:.0f} MB"
        case Unit.PERCENT:
            return f"{number:.1f} %"
        case Unit.REQUESTS | Unit.FAILURES:
            return f"{number:.0f}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        shown(row.median, row.unit),
        _NOTHING if row.raw_median is None else shown(row.raw_median, row.unit),
        _NOTHING if row.ratio is None else f"{row.ratio:.2f}",
        row.limit.text(row.unit),
        shown(row.allowed, row.unit),
        "met" if row.met else "MISSED",
        row.raw_name or _NOTHING,
    )


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "unit": row.unit.value,
        "ours": list(row.ours),
        "raw": list(row.raw),
        "raw_name": row.raw_name,
        "median": row.median,
        "raw_median": row.raw_median,
        "limit": row.limit.text(row.unit),
        "allowed": row.allowed,
        "met": row.met,
    }
