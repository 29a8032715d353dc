"""What a process that was killed left of values in clear text: found and removed by the next one."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator import clock
from orchestrator.infrastructure.layout.private import open_private

LOCK: Final = "lock"
"""The file that whoever works in a unit's folder holds a lock on."""

SCRATCH: Final = "inputs-"
"""What the folders begin with that files with values are in while a command runs."""

_WRITTEN_WHILE_RUNNING: Final = ("plan.jsonl", "apply.jsonl", "init.txt", "data/backend.json")
_SECONDS_KEPT: Final = 24 * 60 * 60


def sweep(folder: Path) -> None:
    """Remove what was left of every unit below ``folder``, of stacks that are gone too; units at work are left alone.

    What cannot be removed is left to the next time: nothing fails for it.
    """
    for home in sorted(folder.glob("units/*/*/*")):
        with suppress(OSError):
            if any(_left(home)):
                _sweep_unit(home)


def sweep_scratch(home: Path) -> None:
    """Remove folders with values; whoever calls this works in the unit's folder alone."""
    for left in home.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


def sweep_plans(plans: Path) -> None:
    """Remove plan files that nobody came back for within a day."""
    for plan_file in _old_plans(plans):
        plan_file.unlink(missing_ok=True)


def _sweep_unit(home: Path) -> None:
    with open_private(home / LOCK) as handle:
        # Raises when somebody is at work.
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in _left(home):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _left(home: Path) -> Iterator[Path]:
    yield from home.glob(f"{SCRATCH}*")
    yield from (home / name for name in _WRITTEN_WHILE_RUNNING if (home / name).exists())
    yield from _old_plans(home / "plans")


def _old_plans(plans: Path) -> Iterator[Path]:
    oldest = clock.now().timestamp() - _SECONDS_KEPT
    for plan_file in plans.glob("*.tfplan"):
        with suppress(FileNotFoundError):
            if plan_file.stat().st_mtime < oldest:
                yield plan_file
