"""What a working tree holds beyond its commit: which paths differ, and a digest of what they hold."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = ".orchestrator"

_FIELDS_BEFORE_PATH = {"1": 8, "u": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What ``git status`` says: the commit checked out (empty before the first one) and the paths that differ.

    Paths are relative to the root, sorted; a path that ends with a slash is a repository of its own.
    """

    commit: str
    paths: tuple[str, ...]


def read_status(output: bytes) -> Status:
    """Read ``git status --porcelain=v2 --branch -z --no-renames``; what lies in our own folder never counts."""
    commit, paths = "", set()
    for record in os.fsdecode(output).split("\0"):
        kind, _, rest = record.partition(" ")
        match kind:
            case "#" if rest.startswith("branch.oid "):
                commit = rest.removeprefix("branch.oid ").replace("(initial)", "")
            case "1" | "u":
                fields = rest.split(" ", _FIELDS_BEFORE_PATH[kind] - 1)
                paths.add(fields[-1] if fields[1].startswith("N") else f"{fields[-1]}/")
            case "?":
                paths.add(rest)
            case _:
                continue
    return Status(commit=commit, paths=tuple(sorted(path for path in paths if not _ours(path))))


def digest(root: Path, paths: Iterable[str], nested: Callable[[str], str]) -> str:
    """Return a digest of what the paths hold below ``root``, or an empty text when there are none.

    ``nested`` describes a repository inside this one by its path. Content, kind and the executable bit count; times,
    owners and other permissions do not, as in Git.
    """
    total = hashlib.sha256()
    empty = True
    for path in sorted(paths):
        empty = False
        held = nested(path) if path.endswith("/") else _held(root, path)
        total.update(os.fsencode(f"{len(path)} {path} {held}\n"))
    return "" if empty else total.hexdigest()


def find(root: Path, path: str) -> Path | None:
    """Return where a path lies below ``root``, or None when it is not there.

    What is reached through a symbolic link is not there: Git would not see it either.
    """
    place = root
    *parents, _ = parts = Path(path).parts
    for parent in parents:
        place /= parent
        if place.is_symlink():
            return None
    place = root.joinpath(*parts)
    return place if os.path.lexists(place) else None


def _held(root: Path, path: str) -> str:
    place = find(root, path)
    if place is None:
        return "nothing"
    mode = place.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"link {hashlib.sha256(os.fsencode(place.readlink())).hexdigest()}"
    if not stat.S_ISREG(mode):
        return "nothing"
    with place.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{'program' if mode & stat.S_IXUSR else 'file'} {content}"


def _ours(path: str) -> bool:
    return path == FOLDER or path.startswith(f"{FOLDER}/")
