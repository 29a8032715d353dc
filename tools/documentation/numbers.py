"""What the last published run of the benchmarks measured, as a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.documentation.markdown import table

RESULTS = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.json"
_LONG = 10.0  # seconds that are told with one digit less
_HEADING = ("what", "ours", "beside", "its time", "ratio", "promised", "kept")


def measured() -> Mapping[str, Any]:
    """Return the last published run of each benchmark: `make bench ARGS=--publish` writes them."""
    found: Mapping[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def rows_of(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of all benchmarks, in order."""
    return [row for run in found["runs"].values() for row in run["rows"]]


def numbers() -> str:
    """Return the table of medians, with what they were measured on."""
    found = measured()
    machines = " and ".join(dict.fromkeys(run["machine"] for run in found["runs"].values()))
    told = f"Medians of {_samples(rows_of(found))} runs each, on {machines}."
    rows = table(_HEADING, [_row(row) for row in rows_of(found)])
    reasons = [reason for run in found["runs"].values() for reason in run["left_out"]]
    return "\n\n".join((told, rows, *(f"Not measured there: {reason}." for reason in reasons)))


def _samples(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many runs medians are of; what only counts has none."""
    taken = {len(row["ours"]) for row in rows if row["unit"] != "failures"}
    return " to ".join(str(number) for number in sorted({min(taken), max(taken)}))


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    ours, raw, unit = row["median"], row["raw_median"], row["unit"]
    beside = (
        ("", "", "") if raw is None else (row["raw_name"], _shown(raw, unit), _ratio(ours, raw))
    )
    kept = "yes" if row["met"] else "no"
    return (row["name"], _shown(ours, unit), *beside, f"≤ {row['limit']}", kept)


def _shown(number: float, unit: str) -> str:
    match unit:
        case "s":
            return f"{number:.2f} s" if number < _LONG else f"{number:.1f} s"
        case "%":
            return f"{number:.1f} %"
        case _:
            return f"{number:.0f} {unit}"


def _ratio(ours: float, raw: float) -> str:
    """Return what is read faster: how many times as fast, or how many times as long; nothing for none."""
    if not ours or not raw:
        return ""
    return f"1/{raw / ours:.1f}" if ours < raw else f"{ours / raw:.2f}"
