"""A lock file: the kernel drops the lock when its process ends, however it ends."""

import fcntl
import os
import weakref
from pathlib import Path


class FileLock:
    """An open lock file; it is closed, and the lock with it, when this object goes."""

    def __init__(self, file: Path) -> None:
        """Open the file, which is made when it is not there; nothing is locked yet."""
        self.file = file
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.close = weakref.finalize(self, os.close, self._descriptor)

    def share(self) -> None:
        """Wait until nobody excludes others, and keep anybody from it."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def exclude(self) -> None:
        """Wait until nobody shares the lock, and keep all others out; a lock shared before is let go first."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def try_to_exclude(self) -> bool:
        """Keep all others out if nobody shares the lock now; return whether."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def current(self) -> bool:
        """Whether the file is still the one of that name: it may have been removed before we had the lock."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.file.stat())
        except FileNotFoundError:
            return False

    @property
    def mark(self) -> bytes:
        """What was written into the file, up to 4096 bytes."""
        return os.pread(self._descriptor, 4096, 0)

    def write(self, mark: bytes) -> None:
        """Replace what is written in the file."""
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, mark)

    def touch(self) -> None:
        """Set the time of last use to now."""
        os.utime(self._descriptor)
