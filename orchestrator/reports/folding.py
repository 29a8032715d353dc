"""Long lines broken for a terminal, so that what continues a line keeps its indentation."""

import re
import textwrap
from typing import Final

COLUMNS: Final = 79

_EXCERPT = re.compile(r"\s*\d* \| ")
_TOGETHER = re.compile(r"Ledger entry [0-9a-f]+")  # who looks for an id looks for it in one line
_JOINT = "\ue000"  # of no script
_HANGING = re.compile(r"(error|hint): |\S+:\d+:\d+: ")


def fold(text: str, columns: int) -> str:
    """Return a text with its long lines broken between words; lines of files are shown as they are."""
    return "\n".join(_folded(line, columns) for line in text.split("\n"))


def wrapped(text: str, columns: int = COLUMNS, *, first: str = "", rest: str = "") -> list[str]:
    """Return a text as lines broken between words only, after ``first`` and from the second on after ``rest``."""
    joined = _TOGETHER.sub(lambda found: found[0].replace(" ", _JOINT), text)
    lines = textwrap.wrap(
        joined,
        columns,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_JOINT, " ") for line in lines]


def _folded(line: str, columns: int) -> str:
    if len(line) <= columns or _EXCERPT.match(line):
        return line
    words = line.lstrip()
    indent = line[: len(line) - len(words)]
    deeper = f"{indent}  " if _HANGING.match(words) else indent
    return "\n".join(wrapped(words, columns, first=indent, rest=deeper))
