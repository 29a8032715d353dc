"""What merging one commit into another would make: written as objects, beside every branch, index and checkout."""

import os
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import RepositoryError
from orchestrator.repository.git import Git
from orchestrator.repository.troubles import local_trouble

_CONFLICTS: Final = 1  # what `git merge-tree` ends with when it found some
_USAGE: Final = 129  # what it ends with before 2.38, which cannot merge without a checkout
# The same two commits give the same merge, whoever makes it and when.
_NOBODY: Final = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "orchestrator"), ("EMAIL", "none"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The commit of a merge, or the paths in which the two sides conflict, sorted; one of them is empty."""

    commit: str = ""
    conflicts: tuple[str, ...] = ()


def changed_files(git: Git, before: str, after: str) -> frozenset[str]:
    """Return the files in which two commits differ; of a repository inside of this one, its directory."""
    output = git.run(
        *("diff-tree", "-r", "-z", "--name-only", "--no-renames"),
        # A file of the request may say otherwise.
        *("--ignore-submodules=none", before, after),
    )
    return frozenset(path for path in os.fsdecode(output).split("\0") if path)


def merge(git: Git, base: str, head: str) -> Merged:
    """Merge one commit into another, both given by their ids; a side that holds the other is the result.

    Raises RepositoryError, also when the clone is too shallow to tell where the two parted.
    """
    for inner, outer in ((base, head), (head, base)):
        if git.attempt("merge-base", "--is-ancestor", inner, outer).code == 0:
            return Merged(commit=outer)
    if git.attempt("merge-base", base, head).code != 0:
        raise RepositoryError(
            f"{head[:10]} and {base[:10]} have no commit in common here",
            hint="a shallow clone lacks where they parted: git fetch --unshallow, or fetch-depth: 0",
        )
    ended = git.attempt(
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head
    )
    tree, *paths = os.fsdecode(ended.stdout).split("\0")
    if ended.code == _CONFLICTS:
        return Merged(conflicts=tuple(sorted({path for path in paths if path})))
    if ended.code == _USAGE:
        raise RepositoryError("this Git cannot merge on its own", hint="install Git 2.38 or later")
    if ended.code != 0:
        raise local_trouble("merge-tree", ended, git.checkout.root)
    message = f"Merge {head[:10]} into {base[:10]}\n".encode()
    parents = ("-p", base, "-p", head)
    commit = git.run("commit-tree", tree, *parents, stdin=message, variables=_NOBODY)
    return Merged(commit=commit.decode().strip())
