"""What a benchmark run shows and keeps: a table for people, JSON for comparing runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.measuring import Row

_HEADINGS = ("", "ours", "raw", "ratio", "limit", "allowed", "verdict", "raw is")


def render(rows: Sequence[Row]) -> str:
    """Return the table, one line for each row, medians in milliseconds."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def to_json(rows: Sequence[Row], **about: str) -> dict[str, Any]:
    """Return every sample in seconds, with ``about`` as what the run was about."""
    return {"format": 1, **about, "rows": [_row_json(row) for row in rows]}


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        _milliseconds(row.median),
        _milliseconds(row.raw_median),
        f"{row.median / row.raw_median:.2f}",
        str(row.limit),
        _milliseconds(row.allowed),
        "met" if row.met else "MISSED",
        row.raw_name,
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "ours": list(row.ours),
        "raw": list(row.raw),
        "raw_name": row.raw_name,
        "median": row.median,
        "raw_median": row.raw_median,
        "allowed": row.allowed,
        "met": row.met,
    }
