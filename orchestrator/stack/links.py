"""Symbolic links of a repository: what is passed on the way to a file, and whether that leaves the repository."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

MOST: Final = 40
"""How many links a path may have on its way: as many as Linux follows."""

# They are in a checkout; what Git knows has none of them.
_PRIVATE: Final = frozenset({".git", ".orchestrator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where a path leads: the links on the way, and the end, all from the repository's root.

    ``end`` is None where it leads out of the repository, or nowhere since there are too many links, most likely in a
    ``circle``.
    """

    links: tuple[str, ...] = ()
    end: str | None = None
    circle: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Return the links and the end: what decides about what is found there, as Git knows it."""
        return self.links if self.end is None else (*self.links, self.end)


def trail(root: Path, path: str) -> Trail:
    """Follow a path below ``root`` from link to link, whether there is something at its end or not."""
    links: list[str] = []
    here: list[str] = []
    ahead = _parts(path)
    while ahead:
        part = ahead.pop()
        if part == ".." and here:
            here.pop()
            continue
        place = "/".join((*here, part))
        if part in {"..", "/"}:
            return Trail(links=tuple(links))
        if target := _target(root, place):
            if len(links) >= MOST:
                return Trail(links=tuple(links), circle=True)
            links.append(place)
            ahead += _parts(target)
        else:
            here.append(part)
    out = bool(here) and here[0] in _PRIVATE
    return Trail(links=tuple(links), end=None if out else "/".join(here))


def trails(root: Path, files: Iterable[str]) -> Iterator[tuple[str, Trail]]:
    """Yield each of many files below ``root`` with its trail; what leads to their folders is looked up once."""
    folders: dict[str, Trail] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder not in folders:
            folders[folder] = trail(root, folder)
        above = folders[folder]
        real = f"{above.end}/{name}" if above.end else name
        if above.end is None or not _target(root, real):
            yield file, above if above.end is None else Trail(links=above.links, end=real)
        else:
            own = trail(root, real)
            yield file, replace(own, links=(*above.links, *own.links))


def links_below(root: Path, path: str) -> Iterator[str]:
    """Yield the links in a directory below ``root`` and in all that lie in it; what they lead to is not entered."""
    folders = [path]
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield f"{folder}/{entry.name}"
                elif entry.is_dir():
                    folders.append(f"{folder}/{entry.name}")


def part_behind(root: Path, link: str) -> str | None:
    """Return the part of the repository that a link leads to, whether it is there or not; else None.

    None is for a link out of the repository, and for one to what the link itself lies in, which has no end.
    """
    end = trail(root, link).end
    return None if not end or f"{link}/".startswith(f"{end}/") else end


def is_file(place: Path) -> bool:
    """Whether there is a file: also of what is too long to be the name of one, which people write by mistake."""
    return os.path.isfile(place)  # noqa: PTH113  Path.is_file raises OSError for that before Python 3.14


def leads_out(root: Path, path: str) -> bool:
    """Whether a path below ``root`` leads out of the repository or nowhere by a symbolic link, its own or one above."""
    return trail(root, path).end is None


def _target(root: Path, place: str) -> str:
    """Return what a link says, an empty text where there is none."""
    file = f"{root}/{place}"
    return os.readlink(file) if os.path.islink(file) else ""  # noqa: PTH114, PTH115  a path takes longer to make


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first; a slash at its beginning is one."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return [*reversed(parts), "/"] if path.startswith("/") else parts[::-1]
