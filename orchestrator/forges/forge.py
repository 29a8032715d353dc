"""What is asked of a forge, whichever it is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """How a status of a commit stands."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"

    @classmethod
    def called(cls, word: str) -> "State":
        """Return what a forge means by a word: whatever is neither good nor bad is not done with."""
        good, bad = {"success"}, {"failure", "failed", "error"}
        return cls.SUCCESS if word in good else cls.FAILURE if word in bad else cls.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status of a commit: its ``name`` tells it apart from others; ``address`` is where more is said, or empty."""

    name: str
    state: State
    description: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment on a request; ``address`` is where people read it."""

    id: int
    text: str
    address: str = ""


@dataclass(slots=True)
class Account:
    """Whose comments are ours, by name or number: asked once, however many requests of a forge are looked at."""

    known: str = ""

    def asked(self, ask: Callable[[], str]) -> str:
        """Return it; ``ask`` is called as long as it is not known."""
        self.known = self.known or ask()
        return self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """A request to merge: into the branch ``base``, the commit ``head``, which ``head_ref`` stands at.

    ``default_branch`` is that of the repository, empty where the forge does not say. ``from_fork`` says that who
    proposes it need not be trusted with anything; ``is_open`` is False when it is merged or closed. ``merged_as`` is
    the commit by which it came into the base, empty for one that is not merged.
    """

    number: int
    base: str
    head: str
    head_ref: str
    from_fork: bool
    is_open: bool
    merged_as: str = ""
    default_branch: str = ""

    @property
    def other_base(self) -> str:
        """Return the base where that is not known to be the default branch, else an empty text."""
        return self.apart(self.base)

    def apart(self, base: str) -> str:
        """Return a branch that is not known to be the default one, else an empty text."""
        return "" if base == self.default_branch else base


def latest(listed: Iterable[tuple[int, Status]]) -> tuple[Status, ...]:
    """Return the last status of each name, of those that were ever set, each with its number."""
    return tuple({each.name: each for _, each in sorted(listed, key=lambda one: one[0])}.values())


class Forge(Protocol):
    """One request on a forge. All of it raises ForgeError; what did not arrive was tried again before."""

    @property
    def limit(self) -> int:
        """Return how many characters a comment may have."""

    @property
    def longest_description(self) -> int:
        """Return how many characters a status may say."""

    def request(self) -> ChangeRequest:
        """Return the request as it is now."""

    def open_requests(self) -> Sequence[int]:
        """Return the numbers of all open requests of the repository, sorted."""

    def requests_of(self, commit: str) -> Sequence[int]:
        """Return the numbers of the requests that a commit came by, sorted; none for a commit that came by none."""

    def comments(self) -> Sequence[Comment]:
        """Return all comments on it that this account wrote, the oldest first."""

    def write(self, text: str) -> Comment:
        """Write a comment; raises ForgeUnanswered when nobody can tell whether it is there."""

    def edit(self, comment: Comment, text: str) -> bool:
        """Change a comment; return False when somebody deleted it meanwhile."""

    def delete(self, comment: Comment) -> None:
        """Delete a comment, which may be gone already."""

    def statuses(self, commit: str) -> Sequence[Status]:
        """Return the statuses of a commit as they stand, the last of each name; those of others are among them."""

    def set_status(self, commit: str, status: Status) -> None:
        """Set one status of a commit."""
