"""The plot of the benchmarks shows what their results say."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tools.documentation.numbers import RESULTS, measured, rows_of
from tools.documentation.plot import Scale, render

_SVG = "{http://www.w3.org/2000/svg}"


def _row(name: str, median: float, raw: float | None, allowed: float) -> dict[str, Any]:
    return {
        "name": name,
        "unit": "s",
        "median": median,
        "raw_median": raw,
        "raw_name": f"beside {name}",
        "allowed": allowed,
    }


def _widths(svg: str, colour: str) -> list[float]:
    rectangles = ET.fromstring(svg).iter(f"{_SVG}rect")  # noqa: S314  our own
    found = [float(each.attrib["width"]) for each in rectangles if each.attrib["fill"] == colour]
    return found[1:]  # the first is the legend's


def test_ten_times_as_long_is_as_much_further_everywhere() -> None:
    """The scale is logarithmic, over whole powers of ten."""
    scale = Scale.over([0.05, 35.0])

    assert scale.ticks == (0.01, 0.1, 1.0, 10.0, 100.0)
    assert scale.at(1.0) - scale.at(0.1) == pytest.approx(scale.at(100.0) - scale.at(10.0))


def test_every_row_in_seconds_has_its_bars() -> None:
    """Ours and theirs are drawn to the same scale; where there is nothing beside it, one bar is."""
    rows = [_row("plan", 1.0, 10.0, 2.0), _row("apply", 0.1, None, 1.0)]
    memory = {**_row("memory", 300.0, None, 400.0), "unit": "MB"}

    svg = render([*rows, memory])

    ours, raw = _widths(svg, "#1f6feb"), _widths(svg, "#a8b1bb")
    assert [len(ours), len(raw)] == [2, 1]
    assert ours == [raw[0] / 2, 1.0]
    assert re.findall(r">([\d.]+ s)<", svg) == ["0.1 s", "1 s", "10 s", "1 s", "10 s", "0.1 s"]
    assert "memory" not in svg


def test_what_is_published_names_nobody() -> None:
    """Results say a commit, a kind of machine, and rows; no host, no paths."""
    text = RESULTS.read_text(encoding="utf-8")
    runs = measured()["runs"].values()

    assert all(set(run) == {"commit", "machine", "left_out", "rows"} for run in runs)
    assert not re.search(r"(?<![\w.])/\w+/", text)
    timed = [row for row in rows_of(json.loads(text)) if row["unit"] != "failures"]
    # Of what takes minutes each, fewer are taken; the page says so.
    long = re.compile("AWS|idle agent")
    assert all(len(row["ours"]) >= (3 if long.search(row["name"]) else 5) for row in timed)
