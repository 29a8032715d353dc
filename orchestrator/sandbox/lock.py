"""One process at a time: a lock file that names its holder and dies with it.

The kernel drops the lock when its holder ends, however it ends. The file may be removed by the holder (a
sandbox leaves nothing behind), so whoever gets the lock checks that its file is still the one of that name.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator import clock
from orchestrator.errors import Interrupted
from orchestrator.processes import Stop

_POLL_SECONDS = 0.1


@contextmanager
def exclusive(
    path: Path, *, what: str, on_progress: Callable[[str], None], stop: Stop
) -> Iterator[None]:
    """Hold the lock ``path`` inside the block; its folder is made when it is missing.

    While another process holds it, says so once per holder: ``what`` is what that one is doing.
    Raises Interrupted when asked to stop while waiting.
    """
    descriptor = _wait(path, what, on_progress=on_progress, stop=stop)
    try:
        _name_holder(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait(path: Path, what: str, *, on_progress: Callable[[str], None], stop: Stop) -> int:
    told = ""
    while True:
        descriptor = _try(path)
        if descriptor is not None:
            return descriptor
        holder = _holder(path)
        if holder and holder != told:
            on_progress(f"waiting: {holder} {what}")
            told = holder
        if stop.wait(_POLL_SECONDS):
            raise Interrupted(f"interrupted while {told or 'another process'} {what}")


def _try(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None when somebody else does."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:  # the folder was removed in this very moment
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _name_holder(descriptor: int) -> None:
    since = clock.now().astimezone().strftime("%H:%M:%S")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} (since {since})".encode(), 0)


def _holder(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text()
    return ""
