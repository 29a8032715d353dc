"""How much memory a program and all that it starts take together, at the most."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_EVERY_SECONDS = 0.1
_PROCESSES = Path("/proc")
_MEGABYTE = 1024 * 1024


class PeakMemory:
    """Looks at a process and its descendants ten times a second; where there is no /proc, at nothing.

    The kernel keeps the peak of the process itself, so that looking at it seldom and cheaply misses nothing and
    disturbs nobody: adding up the pages of a large process takes a quarter of a core at fifty times a second.
    """

    def __init__(self, process: int) -> None:
        """Begin to look."""
        self._process = process
        self._own = self._others = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def megabytes(self, largest: int) -> float:
        """Stop, and return the most that the process took, and at the most what it started.

        ``largest`` is what wait4 told of the largest single process (ru_maxrss), for machines without /proc: it
        counts what the benchmark itself had when it forked the process.
        """
        self._ended.set()
        self._thread.join()
        in_bytes = largest if sys.platform == "darwin" else largest * 1024
        return (self._own + self._others or in_bytes) / _MEGABYTE

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._own = max(self._own, _noted(self._process, "status", "VmHWM:"))
            _, *below = processes_of(self._process)
            self._others = max(self._others, sum(map(_resident, below)))


def megabytes_of(process: int) -> float:
    """Return what a process and its descendants have resident now, shared pages by their shares."""
    return sum(map(_resident, processes_of(process))) / _MEGABYTE


def processes_of(process: int) -> Iterator[int]:
    """Yield a process and its descendants, but for a child that has no memory of its own yet.

    Programs are started by vfork(2): until the child becomes the program it lives in the memory of its parent, and
    would have all of that counted twice.
    """
    yield process
    for thread in (_PROCESSES / str(process) / "task").glob("*"):
        with suppress(OSError):
            children = (thread / "children").read_text().split()
            if children and not _lends_its_memory(thread):
                for child in children:
                    yield from processes_of(int(child))


def _lends_its_memory(thread: Path) -> bool:
    """Whether a thread waits for its child to become a program; it can do nothing else meanwhile, not even end."""
    state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    return state == "D"


def _resident(process: int) -> int:
    """Return a process's share of what is resident: a child that has just begun has all pages with its parent."""
    return _noted(process, "smaps_rollup", "Pss:")


def _noted(process: int, file: str, name: str) -> int:
    with suppress(OSError):
        for line in (_PROCESSES / str(process) / file).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0
