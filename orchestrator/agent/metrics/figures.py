"""What the agent's events come to, counted: frozen data that each event replaces. Pure; times are in Unix seconds."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from orchestrator.agent import events
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.metrics.catalogue import BUCKETS
from orchestrator.agent.verdicts import End, Verdict

K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long tasks of a kind took: how many by each upper bound of ``BUCKETS`` and beyond, and all in all."""

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    total: float = 0.0

    def with_one(self, seconds: float) -> "Durations":
        """Return them with one more."""
        place = next((at for at, most in enumerate(BUCKETS) if seconds <= most), len(BUCKETS))
        counts = tuple(count + (at == place) for at, count in enumerate(self.counts))
        return Durations(counts=counts, total=self.total + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFigures:
    """What is known of a stack in one environment.

    ``attempted_at`` and ``succeeded_at`` are 0 when that was not since the process began; ``looked_at`` is when it was
    worked on or looked at, and first when it became known. ``lock_seen`` is since when
    its lock is seen at the remote, ``lock_met`` since when tasks of ours find it held; None while it is free.
    """

    attempted: str = ""
    applied: str = ""
    last: Verdict | None = None
    seconds: float = 0.0
    attempted_at: float = 0.0
    looked_at: float = 0.0
    succeeded_at: float = 0.0
    failures: int = 0
    drift: int = 0
    healed: int = 0
    lock_seen: float | None = None
    lock_met: float | None = None
    tasks: Mapping[tuple[Task, End], int] = field(default_factory=dict)

    @property
    def locked_since(self) -> float | None:
        """Return since when its lock is known to be held, None while it is free."""
        return min((at for at in (self.lock_seen, self.lock_met) if at is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFigures:
    """What is known of a repository; ``unreadable`` has the stacks whose files cannot be read, and where that was.

    ``misnamed`` says that the agent's file names what is not declared.
    """

    reachable: bool = False
    readable: bool = False
    answered_at: float = 0.0
    answers: int = 0
    failures: int = 0
    revision: str = ""
    stacks: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    misnamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that was counted."""

    stacks: Mapping[Key, StackFigures] = field(default_factory=dict)
    repositories: Mapping[str, RepositoryFigures] = field(default_factory=dict)
    durations: Mapping[Task, Durations] = field(default_factory=dict)


def counted(figures: Figures, event: events.Event, now: float) -> Figures:
    """Return the figures after an event."""
    match event:
        case events.Began():
            known = {name: RepositoryFigures() for name in event.repositories}
            return replace(figures, repositories=known)
        case events.Looked():
            return _looked(figures, event, now)
        case events.Surveyed():
            return _surveyed(figures, event, now)
        case events.Unreadable():
            return _unreadable(figures, event)
        case events.Gone():
            return figures if event.destroyed else _without(figures, event.key)
        case events.Started() | events.Ended() | events.Patrolled():
            return _attended(figures, event, now)
        case events.FileChanged() | events.Stopping():
            return figures
        case _:
            assert_never(event)


def recalled(figures: Figures, verdicts: Mapping[Key, Verdict], now: float) -> Figures:
    """Return the figures with what is known from before the process began: what did not move is not read anew."""
    stacks = {
        key: StackFigures(
            attempted=verdict.revision,
            applied=verdict.revision if verdict.well else "",
            last=verdict,
            drift=_drift(StackFigures(), verdict),
            looked_at=now,
        )
        for key, verdict in verdicts.items()
        if key.stack
    }
    counts = Counter(key.repository for key in stacks)
    repositories = {
        name: _recalled(each, verdicts.get(Key(repository=name)), stacks=counts[name])
        for name, each in figures.repositories.items()
    }
    return replace(figures, stacks={**stacks, **figures.stacks}, repositories=repositories)


def _recalled(
    repository: RepositoryFigures, verdict: Verdict | None, *, stacks: int
) -> RepositoryFigures:
    if verdict is None:
        return repository
    readable, misnamed = verdict.end is not End.FAILED, verdict.end is End.HELD
    return replace(repository, readable=readable, misnamed=misnamed, stacks=stacks)


def owned(figures: Figures, ours: Callable[[Key], bool]) -> Figures:
    """Return the figures without stacks that are another replica's by now."""
    if all(map(ours, figures.stacks)):
        return figures
    stacks = {key: each for key, each in figures.stacks.items() if ours(key)}
    return replace(figures, stacks=stacks)


def _looked(figures: Figures, event: events.Looked, now: float) -> Figures:
    before = figures.repositories.get(event.repository, RepositoryFigures())
    if event.error:
        failed = replace(before, reachable=False, failures=before.failures + 1)
        return _with_repository(figures, event.repository, failed)
    answered = replace(
        before,
        reachable=True,
        answered_at=now,
        answers=before.answers + 1,
        revision=event.revision,
    )
    stacks = {
        key: _locked(each, now, held=f"{key.stack}/{key.environment}" in event.locks)
        if key.repository == event.repository
        else each
        for key, each in figures.stacks.items()
    }
    return _with_repository(replace(figures, stacks=stacks), event.repository, answered)


def _locked(stack: StackFigures, now: float, *, held: bool) -> StackFigures:
    since = now if stack.lock_seen is None else stack.lock_seen
    return replace(stack, lock_seen=since if held else None)


def _surveyed(figures: Figures, event: events.Surveyed, now: float) -> Figures:
    new = {key: StackFigures(looked_at=now) for key in event.stacks if key not in figures.stacks}
    figures = replace(figures, stacks={**figures.stacks, **new})
    before = figures.repositories.get(event.repository, RepositoryFigures())
    if event.error:
        return _with_repository(figures, event.repository, replace(before, readable=False))
    unreadable = {name: at for name, at in before.unreadable.items() if at == event.revision}
    after = replace(
        before,
        readable=True,
        stacks=len(event.stacks),
        unreadable=unreadable,
        misnamed=bool(event.undeclared),
    )
    return _with_repository(figures, event.repository, after)


def _unreadable(figures: Figures, event: events.Unreadable) -> Figures:
    name = event.key.repository
    before = figures.repositories.get(name, RepositoryFigures())
    unreadable = {**before.unreadable, event.key.stack: event.revision}
    return _with_repository(figures, name, replace(before, unreadable=unreadable))


def _attended(
    figures: Figures, event: events.Started | events.Ended | events.Patrolled, now: float
) -> Figures:
    match event:
        case events.Started():
            return _begun(figures, event.key, now)
        case events.Ended():
            return _ended(figures, event, now)
        case events.Patrolled():
            return _patrolled(figures, event, now)
        case _:
            assert_never(event)


def _begun(figures: Figures, key: Key, now: float) -> Figures:
    """Take in a stack that came from another replica, so that it is seen while it is worked on for the first time."""
    if not key.stack or key in figures.stacks:
        return figures
    return replace(figures, stacks={**figures.stacks, key: StackFigures(looked_at=now)})


def _patrolled(figures: Figures, event: events.Patrolled, now: float) -> Figures:
    """Take in that stacks are as they should be; of one that did not come so far that says no success."""
    seen = {
        key: replace(
            known, looked_at=now, succeeded_at=now if as_wanted(known) else known.succeeded_at
        )
        for key in event.keys
        if (known := figures.stacks.get(key)) is not None
    }
    return replace(figures, stacks={**figures.stacks, **seen})


def _ended(figures: Figures, event: events.Ended, now: float) -> Figures:
    took = figures.durations.get(event.task, Durations()).with_one(event.seconds)
    figures = replace(figures, durations={**figures.durations, event.task: took})
    taken = event.task is Task.DESTROY and event.verdict.end in {End.DESTROYED, End.UNCHANGED}
    if taken or event.leaving:
        return _without(figures, event.key)
    after = _after(figures.stacks.get(event.key, StackFigures()), event, now)
    return replace(figures, stacks={**figures.stacks, event.key: after})


def _after(stack: StackFigures, event: events.Ended, now: float) -> StackFigures:
    verdict = event.verdict
    met = now if stack.lock_met is None else stack.lock_met
    brought_back = verdict.drift if verdict.end is End.APPLIED else 0
    return replace(
        stack,
        attempted=verdict.revision or stack.attempted,
        applied=verdict.revision if verdict.well else stack.applied,
        last=verdict,
        seconds=event.seconds,
        attempted_at=now,
        looked_at=now,
        succeeded_at=now if verdict.end in _AS_WANTED else stack.succeeded_at,
        failures=event.failures,
        drift=_drift(stack, verdict),
        healed=stack.healed + brought_back,
        lock_met=met if verdict.end is End.LOCKED else None,
        tasks=_one_more(stack.tasks, (event.task, verdict.end)),
    )


_AS_WANTED = frozenset({End.APPLIED, End.UNCHANGED})


def as_wanted(stack: StackFigures) -> bool:
    """Whether a stack was as Git wants it when it was looked at last."""
    return stack.last is not None and stack.last.end in _AS_WANTED


def _drift(stack: StackFigures, verdict: Verdict) -> int:
    """Return what drifted and is not brought back; a task that did not come so far says nothing of it."""
    if verdict.end is End.DRIFTED:
        return verdict.drift
    return 0 if verdict.end in _AS_WANTED else stack.drift


def _with_repository(figures: Figures, name: str, after: RepositoryFigures) -> Figures:
    return replace(figures, repositories={**figures.repositories, name: after})


def _without(figures: Figures, gone: Key) -> Figures:
    return replace(
        figures, stacks={key: each for key, each in figures.stacks.items() if key != gone}
    )


def _one_more(counts: Mapping[K, int], what: K) -> Mapping[K, int]:
    return {**counts, what: counts.get(what, 0) + 1}
