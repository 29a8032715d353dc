"""The values of every metric, from what was counted and what the loop is at. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Item, Key, Task
from orchestrator.agent.metrics import catalogue
from orchestrator.agent.metrics.catalogue import Metric
from orchestrator.agent.metrics.figures import (
    Durations,
    Figures,
    RepositoryFigures,
    StackFigures,
    as_wanted,
)
from orchestrator.agent.verdicts import End, Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What the loop is at, at one moment: ``at`` is a reading of its own clock, ``now`` the Unix time.

    ``changed`` says that its file was. ``deliveries`` counts what was told outside, by where to and by what came of it.
    """

    name: str
    version: str
    workers: int
    agenda: Agenda
    at: float
    beat: float
    now: float
    changed: bool = False
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a metric, with the values of its labels."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Durations


_Value: TypeAlias = tuple[Metric, tuple[str, ...], float]


def samples(figures: Figures, glance: Glance) -> tuple[Sample, ...]:
    """Return all values, sorted as the catalogue has the metrics, and by labels."""
    found = [
        *(
            Sample(metric=each, labels=labels, value=value)
            for each, labels, value in _agent(glance)
        ),
        *_durations(figures),
        *_repositories(figures),
        *_stacks(figures, glance),
    ]
    order = {metric.name: at for at, metric in enumerate(catalogue.CATALOGUE)}
    return tuple(sorted(found, key=lambda each: (order[each.metric.name], each.labels)))


def _agent(glance: Glance) -> Iterator[_Value]:
    items = glance.agenda.values()
    running = Counter(item.running for item in items if item.running)
    due = sum(not item.running and item.next <= glance.at for item in items)
    yield catalogue.INFO, (glance.name, glance.version), 1
    yield catalogue.LOOP_AGE, (), max(glance.at - glance.beat, 0.0)
    yield catalogue.WORKERS, (), glance.workers
    yield catalogue.FILE_CHANGED, (), glance.changed
    yield catalogue.DUE, (), due
    for task in Task:
        yield catalogue.RUNNING, (task.value,), running[task]
    for (channel, result), count in glance.deliveries.items():
        yield catalogue.DELIVERIES, (channel, result), count


def _durations(figures: Figures) -> Iterator[Sample]:
    for task, durations in figures.durations.items():
        yield Sample(metric=catalogue.DURATION, labels=(task.value,), value=durations)


def _repositories(figures: Figures) -> Iterator[Sample]:
    for name, each in figures.repositories.items():
        for metric, labels, value in _repository(each):
            yield Sample(metric=metric, labels=(name, *labels), value=value)


def _repository(each: RepositoryFigures) -> Iterator[_Value]:
    yield catalogue.REACHABLE, (), each.reachable
    yield catalogue.READABLE, (), each.readable
    yield catalogue.POLLS, ("answered",), each.answers
    yield catalogue.POLLS, ("failed",), each.failures
    yield catalogue.STACKS, (), each.stacks
    yield catalogue.UNREADABLE, (), len(each.unreadable)
    yield catalogue.MISNAMED, (), each.misnamed
    if each.answered_at:
        yield catalogue.ANSWERED, (), each.answered_at
        yield catalogue.BRANCH, (each.revision,), 1


def _stacks(figures: Figures, glance: Glance) -> Iterator[Sample]:
    for key, each in figures.stacks.items():
        where = _where(key)
        for metric, labels, value in (*_revisions(each), *_stack(each, glance.now), *_last(each)):
            yield Sample(metric=metric, labels=(*where, *labels), value=value)
        if each.looked_at and not _rests(glance.agenda.get(key)):
            yield Sample(metric=catalogue.LOOKED_AT, labels=where, value=each.looked_at)


def _rests(item: Item | None) -> bool:
    """Whether nobody is to look at a stack until its repository moves."""
    return item is not None and not item.running and min(item.next, item.look) == NEVER


def _where(key: Key) -> tuple[str, str, str]:
    return (key.repository, key.stack, key.environment)


def _revisions(each: StackFigures) -> Iterator[_Value]:
    if each.attempted:
        yield catalogue.ATTEMPTED, (each.attempted,), 1
    if each.applied:
        yield catalogue.APPLIED, (each.applied,), 1
    if each.succeeded_at:
        yield catalogue.SUCCEEDED_AT, (), each.succeeded_at


def _stack(each: StackFigures, now: float) -> Iterator[_Value]:
    since = each.locked_since
    if each.attempted_at:
        yield catalogue.ATTEMPTED_AT, (), each.attempted_at
        yield catalogue.LAST_DURATION, (), each.seconds
    yield catalogue.AS_WANTED, (), as_wanted(each)
    yield catalogue.FAILURES, (), each.failures
    yield catalogue.DRIFT, (), each.drift
    yield catalogue.HEALED, (), each.healed
    yield catalogue.LOCK_AGE, (), 0.0 if since is None else max(now - since, 0.0)
    for (task, end), count in each.tasks.items():
        yield catalogue.TASKS, (task.value, end.value), count


def _last(each: StackFigures) -> Iterator[_Value]:
    """Yield what the last verdict says, with a 0 for all that it does not, so that nothing stands for long."""
    end = each.last.end if each.last else None
    waits = each.last.waits if each.last else None
    for other in End:
        yield catalogue.RESULT, (other.value,), end is other
    for reason in Waits:
        yield catalogue.WAITS, (reason.value,), waits is reason
    yield catalogue.PENDING_APPROVALS, (), waits is Waits.APPROVAL
    yield catalogue.SUSPENDED, (), end is End.SUSPENDED
