"""What a benchmark ran on, in words that name nobody's machine."""

from __future__ import annotations

import os
import platform

_GIGABYTE = 1024**3


def describe_machine() -> str:
    """Return the kind of system, its processors and memory, and the Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIGABYTE
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB of memory,"
        f" Python {platform.python_version()}"
    )
