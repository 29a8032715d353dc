"""Long lines broken for a terminal, so that what continues a line keeps its indentation."""

import re
import textwrap

_EXCERPT = re.compile(r"\s*\d* \| ")
_HANGING = re.compile(r"(error|hint): |\S+:\d+:\d+: ")


def fold(text: str, columns: int) -> str:
    """Return a text with its long lines broken between words; lines of files are shown as they are."""
    return "\n".join(_folded(line, columns) for line in text.split("\n"))


def _folded(line: str, columns: int) -> str:
    if len(line) <= columns or _EXCERPT.match(line):
        return line
    words = line.lstrip()
    indent = line[: len(line) - len(words)]
    deeper = f"{indent}  " if _HANGING.match(words) else indent
    return textwrap.fill(
        words,
        columns,
        initial_indent=indent,
        subsequent_indent=deeper,
        break_long_words=False,
        break_on_hyphens=False,
    )
