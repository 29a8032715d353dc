"""Symbolic links of a repository: what is passed on the way to a file, and whether that leaves the repository."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_MOST: Final = 40  # as many as Linux follows
_PRIVATE: Final = frozenset(
    {".git", ".orchestrator"}
)  # in a checkout; what Git knows has none of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where a path leads: the links on the way, and the end, all from the repository's root.

    ``end`` is None where it leads out of the repository, or nowhere.
    """

    links: tuple[str, ...] = ()
    end: str | None = None


def trail(root: Path, path: str) -> Trail:
    """Follow a path below ``root`` from link to link, whether there is something at its end or not."""
    links: list[str] = []
    here: list[str] = []
    ahead = list(reversed(PurePosixPath(path).parts))
    while ahead:
        part = ahead.pop()
        if part == ".." and here:
            here.pop()
            continue
        place = "/".join((*here, part))
        target = _target(root, place)
        if part in {"..", "/"} or len(links) >= _MOST:
            return Trail(links=tuple(links))
        if target:
            links.append(place)
            ahead += reversed(PurePosixPath(target).parts)
        else:
            here.append(part)
    out = bool(here) and here[0] in _PRIVATE
    return Trail(links=tuple(links), end=None if out else "/".join(here))


def leads_out(root: Path, path: str) -> bool:
    """Whether a path below ``root`` leads out of the repository by a symbolic link, its own or one above it."""
    return trail(root, path).end is None


def _target(root: Path, place: str) -> str:
    """Return what a link says, an empty text where there is none."""
    try:
        return os.readlink(f"{root}/{place}")  # noqa: PTH115  a path takes longer to make than to read
    except OSError:  # no link, or nothing there
        return ""
