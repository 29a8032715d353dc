"""Writing the files of a commit, or of a working tree, into an empty directory.

A private index and work tree are given to Git for it, so that its own rules for line endings, filters and
symbolic links hold, and neither the user's index nor the checkout is touched. ``git archive`` would leave
out what ``export-ignore`` names.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.repository.difference import Status, digest, find, read_status
from orchestrator.repository.git import Git, find_checkout

_GITLINK = "160000"
# What a user's configuration may say about checkouts, and must not here: no hooks, no partial trees.
_PLAIN = tuple(
    argument
    for setting in (
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "core.sparseCheckout=false",
        "core.splitIndex=false",
        "checkout.workers=1",  # more of them were three times slower: 5,000 files in 0.4 s against 1.1 s
        "submodule.recurse=false",
    )
    for argument in ("-c", setting)
)


def status(git: Git) -> Status:
    """Return the commit checked out and the paths that differ from it, untracked ones included."""
    return read_status(
        git.run(
            "status", "--porcelain=v2", "--branch", "-z", "--no-renames",
            "--untracked-files=all", "--ignore-submodules=none",
        )
    )  # fmt: skip


def difference(git: Git, paths: Iterable[str], *, copy: Path | None = None) -> str:
    """Return the digest of what the paths hold, in the working tree or in a copy of it.

    Repositories inside are looked at where they lie in either case: a copy has no history to name.
    """
    root = git.checkout.root
    return digest(copy or root, paths, nested=lambda path: _nested_state(root / path))


def write_commit(git: Git, commit: str, target: Path, *, scratch: Path) -> None:
    """Write a commit's files below the directory ``target``; its submodules too, where they are checked out.

    The directory of a submodule that is not is left empty, as Git leaves it.
    """
    target.mkdir(parents=True, exist_ok=True)
    private = {"GIT_WORK_TREE": str(target), "GIT_INDEX_FILE": str(scratch / f"index-{commit}")}
    git.run(*_PLAIN, "read-tree", "--reset", "-u", commit, variables=private)
    if not (target / ".gitmodules").is_file():
        return
    listing = git.run("ls-files", "--stage", "-z", variables=private)
    for path, pinned in _gitlinks(listing):
        nested = _nested(git.checkout.root / path)
        if (
            nested is not None
            and nested.attempt("cat-file", "-e", f"{pinned}^{{commit}}").code == 0
        ):
            write_commit(nested, pinned, target / path, scratch=scratch)


def write_working_tree(git: Git, state: Status, target: Path, *, scratch: Path) -> None:
    """Write a working tree's files below ``target``: its commit's, then whatever differs from them."""
    write_commit(git, state.commit, target, scratch=scratch)
    for path in state.paths:
        _remove(target, path.rstrip("/"))
    for path in state.paths:
        _copy(git.checkout.root, target, path, scratch=scratch)


def missing_submodules(git: Git, tree: Path) -> tuple[str, ...]:
    """Return the paths of the submodules whose files a written tree lacks, sorted."""
    modules = tree / ".gitmodules"
    if not modules.is_file():
        return ()
    found = git.attempt(
        "config", "-z", "--file", str(modules), "--get-regexp", r"^submodule\..*\.path$"
    )
    paths = (os.fsdecode(line).partition("\n")[2] for line in found.stdout.split(b"\0") if line)
    return tuple(sorted(path for path in paths if not _filled(tree / path)))


def _gitlinks(listing: bytes) -> list[tuple[str, str]]:
    records = (record.partition("\t") for record in os.fsdecode(listing).split("\0") if record)
    return [(path, facts.split(" ")[1]) for facts, _, path in records if facts.startswith(_GITLINK)]


def _remove(target: Path, path: str) -> None:
    place = find(target, path)
    if place is None:
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()
    with suppress(OSError):  # directories that are empty now are gone in the working tree as well
        for parent in place.relative_to(target).parents[:-1]:
            (target / parent).rmdir()


def _copy(root: Path, target: Path, path: str, *, scratch: Path) -> None:
    place = find(root, path)
    if place is None:
        return
    if place.is_dir() and not place.is_symlink():
        if path.endswith("/"):
            _copy_nested(place, target / path, scratch=scratch)
        return  # a directory where a file was: its files are named one by one
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # removed meanwhile: the digest of the copy will tell
        shutil.copy2(place, target / path, follow_symlinks=False)


def _copy_nested(place: Path, target: Path, *, scratch: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    nested = _nested(place)
    if nested is not None and (state := status(nested)).commit:
        write_working_tree(nested, state, target, scratch=scratch)


def _nested_state(place: Path) -> str:
    nested = _nested(place)
    if nested is None:
        return "nothing"
    state = status(nested)
    return f"repository {state.commit} {difference(nested, state.paths)}"


def _nested(place: Path) -> Git | None:
    if not (place / ".git").exists():
        return None
    with suppress(UsageError):
        return Git(find_checkout(place))
    return None


def _filled(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())
