"""How much memory a program and all that it starts take together, at the most."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_EVERY_SECONDS = 0.02
_PROCESSES = Path("/proc")
_MEGABYTE = 1024 * 1024


class PeakMemory:
    """Looks at a process and its descendants many times a second; where there is no /proc, at nothing."""

    def __init__(self, process: int) -> None:
        """Begin to look."""
        self._process = process
        self._bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def megabytes(self, largest: int) -> float:
        """Stop, and return the peak; ``largest`` is what wait4 told of the largest single process (ru_maxrss)."""
        self._ended.set()
        self._thread.join()
        in_bytes = largest if sys.platform == "darwin" else largest * 1024
        return max(self._bytes, in_bytes) / _MEGABYTE

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._bytes = max(self._bytes, sum(map(_resident, processes_of(self._process))))


def megabytes_of(process: int) -> float:
    """Return what a process and its descendants have resident now, shared pages by their shares."""
    return sum(map(_resident, processes_of(process))) / _MEGABYTE


def processes_of(process: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield process
    with suppress(OSError):
        for file in (_PROCESSES / str(process) / "task").glob("*/children"):
            for child in file.read_text().split():
                yield from processes_of(int(child))


def _resident(process: int) -> int:
    """Return a process's share of what is resident: a child that has just begun has all pages with its parent."""
    with suppress(OSError):
        for line in (_PROCESSES / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
