"""Private copies of revisions on disk: built whole or not at all, shared, and cleaned up when nobody uses them.

Each copy has a lock file beside it. Who uses the copy holds a shared lock on it for as long as the process
lives; who builds or removes it holds an exclusive one. The kernel drops both when a process dies.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

_KEPT = 4
_BUILDING = ".building-"
_LOCK = ".lock"


class Trees:
    """The copies in one directory."""

    def __init__(self, directory: Path) -> None:
        """Remember the directory, which is made when it is needed."""
        self._directory = directory
        self._held: dict[str, IO[bytes]] = {}

    def take(self, key: str, build: Callable[[Path, Path], None]) -> Path:
        """Return the copy of that key, built if it is not there, and keep it as long as this object lives.

        ``build`` fills an empty directory and has a second one for what it needs meanwhile. When it raises,
        or the process dies, no copy is left.
        """
        tree = self._directory / key
        if key not in self._held:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._held[key] = self._hold(key, build)
            self._clean()
        return tree

    def _hold(self, key: str, build: Callable[[Path, Path], None]) -> IO[bytes]:
        while True:
            lock = self._open(key)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if self._current(lock, key) and self._complete(lock, key):
                os.utime(lock.fileno())  # used last now
                return lock
            fcntl.flock(lock, fcntl.LOCK_EX)  # lets go of the shared one first: look again
            if self._current(lock, key) and not self._complete(lock, key):
                self._build(lock, key, build)
            lock.close()

    def _build(self, lock: IO[bytes], key: str, build: Callable[[Path, Path], None]) -> None:
        workshop = self._directory / f"{_BUILDING}{key}"
        shutil.rmtree(workshop, ignore_errors=True)  # of a process that died: the lock is ours
        shutil.rmtree(self._directory / key, ignore_errors=True)
        try:
            (workshop / "tree").mkdir(parents=True, mode=0o700)
            build(workshop / "tree", workshop)
            (workshop / "tree").rename(self._directory / key)
            lock.write(_boot())
            lock.flush()
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _open(self, key: str) -> IO[bytes]:
        descriptor = os.open(self._lock_file(key), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "r+b", buffering=0)

    def _current(self, lock: IO[bytes], key: str) -> bool:
        try:
            return os.path.samestat(os.fstat(lock.fileno()), self._lock_file(key).stat())
        except FileNotFoundError:  # removed with its tree before we had it
            return False

    def _complete(self, lock: IO[bytes], key: str) -> bool:
        # After a crash of the machine a finished tree may hold files without content, which would read as
        # modules without resources: what an earlier boot wrote is written again.
        lock.seek(0)
        return lock.read() == _boot() and (self._directory / key).is_dir()

    def _clean(self) -> None:
        unused = sorted(
            (file for file in self._directory.glob(f"*{_LOCK}") if file.stem not in self._held),
            key=lambda file: (-_last_use(file), file.name),
        )
        for file in unused[_KEPT:]:
            self._remove_unused(file.stem)

    def _remove_unused(self, key: str) -> None:
        with suppress(OSError), self._open(key) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._current(lock, key):
                shutil.rmtree(self._directory / key, ignore_errors=True)
                shutil.rmtree(self._directory / f"{_BUILDING}{key}", ignore_errors=True)
                self._lock_file(key).unlink()

    def _lock_file(self, key: str) -> Path:
        return self._directory / f"{key}{_LOCK}"


def _last_use(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _boot() -> bytes:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    os.sync()  # no such mark on this system: what was written is made to last instead
    return b"complete"
