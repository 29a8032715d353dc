"""How much memory a process takes, with everything that it started; known where there is a ``/proc`` (proc(5))."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from orchestrator import clock

_PROC = Path("/proc")
_PAUSE_SECONDS = 1.0


class Footprint:
    """The memory of a process and of what it started, looked at now and then."""

    def __init__(self, process: int) -> None:
        """Take whose it is; nothing is looked at yet."""
        self._process = process
        self._due = clock.seconds() + _PAUSE_SECONDS
        self._over = False

    def exceeds(self, most: int) -> bool:
        """Return whether it is over ``most`` bytes, or once was; asked again and again, it looks once a second."""
        if not self._over and clock.seconds() >= self._due:
            self._due = clock.seconds() + _PAUSE_SECONDS
            self._over = resident(self._process) > most
        return self._over


def resident(process: int) -> int:
    """Return how many bytes a process and its descendants have in memory; nothing where nobody can tell."""
    children = _children()
    total, left = 0, [process]
    while left:
        each = left.pop()
        left += children.get(each, ())
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            pages = (_PROC / str(each) / "statm").read_text(encoding="ascii").split()[1]
            total += int(pages) * os.sysconf("SC_PAGE_SIZE")
    return total


def _children() -> Mapping[int, Sequence[int]]:
    """Return the children of every process; not every kernel tells those of one alone."""
    children: dict[int, list[int]] = {}
    for file in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name of a program, in brackets, may hold spaces and brackets too.
            parent = file.read_bytes().rpartition(b")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(file.parent.name))
    return children
