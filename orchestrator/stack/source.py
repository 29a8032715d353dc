"""The text of a file that a person wrote, and the places in it."""

import re
from functools import cached_property

from orchestrator.errors import Place

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Source:
    """The text of a file, which finds lines for places."""

    def __init__(self, text: str, file: str) -> None:
        """Keep the text; lines are only cut when a place is asked for."""
        self.text = text
        self.file = file

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines, cut where YAML cuts them."""
        return _BREAKS.split(self.text)

    def place(self, line: int, column: int) -> Place:
        """Return the place at ``line`` and ``column``, both counted from 0."""
        line = min(line, len(self.lines) - 1)
        return Place(file=self.file, line=line + 1, column=column + 1, text=self.lines[line])

    def place_at(self, index: int) -> Place:
        """Return the place of the character at ``index``."""
        before = _BREAKS.split(self.text[:index])
        return self.place(len(before) - 1, len(before[-1]))
