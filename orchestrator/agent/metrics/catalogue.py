"""Every metric of the agent by its name: what it says, its unit and its labels. The one list that docs and tests read.

Labels hold names that the agent's file or Git gave, words of ours, and of revisions the last one alone: never a text.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What may be asked of a metric: its value, how it grew, or how values spread."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; the unit stands at the end of its name, and one that counts ends with ``_total``."""

    name: str
    kind: Kind
    said: str
    labels: tuple[str, ...] = ()


_AGENT: Final = "orchestrator_agent_"
_REPOSITORY: Final = "orchestrator_repository_"
_STACK: Final = "orchestrator_stack_"
_STACKS: Final = ("repository", "stack", "environment")


def _agent(name: str, said: str, *labels: str, kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(name=f"{_AGENT}{name}", kind=kind, said=said, labels=labels)


def _repository(name: str, said: str, *labels: str, kind: Kind = Kind.GAUGE) -> Metric:
    labels = ("repository", *labels)
    return Metric(name=f"{_REPOSITORY}{name}", kind=kind, said=said, labels=labels)


def _stack(name: str, said: str, *labels: str, kind: Kind = Kind.GAUGE) -> Metric:
    return Metric(name=f"{_STACK}{name}", kind=kind, said=said, labels=(*_STACKS, *labels))


INFO: Final = _agent("info", "Always 1; the agent's name and version.", "name", "version")
FILE_CHANGED: Final = _agent(
    "file_changed",
    "1 when its file is not what it read when it began, and goes by until it is started anew; else 0.",
)
LOOP_AGE: Final = _agent("loop_age_seconds", "How long ago the loop went round last.")
WORKERS: Final = _agent("workers", "How many stacks it may work on at the same time.")
RUNNING: Final = _agent("running_tasks", "Tasks that are being done.", "task")
DUE: Final = _agent(
    "due_tasks", "Stacks and repositories that wait for somebody to do what is due."
)
DURATION: Final = _agent(
    "task_duration_seconds", "How long tasks took.", "task", kind=Kind.HISTOGRAM
)
DELIVERIES: Final = _agent(
    "deliveries_total",
    "What was told outside, by where to and by what came of it: sent, failed, or dropped.",
    "channel",
    "result",
    kind=Kind.COUNTER,
)

REACHABLE: Final = _repository(
    "reachable", "1 when it answered when it was asked last and has the branch, else 0."
)
READABLE: Final = _repository(
    "readable", "1 when the last revision could be fetched and read, else 0."
)
ANSWERED: Final = _repository(
    "last_answer_timestamp_seconds", "When it answered last, in Unix time."
)
POLLS: Final = _repository(
    "polls_total",
    "How often it was asked, by result: answered or failed.",
    "result",
    kind=Kind.COUNTER,
)
BRANCH: Final = _repository(
    "revision_info", "Always 1; the revision that its branch was at last.", "revision"
)
STACKS: Final = _repository("stacks", "Stacks that it declares, one for each environment.")
UNREADABLE: Final = _repository("unreadable_stacks", "Stack files of it that cannot be read.")
MISNAMED: Final = _repository(
    "misnamed",
    "1 when the agent's file names a stack or an environment of it that its last revision does not declare, else 0.",
)

ATTEMPTED: Final = _stack(
    "attempted_revision_info", "Always 1; the revision that was worked on last.", "revision"
)
APPLIED: Final = _stack(
    "applied_revision_info", "Always 1; the revision that is in effect, as last seen.", "revision"
)
ATTEMPTED_AT: Final = _stack(
    "last_attempt_timestamp_seconds", "When the last task of it ended, in Unix time."
)
LOOKED_AT: Final = _stack(
    "last_look_timestamp_seconds",
    "When it was last worked on, or its workloads were looked at, in Unix time; not before the process began, and none"
    " while nobody is to look.",
)
SUCCEEDED_AT: Final = _stack(
    "last_success_timestamp_seconds", "When it was last as Git wants it, in Unix time."
)
RESULT: Final = _stack(
    "last_result", "1 for how its last task ended, and 0 for each other way.", "result"
)
LAST_DURATION: Final = _stack("last_duration_seconds", "How long its last task took.")
TASKS: Final = _stack(
    "tasks_total",
    "Tasks that ended, by what they did and how.",
    "task",
    "result",
    kind=Kind.COUNTER,
)
AS_WANTED: Final = _stack("as_wanted", "1 when it is as Git wants it, as last seen, else 0.")
FAILURES: Final = _stack("consecutive_failures", "Failures in a row.")
DRIFT: Final = _stack("drift", "What others changed and nobody brought back, in things.")
HEALED: Final = _stack(
    "drift_healed_total", "What others changed and was brought back, in things.", kind=Kind.COUNTER
)
PENDING_APPROVALS: Final = _stack("pending_approvals", "Plans that wait for an approval.")
WAITS: Final = _stack(
    "waits",
    "1 for what its plan waits for: approval, window, person or commit; 0 for each other.",
    "reason",
)
SUSPENDED: Final = _stack("suspended", "1 while it is suspended for agents, else 0.")
LOCK_AGE: Final = _stack(
    "lock_age_seconds",
    "For how long its lock was seen held, whoever holds it; 0 when it is free.",
)

CATALOGUE: Final = (
    *(INFO, FILE_CHANGED, LOOP_AGE, WORKERS, RUNNING, DUE, DURATION, DELIVERIES),
    *(REACHABLE, READABLE, ANSWERED, POLLS, BRANCH, STACKS, UNREADABLE, MISNAMED),
    *(
        ATTEMPTED,
        APPLIED,
        ATTEMPTED_AT,
        LOOKED_AT,
        SUCCEEDED_AT,
        RESULT,
        LAST_DURATION,
        TASKS,
        AS_WANTED,
    ),
    *(FAILURES, DRIFT, HEALED, PENDING_APPROVALS, WAITS, SUSPENDED, LOCK_AGE),
)
"""All of them, in the order in which they are shown."""

BUCKETS: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""The upper bounds in seconds by which durations are counted; what took longer is counted beyond them."""
