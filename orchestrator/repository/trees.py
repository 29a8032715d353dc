"""Private copies of revisions on disk: built whole or not at all, shared, and cleaned up when nobody uses them.

Each copy has a lock file beside it. Who uses the copy shares the lock for as long as it lives; who builds or
removes it excludes all others.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestrator.repository.locks import FileLock

_KEPT = 4
_BUILDING = ".building-"
_LOCK = ".lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Trees:
    """The copies in one directory."""

    def __init__(self, directory: Path) -> None:
        """Remember the directory, which is made when it is needed."""
        self._directory = directory
        self._held: dict[str, FileLock] = {}

    def take(self, key: str, build: Callable[[Path, Path], None]) -> Path:
        """Return the copy of that key, built if it is not there, and keep it as long as this object lives.

        ``build`` fills an empty directory and has a second one for what it needs meanwhile. When it raises,
        or the process dies, no copy is left.
        """
        tree = self._directory / key
        if key not in self._held or not tree.is_dir():
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._held[key] = self._hold(key, build)
            self._clean()
        return tree

    def _hold(self, key: str, build: Callable[[Path, Path], None]) -> FileLock:
        while True:
            lock = FileLock(self._lock_file(key))
            lock.share()
            if lock.current and self._complete(lock, key):
                lock.touch()
                return lock
            lock.exclude()
            if lock.current and not self._complete(lock, key):
                self._build(lock, key, build)
            lock.close()

    def _build(self, lock: FileLock, key: str, build: Callable[[Path, Path], None]) -> None:
        self._remove_workshops(key)
        shutil.rmtree(self._directory / key, ignore_errors=True)
        # A name of its own: a Git whose parent was killed may still be writing into the one before.
        workshop = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{key}.", dir=self._directory))
        try:
            (workshop / "tree").mkdir(mode=0o700)
            build(workshop / "tree", workshop)
            (workshop / "tree").rename(self._directory / key)
            if not _BOOT.exists():
                os.sync()
            lock.write(_boot())
        except BaseException:
            lock.file.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _complete(self, lock: FileLock, key: str) -> bool:
        return lock.mark == _boot() and (self._directory / key).is_dir()

    def _clean(self) -> None:
        unused = sorted(
            (file for file in self._directory.glob(f"*{_LOCK}") if file.stem not in self._held),
            key=lambda file: (-_last_use(file), file.name),
        )
        for place, file in enumerate(unused):
            with suppress(OSError):
                self._clean_one(file, keep=place < _KEPT)

    def _clean_one(self, file: Path, *, keep: bool) -> None:
        lock = FileLock(file)
        if lock.try_to_exclude() and lock.current:
            self._remove_workshops(file.stem)
            if not keep:
                shutil.rmtree(self._directory / file.stem, ignore_errors=True)
                file.unlink()
        lock.close()

    def _remove_workshops(self, key: str) -> None:
        # Those of processes that were killed.
        for workshop in self._directory.glob(f"{_BUILDING}{key}.*"):
            shutil.rmtree(workshop, ignore_errors=True)

    def _lock_file(self, key: str) -> Path:
        return self._directory / f"{key}{_LOCK}"


def _last_use(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _boot() -> bytes:
    # After a crash of the machine a finished tree may hold files without content, which would read as modules
    # without resources: what an earlier boot wrote is written again. Where boots cannot be told apart, a tree
    # is made to last when it is built.
    with suppress(OSError):
        return _BOOT.read_bytes()
    return b"complete"
