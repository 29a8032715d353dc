"""What is due when, and what comes first: what the loop knows of every stack, as frozen data. Pure.

A moment is a reading of a monotonic clock in seconds; ``NEVER`` is later than all of them.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

NEVER: Final = math.inf

_PATIENCE: Final = 600.0
"""How long what is due waits, in seconds, until it counts as much as a new revision."""


class Task(StrEnum):
    """What there is to do: with a repository as a whole (survey, patrol), or with one stack in one environment.

    A patrol is never due: it looks at stacks whose time to be looked at has come.
    """

    SURVEY = "survey"
    RECONCILE = "reconcile"
    DESTROY = "destroy"
    WORKLOADS = "workloads"
    INFRASTRUCTURE = "infrastructure"
    PATROL = "patrol"


REVISIONS: Final = frozenset({Task.RECONCILE, Task.DESTROY})
"""What a new revision asks for: while it is due, what is at work is of one that nobody wants any more."""

LOOKS: Final = frozenset({Task.WORKLOADS, Task.INFRASTRUCTURE})
"""Looking whether a stack still is as it was brought about."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Which stack, in which environment, of which repository; stack and environment are empty for a repository."""

    repository: str
    stack: str = ""
    environment: str = ""

    def __str__(self) -> str:
        """Return ``repository``, or ``repository: stack/environment``."""
        return (
            f"{self.repository}: {self.stack}/{self.environment}" if self.stack else self.repository
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is known of one of them.

    ``revision`` is the one that is wanted, ``content`` identifies what the stack is made of there, empty where
    nobody can tell. ``settled`` is the content that was brought about last, ``attempted`` the one that was tried last.
    Of a repository they are whose signed commits are taken, and whose were when one was taken last.
    ``due`` says when there is what to do, ``urgent`` that a new revision waits. ``failures`` counts those in a row, and
    ``overtaken`` how often somebody else had applied what is newer; ``waits`` says that only a person, or time, can
    change what it waits for. ``running`` is what is being done, since ``started``; ``stirred`` that its ledger moved
    meanwhile, ``leaving`` that Git does not declare it any more: it is forgotten once that ended. ``look`` is when to
    look at its workloads, along with those of others. ``declared`` is the revision that declared last what is to be
    taken away.
    """

    key: Key
    revision: str = ""
    content: str = ""
    attempted: str = ""
    settled: str = ""
    due: Mapping[Task, float] = field(default_factory=dict)
    urgent: bool = False
    failures: int = 0
    overtaken: int = 0
    waits: bool = False
    running: Task | None = None
    started: float = -NEVER
    stirred: bool = False
    leaving: bool = False
    look: float = NEVER
    declared: str = ""

    @property
    def next(self) -> float:
        """Return when something is due."""
        return min(self.due.values(), default=NEVER)

    @property
    def goes(self) -> bool:
        """Whether Git declares it no more: it is to be taken away, or is being, or leaves as it is."""
        destroyed = Task.DESTROY in self.due or self.running is Task.DESTROY
        return (destroyed or self.leaving) and Task.RECONCILE not in self.due


Agenda = Mapping[Key, Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to begin with now."""

    key: Key
    task: Task


def chosen(agenda: Agenda, now: float, *, workers: int) -> Iterator[Start]:
    """Yield what to begin with now, as long as there are workers for it.

    A new revision goes ahead, and with it what has waited for long. Among equals a worker goes to the repository that
    has the fewest, then to the stack whose turn is longest ago: who always has something to do delays nobody else.
    When all workers are busy, which may be with waiting, there are as many again for new revisions alone. Nothing of a
    repository is begun while a revision of it is still to be looked at. Of what waited through such a look, as much
    goes ahead of the next one as there are workers for, since new revisions may come faster than they are looked at.
    """
    busy = Counter(item.key.repository for item in agenda.values() if item.running)
    waiting = {item.key: item for item in agenda.values() if _may_begin(item, agenda, now)}
    while waiting and busy.total() < 2 * workers:
        held = _held(waiting) if busy.total() < workers else frozenset()
        free = (item for key, item in waiting.items() if key not in held)
        first = min(free, key=lambda item: _rank(item, now, busy))
        if busy.total() >= workers and not first.urgent:
            waiting = {key: item for key, item in waiting.items() if item.urgent}
            continue
        del waiting[first.key]
        if not first.key.stack:
            waiting = {key: item for key, item in waiting.items() if not _part(key, first.key)}
        busy[first.key.repository] += 1
        yield Start(key=first.key, task=first_task(first, now))


def _may_begin(item: Item, agenda: Agenda, now: float) -> bool:
    if item.running is not None or item.next > now:
        return False
    whole = agenda.get(Key(repository=item.key.repository))
    if whole is None or item is whole:
        return True
    return whole.running is None and (whole.next > now or waited(item.next, whole))


def waited(due: float, whole: Item) -> bool:
    """Whether what is due since then waited through a look at its repository already, or does so now."""
    return due <= whole.started


def _held(waiting: Mapping[Key, Item]) -> frozenset[Key]:
    """Return the repositories some of whose stacks go ahead of them."""
    return frozenset(Key(repository=key.repository) for key in waiting if key.stack)


def _part(key: Key, whole: Key) -> bool:
    return key.repository == whole.repository


def _rank(item: Item, now: float, busy: Counter[str]) -> tuple[bool, int, float, float, Key]:
    urgent = item.urgent or now - item.next > _PATIENCE
    return (not urgent, busy[item.key.repository], item.started, item.next, item.key)


def believed(agenda: Agenda) -> Agenda:
    """Return an agenda without what is at revisions for which nobody vouches any more, but for what is at work.

    That is from when a list of signers changes until a commit was taken that somebody of the new one signed.
    """
    doubted = {
        key.repository
        for key, item in agenda.items()
        if not key.stack and item.content != item.settled
    }
    if not doubted:
        return agenda
    return {
        key: item
        for key, item in agenda.items()
        if item.running or not (key.stack and key.repository in doubted)
    }


def first_task(item: Item, now: float) -> Task:
    """Return which of the tasks that are due comes first: they stand in their order."""
    return next(task for task in Task if item.due.get(task, NEVER) <= now)


def begun(item: Item, task: Task, now: float) -> Item:
    """Return an item whose task begins."""
    due = {other: at for other, at in item.due.items() if other is not task}
    return replace(item, running=task, started=now, due=due, urgent=False, attempted=item.content)


def next_moment(agenda: Agenda) -> float:
    """Return when the next thing is due of those that are not being worked on."""
    free = (item for item in agenda.values() if not item.running)
    return min((min(item.next, item.look) for item in free), default=NEVER)


def stacks_of(agenda: Agenda, repository: str) -> tuple[Key, ...]:
    """Return the stacks that a repository declares, sorted."""
    own = (key for key in agenda if key.repository == repository and key.stack)
    return tuple(sorted(key for key in own if not agenda[key].goes))


def idle(agenda: Agenda, now: float) -> bool:
    """Whether nothing is being done and nothing is due."""
    return next_moment(agenda) > now and not any(item.running for item in agenda.values())
