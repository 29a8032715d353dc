"""What happened to the agent and to its stacks, told as it happens: logs, metrics and notifications read these.

All texts are redacted. Whoever listens is called by the loop, one event after the other, and must not wait.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.surveys import Undeclared
from orchestrator.agent.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The agent begins: it knows its repositories, and has asked none of them yet."""

    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A repository was asked where its branch stands; ``error`` is why that failed, empty when it answered.

    ``reached`` says that it answered, be it that there is no such branch. ``locks`` are the stacks whose locks
    somebody holds there, as ``stack/environment``.
    """

    repository: str
    reached: bool = False
    revision: str = ""
    locks: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A revision was fetched and read; it declares these stacks.

    ``signer`` is who signed it, if that counts; ``error`` is why it could not be read, or empty. ``undeclared`` is
    what the agent's file names, and is not there.
    """

    repository: str
    revision: str
    subject: str = ""
    signer: str = ""
    stacks: tuple[Key, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The file of a stack cannot be read at a revision; what runs of it is left alone."""

    key: Key
    revision: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Git declares a stack, or one of its environments, no longer; ``destroyed`` says that it is taken away.

    Where that was to be and cannot be, ``why`` says so. ``hint`` is what to do, where that is known.
    """

    key: Key
    revision: str
    destroyed: bool
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A task begins."""

    key: Key
    task: Task
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A task of a stack ended, and how; ``failures`` counts those in a row.

    ``due`` is in how many seconds something follows. ``before`` is how the last one ended, None for the first.
    ``leaving`` says that Git declares the stack no more, and that it is left as it is: nothing follows.
    """

    key: Key
    task: Task
    verdict: Verdict
    seconds: float
    failures: int
    due: float
    before: Verdict | None = None
    leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patrolled:
    """The workloads of these stacks were looked at, along with one another, and are as they should be."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanged:
    """The agent's file is another one than it read when it began, or, without ``changed``, the same again."""

    file: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """Somebody asked the agent to stop; so many tasks are still at work."""

    running: int


Event: TypeAlias = (
    Began
    | Looked
    | Surveyed
    | Unreadable
    | Gone
    | Started
    | Ended
    | Patrolled
    | FileChanged
    | Stopping
)
Listener: TypeAlias = Callable[[Event], None]


def as_before(key: Key, verdict: Verdict) -> Ended:
    """Return a verdict that is known from before the process began as the event that it was then."""
    return Ended(
        key=key, task=Task.RECONCILE, verdict=verdict, seconds=0.0, failures=0, due=math.inf
    )
