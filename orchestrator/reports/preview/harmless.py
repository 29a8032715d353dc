"""Texts of others made harmless: nothing invisible, no line breaks, no markup, no mention that anybody is told of.

Forges look for mentions, references and commands in what they show as text, but not in code.
"""

import html
import json
import re
import textwrap
from collections.abc import Sequence
from typing import Final

from orchestrator.reports.preview.budget import size

LONGEST_LINE: Final = 400
LONGEST_NAME: Final = 160
_WIDEST: Final = 200
_LONGEST_WRAPPED: Final = 10_000  # between words; no sentence is that long

# Letters and marks by their category, which are seen as nothing all the same, or choose how others look.
_BLANK: Final = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_STACKED: Final = re.compile(
    r"([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_AROUND_A_CUT: Final = 30  # how many characters a cut is told in
_TICKS: Final = re.compile(r"`+")


def line(text: str, *, longest: int = LONGEST_LINE) -> str:
    """Return a text as one line, long ones cut in their middle, with what cannot be seen written as JSON does.

    Of what is written out there is less, so that the line is not much longer all the same.
    """
    shown, room = seen(_cut(text, longest)), longest
    while size(shown) > longest + _AROUND_A_CUT and room > 1:
        room //= 2
        shown = seen(_cut(text, room))
    return shown


def seen(shown: str) -> str:
    """Return a text with what cannot be seen written as JSON does, and without letters stacked high."""
    if not shown.isprintable():
        shown = "".join(sign if sign.isprintable() else _written_out(sign) for sign in shown)
    return _STACKED.sub(r"\1", _BLANK.sub(lambda found: _written_out(found.group()), shown))


def broken(text: str) -> list[str]:
    """Return a text as lines that are all there, whatever its length; one that is too long goes on below."""
    return [part for each in text.splitlines() or [""] for part in _parts(each)]


def _parts(text: str) -> list[str]:
    if len(text) > _LONGEST_WRAPPED:
        return [text[start : start + _WIDEST] for start in range(0, len(text), _WIDEST)]
    return textwrap.wrap(
        text, _WIDEST, break_on_hyphens=False, drop_whitespace=False, replace_whitespace=False
    ) or [""]


def code(text: str) -> str:
    """Return a text as code inside a sentence of Markdown."""
    shown = line(text, longest=LONGEST_NAME)
    ticks = _longer_than_in([shown], least=1)
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"`{shown or ' '}`"


def code_in_html(text: str) -> str:
    """Return a text as code inside HTML."""
    return f"<code>{html.escape(line(text, longest=LONGEST_NAME))}</code>"


def fenced(lines: Sequence[str], language: str) -> list[str]:
    """Return lines, each of them made harmless, as a block of code that nothing in them can end."""
    ticks = _longer_than_in(lines, least=3)
    return [f"{ticks}{language}", *lines, ticks]


def _longer_than_in(lines: Sequence[str], *, least: int) -> str:
    longest = max((len(found) for each in lines for found in _TICKS.findall(each)), default=0)
    return "`" * max(least, longest + 1)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"


def _written_out(sign: str) -> str:
    return json.dumps(sign)[1:-1]
