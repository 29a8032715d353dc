"""Long lines broken for a terminal, so that what continues a line keeps its indentation."""

import re
import textwrap
from typing import Final

COLUMNS: Final = 79

_EXCERPT = re.compile(r"\s*\d* \| ")
_HANGING = re.compile(r"(error|hint): |\S+:\d+:\d+: ")


def fold(text: str, columns: int) -> str:
    """Return a text with its long lines broken between words; lines of files are shown as they are."""
    return "\n".join(_folded(line, columns) for line in text.split("\n"))


def wrapped(text: str, columns: int = COLUMNS, *, first: str = "", rest: str = "") -> list[str]:
    """Return a text as lines broken between words only, after ``first`` and from the second on after ``rest``."""
    return textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _folded(line: str, columns: int) -> str:
    if len(line) <= columns or _EXCERPT.match(line):
        return line
    words = line.lstrip()
    indent = line[: len(line) - len(words)]
    deeper = f"{indent}  " if _HANGING.match(words) else indent
    return "\n".join(wrapped(words, columns, first=indent, rest=deeper))
