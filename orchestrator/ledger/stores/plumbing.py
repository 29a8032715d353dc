"""What the Git store needs of Git: objects, refs and remotes, without a checkout."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Moves = Mapping[str, tuple[str, str]]

ALL = 2**31 - 1
"""The depth of a fetch that Git takes for the whole history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A commit that is still to be written; ``parents`` are those beside the one before it."""

    files: Mapping[str, bytes]
    parents: Sequence[str]
    message: str
    author: str
    at: datetime


class Plumbing(Protocol):
    """What the store needs of Git; an empty id stands for a ref that does not exist."""

    def read(self, names: Sequence[str]) -> tuple[tuple[str, bytes] | None, ...]:
        """Return id and content of each named object, None where there is none."""

    def identify(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the id of each named object, empty where there is none."""

    def commit(
        self,
        files: Mapping[str, bytes],
        *,
        parents: Sequence[str],
        message: str,
        author: str,
        at: datetime,
    ) -> str:
        """Write a commit of these files and return its id."""

    def move(self, moves: Moves) -> bool:
        """Move local refs from one id to another, all or none; return whether each stood where it had to.

        Raises RepositoryError when they cannot be moved, wherever they stand.
        """

    def rehearse(self, moves: Moves) -> bool:
        """Do all that moving local refs takes, but for moving them; return and raise what ``move`` would.

        A move from an id to itself only looks whether the ref stands there.
        """

    def descends(self, commit: str, *, ancestor: str) -> bool | None:
        """Return whether ``ancestor`` is the commit or in its history; None where a shallow clone cannot tell."""

    def log(self, name: str, *, limit: int) -> tuple[str, ...]:
        """Return the ids of a commit and of its first parents, newest first."""

    def list_refs(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Return where these refs stand here; one that ends in ``/*`` stands for all below it."""

    def remotes(self) -> Collection[str]:
        """Return the names of the remotes that the repository knows."""

    def list_remote(self, remote: str, refs: Sequence[str]) -> Mapping[str, str]:
        """Return where these refs stand on a remote; one that ends in ``/*`` stands for all below it."""

    @property
    def shallow(self) -> bool:
        """Whether the repository has not the whole history."""

    def chain(self, drafts: Sequence[Draft], *, parent: str) -> str:
        """Write commits, each with the one before as its first parent, and return the id of the last."""

    def fetch(self, remote: str, refs: Sequence[str], *, depth: int) -> bool:
        """Fetch the objects behind these refs; False when one is gone."""

    def push(self, remote: str, moves: Moves) -> bool:
        """Move refs of a remote, all or none; return whether each stood where it had to."""


def brought(plumbing: Plumbing, remote: str | None, refs: Mapping[str, str]) -> bool:
    """Have what these refs stood at here, of a remote if there is one.

    False where one is gone, or has moved since it was looked up, so that what comes is something else.
    """
    missing = _missing(plumbing, refs)
    if remote is None or not missing:
        return not missing
    return plumbing.fetch(remote, missing, depth=1) and not _missing(plumbing, refs)


def _missing(plumbing: Plumbing, refs: Mapping[str, str]) -> list[str]:
    here = plumbing.read(tuple(refs.values()))
    return [ref for ref, each in zip(refs, here, strict=True) if each is None]
