"""Where a text holds what nobody may be shown: told from the text itself, which may be no YAML at all. Pure."""

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import Final, TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Parts of a text, each from an index to the one behind it."""

Secrecy: TypeAlias = Callable[[str], Spans]
"""Tells which parts of a text are secret."""

_SEPARATOR: Final = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
# A kind that no reader would take for a Secret's, and one of an operator that makes Secrets, hide too much at worst.
_SECRET: Final = re.compile(
    r"""\bkind\b["']?\s*:?\s*[^\n,}]{0,99}secret|\bstringData\b""", re.IGNORECASE
)
# Neither an alias, nor an escape, nor text over several lines.
_PLAIN_KIND: Final = re.compile(
    r"""(?:^|^[ \t]+(?=["'])|[{,]\s*)["']?kind["']?\s*:\s*["']?([\w.-]+)["']?[ \t\r]*(?:$|[,}#])""",
    re.MULTILINE,
)
_KEY: Final = re.compile(
    r"""(?:passw|passphrase|token|secret|credential|private|(?:api|access).?key)[\w.-]{0,99}["']?[ \t]{0,9}:""",
    re.IGNORECASE,
)
_NEARLY: Final = 0.75  # of the letters of a word, when some of them are missing or in another order


def nothing(_text: str) -> Spans:
    """Return that all of a text may be shown."""
    return ()


def everything(text: str) -> Spans:
    """Return that nothing of a text may be shown."""
    return ((0, len(text) + 1),)


def secrets_of_manifests(text: str) -> Spans:
    """Return what may be of Secrets, in order: documents, each from the line that separates it to the next one.

    They count as a whole: a value that cannot be read may reach into any line of its document. So does a document
    whose kind does not stand there plainly, or nearly reads ``Secret``. Of others, it is what stands below keys that
    are called like secrets.
    """
    starts = [0, *(found.start() for found in _SEPARATOR.finditer(text))]
    ends = [*starts[1:], len(text) + 1]
    return tuple(
        span
        for start, end in zip(starts, ends, strict=True)
        for span in (
            [(start, end)] if _may_be_secret(text[start:end]) else _keyed(text, start, end)
        )
    )


def _may_be_secret(document: str) -> bool:
    kinds = {*_PLAIN_KIND.findall(document)}
    return not kinds or bool(_SECRET.search(document)) or any(map(_is_nearly_secret, kinds))


def _is_nearly_secret(kind: str) -> bool:
    return SequenceMatcher(None, kind.lower(), "secret").ratio() >= _NEARLY


def _keyed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the lines of a document with a key that is called like a secret, and those further in behind them."""
    told = start
    for found in _KEY.finditer(text, start, end):
        if found.start() < told:
            continue
        first = max(text.rfind("\n", start, found.start()) + 1, start)
        line = text[first : found.start()]
        within = _lines_within(len(line) - len(line.lstrip(" \t"))).match(text, first, end)
        told = within.end() + 1 if within else found.end()
        yield first, told


@cache
def _lines_within(depth: int) -> re.Pattern[str]:
    """Return what matches a line, and the ones behind it that begin further in than at ``depth``."""
    return re.compile(rf"[^\n]*(?:\n(?:[ \t]{{{depth + 1},}}[^\n]*|[ \t\r]*(?=\n|$)))*")
