"""Where the time of one run goes: imports by package, processor time, and what was announced when."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.running import Command

_IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)")
_PACKAGES_SHOWN = 8
_BESIDE = 2  # lines before and after one by which it is told whether there was a pause
_PAUSE_SECONDS = 0.2


def explain(command: Command) -> tuple[str, ...]:
    """Run a Python program twice more, with a look inside, and return what was seen, a line each."""
    return (*_announcements(command), _imports(command))


def _announcements(command: Command) -> tuple[str, ...]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(
        command.argv,
        cwd=command.directory,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        lines = [(time.perf_counter() - began, line.rstrip()) for line in child.stderr or ()]
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    spent = f"end; {user:.2f} s of processor time, and {system:.2f} s in the system"
    return tuple(f"{at:7.3f} s  {text}" for at, text in (*thinned(lines), (seconds, spent)))


def thinned(lines: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return what was said when, of much that came in one go only the first and the last. Pure."""
    kept: list[tuple[float, str]] = []
    left_out = 0
    for number, (at, text) in enumerate(lines):
        there = lines[max(number - _BESIDE, 0)][0], lines[min(number + _BESIDE, len(lines) - 1)][0]
        if _BESIDE <= number < len(lines) - _BESIDE and there[1] - there[0] < _PAUSE_SECONDS:
            left_out += 1
            continue
        if left_out:
            kept.append((at, f"… {left_out} lines more"))
            left_out = 0
        kept.append((at, text))
    return kept


def _imports(command: Command) -> str:
    ended = subprocess.run(
        (sys.executable, "-X", "importtime", *command.argv),
        cwd=command.directory,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    spent: Counter[str] = Counter()
    for line in ended.stderr.splitlines():
        if found := _IMPORT.match(line):
            spent[found[2].partition(".")[0]] += int(found[1])  # microseconds
    total = sum(spent.values()) / 1e6
    most = ", ".join(
        f"{name} {self / 1e6:.3f}" for name, self in spent.most_common(_PACKAGES_SHOWN)
    )
    return f"imports, slowed by measuring them: {total:.3f} s, most of it in {most}"
