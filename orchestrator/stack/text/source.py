"""The text of a file that a person wrote, and the places in it."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property

from orchestrator.errors import Mistake, Place
from orchestrator.stack.text.secrecy import Secrecy, Spans, nothing

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # where YAML cuts lines


class Source:
    """The text of a file, which finds lines for places."""

    def __init__(self, text: str, file: str, secrecy: Secrecy = nothing) -> None:
        """Keep the text; lines are only cut when a place is asked for, and without those that are secret."""
        self.text = text
        self.file = file
        self._secrecy = secrecy

    def place_at(self, index: int) -> Place:
        """Return the place of the character at ``index``."""
        line = bisect_right(self._starts, index) - 1
        return self._place(line, index - self._starts[line])

    def place(self, line: int, column: int) -> Place:
        """Return the place at ``line`` and ``column``, both counted from 0."""
        return self._place(min(line, len(self._starts) - 1), column)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]

    @cached_property
    def _secret(self) -> Spans:
        return self._secrecy(self.text)

    def _place(self, line: int, column: int) -> Place:
        start = self._starts[line]
        span = bisect_right(self._secret, (start, len(self.text) + 1)) - 1  # they are in order
        if span >= 0 and start < self._secret[span][1]:
            return Place(file=self.file, line=line + 1, column=column + 1, secret=True)
        end = _BREAK.search(self.text, start)
        text = self.text[start : end.start() if end else None]
        return Place(file=self.file, line=line + 1, column=column + 1, text=text)


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Return mistakes in the order in which a person reads the files, each once."""
    return tuple(sorted(dict.fromkeys(mistakes), key=_position))


def _position(mistake: Mistake) -> tuple[str, int, int]:
    place = mistake.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)
