"""Bars on a logarithmic scale as SVG: ours beside what it was measured beside, and the limit as a mark. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

_WIDTH = 960
_LABELS = 372  # where the bars begin
_NUMBERS = 92  # kept free at the right for the number at the end of a bar
_TOP = 64
_ROW = 50
_BAR = 15
_BOTTOM = 40
_NUMBER = 50  # the width of a number
_LONG = 10.0  # seconds that are told without fractions
_STYLE = 'font-family="sans-serif" font-size="13" role="img"'
_OURS, _RAW, _LIMIT = "#1f6feb", "#a8b1bb", "#d1242f"
_INK, _FAINT, _GRID, _PAPER = "#1f2328", "#59636e", "#d8dee4", "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A logarithmic axis over whole powers of ten."""

    lowest: int
    highest: int

    @classmethod
    def over(cls, numbers: Sequence[float]) -> Scale:
        """Return the shortest scale that has room for all numbers."""
        lowest, highest = math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers)))
        return cls(lowest=lowest, highest=max(highest, lowest + 1))

    def at(self, number: float) -> float:
        """Return how far right a number is, in pixels."""
        share = (math.log10(number) - self.lowest) / (self.highest - self.lowest)
        return _LABELS + share * (_WIDTH - _LABELS - _NUMBERS)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Return the powers of ten."""
        return tuple(10.0**power for power in range(self.lowest, self.highest + 1))


def render(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return the plot of what was measured in seconds: rows of the JSON that `make bench` writes, as SVG."""
    rows = [row for row in measured if row["unit"] == "s"]
    numbers = [row[key] for row in rows for key in ("median", "raw_median", "allowed")]
    scale = Scale.over([number for number in numbers if number])
    height = _TOP + len(rows) * _ROW + _BOTTOM
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_STYLE}>',
        "<title>Seconds, beside what it was measured beside, on a logarithmic scale</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="{_PAPER}"/>',
        *_legend(),
        *_axis(scale, height),
        *(line for number, row in enumerate(rows) for line in _row(row, number, scale)),
        "</svg>",
    )
    return "\n".join(lines) + "\n"


def _legend() -> Iterator[str]:
    for place, colour, text in (
        (_LABELS, _OURS, "orchestrator"),
        (_LABELS + 130, _RAW, "beside it"),
        (_LABELS + 230, _LIMIT, "promised at most"),
    ):
        width = 3 if colour == _LIMIT else 14
        yield f'<rect x="{place}" y="20" width="{width}" height="14" fill="{colour}"/>'
        yield _text(place + width + 6, 32, text)


def _axis(scale: Scale, height: int) -> Iterator[str]:
    for tick in scale.ticks:
        place, bottom = scale.at(tick), height - _BOTTOM + 6
        yield (
            f'<line x1="{place:.1f}" y1="{_TOP - 8}" x2="{place:.1f}" y2="{bottom}" '
            f'stroke="{_GRID}"/>'
        )
        yield _text(place, bottom + 18, f"{tick:g} s", anchor="middle", colour=_FAINT)


def _row(row: Mapping[str, Any], number: int, scale: Scale) -> Iterator[str]:
    top = _TOP + number * _ROW
    limit = scale.at(row["allowed"])
    yield _text(_LABELS - 12, top + 12, row["name"], anchor="end")
    yield from _bar(row["median"], top, scale, colour=_OURS, clear_of=limit)
    if row["raw_median"]:
        raw_top = top + _BAR + 2
        yield _text(_LABELS - 12, raw_top + 12, row["raw_name"], anchor="end", colour=_FAINT)
        yield from _bar(row["raw_median"], raw_top, scale, colour=_RAW)
    yield f'<rect x="{limit:.1f}" y="{top - 2}" width="3" height="{_BAR + 3}" fill="{_LIMIT}"/>'


def _bar(
    seconds: float, top: int, scale: Scale, *, colour: str, clear_of: float = 0.0
) -> Iterator[str]:
    """Yield a bar and the number at its end, which keeps clear of a mark that stands there."""
    end = scale.at(seconds)
    width = max(end - _LABELS, 1.0)
    yield f'<rect x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'
    number = clear_of + 3 if 0 <= clear_of - end < _NUMBER else end
    told = f"{seconds:.2g} s" if seconds < _LONG else f"{seconds:.0f} s"
    yield _text(number + 8, top + 12, told)


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
