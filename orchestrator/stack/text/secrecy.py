"""Where a text holds what nobody may be shown: told from the text itself, which may be no YAML at all. Pure."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Parts of a text, each from an index to the one behind it."""

Secrecy: TypeAlias = Callable[[str], Spans]
"""Tells which parts of a text are secret."""

_SEPARATOR: Final = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
# A kind that no reader would take for a Secret's, and one of an operator that makes Secrets, hide too much at worst.
_SECRET: Final = re.compile(
    r"""\bkind\b["']?\s*:?\s*[^\n,}]*secret|\bstringData\b""", re.IGNORECASE
)


def nothing(_text: str) -> Spans:
    """Return that all of a text may be shown."""
    return ()


def everything(text: str) -> Spans:
    """Return that nothing of a text may be shown."""
    return ((0, len(text) + 1),)


def secrets_of_manifests(text: str) -> Spans:
    """Return the documents that are Secrets, each from the line that separates it to the next one.

    They count as a whole: a value that cannot be read may reach into any line of its document.
    """
    if not _SECRET.search(text):
        return ()
    starts = [0, *(found.start() for found in _SEPARATOR.finditer(text))]
    ends = [*starts[1:], len(text) + 1]
    return tuple(
        (start, end)
        for start, end in zip(starts, ends, strict=True)
        if _SECRET.search(text, start, end)
    )
