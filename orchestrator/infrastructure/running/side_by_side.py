"""How many modules to work on at once: as many as there are cores, and as memory has room for."""

import os
from contextlib import suppress
from pathlib import Path

_BYTES_EACH = 600 * 1024 * 1024  # of Terraform with one large provider, measured
_CONTROL_GROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")


def at_once() -> int:
    """Return how many, at least one: more than cores only make each slower, and more than memory kills some."""
    return within(_cores(), _free_bytes())


def within(cores: int, free_bytes: int | None) -> int:
    """Return how many modules have room; None stands for memory that nobody can tell."""
    if free_bytes is None:
        return max(1, cores)
    return max(1, min(cores, free_bytes // _BYTES_EACH))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _free_bytes() -> int | None:
    """Return what the system has left, or the container if that is less."""
    known = [found for found in (_free_of_system(), _free_of_container()) if found is not None]
    return min(known, default=None)


def _free_of_system() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_of_container() -> int | None:
    """Return what the limit of a control group (version 2) leaves; None where there is no limit."""
    with suppress(OSError, ValueError):
        limit = int((_CONTROL_GROUP / "memory.max").read_text())  # the word max is no number
        used = int((_CONTROL_GROUP / "memory.current").read_text())
        return max(0, limit - used)
    return None
