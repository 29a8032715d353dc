"""What the last published run of the benchmarks measured, as a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.documentation.markdown import table

RESULTS = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.json"
_LONG = 10.0  # seconds that are told with one digit less
_HEADING = ("what", "ours", "beside", "its time", "ratio", "promised", "kept")


def measured() -> Mapping[str, Any]:
    """Return the published run: `make bench ARGS=--publish` writes it."""
    found: Mapping[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def numbers() -> str:
    """Return the table of medians, with what they were measured on."""
    found = measured()
    told = f"Medians of {_samples(found)} runs each, on {found['machine']}."
    rows = table(_HEADING, [_row(row) for row in found["rows"]])
    left_out = [f"Not measured there: {reason}." for reason in found.get("left_out", ())]
    return "\n\n".join((told, rows, *left_out))


def _samples(found: Mapping[str, Any]) -> str:
    """Return how many runs medians are of; what only counts has none."""
    taken = {len(row["ours"]) for row in found["rows"] if row["unit"] != "failures"}
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
        case _:
            return f"{number:.0f} {unit}"


def _ratio(ours: float, raw: float) -> str:
    """Return what is read faster: how many times as fast, or how many times as long; nothing for none."""
    if not ours or not raw:
        return ""
    return f"1/{raw / ours:.1f}" if ours < raw else f"{ours / raw:.2f}"
