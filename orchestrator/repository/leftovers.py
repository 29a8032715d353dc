"""Lock files of Git that nobody will ever remove: their process was killed while it wrote."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator import clock

_STALE_SECONDS: Final = 60.0
"""How old a lock file is that is nobody's; Git has one for as long as it takes to write a file."""

_PLACES: Final = ("*.lock", "refs/**/*.lock", "objects/*.lock", "objects/[ip]*/**/*.lock")


def remove_leftovers(git_directory: Path) -> tuple[Path, ...]:
    """Remove lock files that were left behind in a clone that is ours alone, and return them.

    That nobody seems to be there proves little: what a process began that was killed may be at work for a moment
    more. So their age counts, and what is left behind goes at the first look after a minute.
    """
    return tuple(file for file in _locks(git_directory) if _is_stale(file) and _removed(file))


def _locks(git_directory: Path) -> Iterator[Path]:
    for place in _PLACES:
        with suppress(OSError):  # a folder may go while it is listed
            yield from git_directory.glob(place)


def _is_stale(file: Path) -> bool:
    with suppress(OSError):
        return clock.now().timestamp() - file.lstat().st_mtime > _STALE_SECONDS
    return False


def _removed(file: Path) -> bool:
    with suppress(OSError):
        file.unlink()
        return True
    return False
