"""What the end of a task means for what is due next. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.agent.configuration.model import DriftChecks, Retry
from orchestrator.agent.decisions.agenda import LOOKS, NEVER, REVISIONS, Item, Task
from orchestrator.agent.decisions.backoff import pause_after, spread
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.stack.model import Drift

_FULL = frozenset({Task.RECONCILE, Task.INFRASTRUCTURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are done: after a failure, and to look for drift."""

    retry: Retry
    drift: DriftChecks


def ended(item: Item, verdict: Verdict, now: float, *, pace: Pace, lot: float) -> Item:
    """Return an item whose task ended so; ``lot`` is a number in [0, 1), by chance.

    A revision that came meanwhile stays due at once, whatever became of the one before; so does one that declares the
    stack no more. One that was overtaken waits for the newer one to be read, which may never come: it is tried later
    and later, too.
    """
    overtaken = item.overtaken + 1 if verdict.end is End.OVERTAKEN else 0
    task, stirred = item.running, item.stirred
    item = replace(item, running=None, stirred=False, look=NEVER, overtaken=overtaken)
    if REVISIONS & item.due.keys() or task in {None, Task.SURVEY}:
        return item
    again = _again(item, task, pace.drift)
    if verdict.well:
        drift = pace.drift
        due = _checks(item.due, now, drift, lot, full=task in _FULL)
        look = _next(drift.workloads, now, drift, lot)
        return replace(item, failures=0, waits=False, settled=item.attempted, due=due, look=look)
    if verdict.end in {End.HELD, End.SUSPENDED}:
        # What it waits for may have come after it looked for that.
        later = 0.0 if stirred else _later(verdict, pace.retry, lot)
        return replace(item, failures=0, waits=True, due={again: now + later})
    failures = item.failures + (verdict.end is End.FAILED)
    pause = _pause(max(failures, overtaken, 1), pace.retry, lot)
    return replace(item, failures=failures, waits=False, due={again: now + pause})


def _again(item: Item, task: Task, drift: DriftChecks) -> Task:
    """Return as what a task is tried again: a look that may change nothing stays one."""
    looks = task in LOOKS and drift.policy is not Drift.HEAL and item.settled == item.attempted
    return task if looks or task is Task.DESTROY else Task.RECONCILE


def over(item: Item, verdict: Verdict) -> bool:
    """Whether a stack whose task ended so is gone, or nothing can follow, and nobody declared it anew meanwhile."""
    gone = item.running is Task.DESTROY and verdict.end in {End.DESTROYED, End.UNCHANGED}
    return (gone or item.leaving) and Task.RECONCILE not in item.due


def surveyed_badly(item: Item, now: float, *, retry: Retry, lot: float) -> Item:
    """Return the item of a repository that could not be looked at: it is tried again, later and later."""
    failures = item.failures + 1
    due = {Task.SURVEY: now + _pause(failures, retry, lot)}
    return replace(item, running=None, failures=failures, due={**due, **item.due})


def _pause(failures: int, retry: Retry, lot: float) -> float:
    return pause_after(failures, first=retry.first, most=retry.most, lot=lot)


def _later(verdict: Verdict, retry: Retry, lot: float) -> float:
    """Return when to look again: when what is shut opens, or some time later."""
    later = spread(retry.most, lot)
    return later if verdict.again is None else min(max(verdict.again, 1.0), later)


def _checks(
    due: Mapping[Task, float], now: float, drift: DriftChecks, lot: float, *, full: bool
) -> Mapping[Task, float]:
    """Return when to have Terraform look for drift: after a full look anew, else when it was due."""
    kept = due.get(Task.INFRASTRUCTURE, NEVER)
    at = _next(drift.infrastructure, now, drift, lot) if full or kept == NEVER else kept
    return {Task.INFRASTRUCTURE: at} if at < NEVER and drift.policy is not Drift.IGNORE else {}


def _next(interval: float | None, now: float, drift: DriftChecks, lot: float) -> float:
    if interval is None or drift.policy is Drift.IGNORE:
        return NEVER
    return now + spread(interval, lot)
