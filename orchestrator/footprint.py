"""How much memory a process takes, with everything that it started; known where there is a ``/proc`` (proc(5))."""

import os
from collections.abc import Iterator, Mapping, Sequence
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


def resident(process: int, proc: Path = _PROC) -> int:
    """Return how many bytes a process and its descendants have in memory; nothing where nobody can tell."""
    children = _children(proc)
    total, left = 0, [process]
    while left:
        each = left.pop()
        left += children.get(each, ())
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            pages = (proc / str(each) / "statm").read_text(encoding="ascii").split()[1]
            total += int(pages) * os.sysconf("SC_PAGE_SIZE")
    return total


def folders_of_processes(proc: Path = _PROC) -> Iterator[Path]:
    """Yield where each process is told of, which may end at any moment; nothing on a system that tells of none.

    What is in there is for who asks to look for: a pattern of files looks, and is told that a process has ended.
    """
    with suppress(OSError):
        yield from (folder for folder in proc.iterdir() if folder.name.isdigit())


def _children(proc: Path) -> Mapping[int, Sequence[int]]:
    """Return the children of every process; not every kernel tells those of one alone."""
    children: dict[int, list[int]] = {}
    for folder in folders_of_processes(proc):
        with suppress(OSError, ValueError, IndexError):
            # The name of a program, in brackets, may hold spaces and brackets too.
            parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(folder.name))
    return children
