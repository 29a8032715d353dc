"""Mistakes as people read them: place and message, the line with a caret below it, the hint, a second place.

stacks/shop/stack.yaml:12:5: unknown key 'imputs' in modules.network
  12 |     imputs: {cidr: 10.20.0.0/16}
     |     ^
  hint: did you mean 'inputs'?
"""

import unicodedata
from collections.abc import Iterable, Iterator

from orchestrator.errors import Mistake, Place

_WIDEST = 100
_BEFORE_CARET = 60
_CUT = "…"


def render(mistakes: Iterable[Mistake]) -> str:
    """Return the mistakes as text, one paragraph each, ending in a newline."""
    return "\n".join("\n".join(_paragraph(mistake)) + "\n" for mistake in mistakes)


def _paragraph(mistake: Mistake) -> Iterator[str]:
    yield str(mistake)
    if mistake.place:
        yield from _excerpt(mistake.place)
    if mistake.hint:
        yield f"  hint: {mistake.hint}"
    if mistake.related:
        yield f"  see also {mistake.related}"
        yield from _excerpt(mistake.related)


def _excerpt(place: Place) -> Iterator[str]:
    if not place.text.strip():
        return
    text, before = _window(place.text, place.column - 1)
    number = str(place.line)
    yield f"  {number} | {text}"
    yield f"  {' ' * len(number)} | {' ' * _width(before)}^"


def _window(line: str, column: int) -> tuple[str, str]:
    """Return the part of ``line`` that is shown, and what of it stands before ``column``."""
    shown = _harmless(line.rstrip())
    start = 0 if len(shown) <= _WIDEST else max(0, column - _BEFORE_CARET)
    text = (_CUT if start else "") + shown[start : start + _WIDEST]
    cut = _CUT if start + _WIDEST < len(shown) else ""
    return text + cut, (_CUT if start else "") + shown[start:column].ljust(column - start)


def _harmless(line: str) -> str:
    """Take out what would move the cursor or colour the terminal; a tab becomes one blank."""
    return "".join(
        " " if sign == "\t" else sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for sign in line
    )


def _width(text: str) -> int:
    """Return the columns that a terminal needs for ``text``."""
    return sum(_width_of(sign) for sign in text)


def _width_of(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1
