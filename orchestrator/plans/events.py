"""What happens while a plan is made or executed, told as it happens; progress displays read these."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from orchestrator.plans.change import Action
from orchestrator.stack.model import UnitId


class Outcome(StrEnum):
    """How the work on a unit ended."""

    PLANNED = "planned"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    PRUNED = "pruned"
    DESTROYED = "destroyed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """A phase of the run begins: ``plan``, ``infrastructure``, ``workloads``, ``prune`` …; units it will touch."""

    phase: str
    units: tuple[UnitId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStarted:
    """Work on a unit begins; ``activity`` is a word such as ``planning`` or ``applying``."""

    unit: UnitId
    activity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitProgress:
    """Something happened inside a unit: a short line, already redacted."""

    unit: UnitId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBegun:
    """One change of a unit was sent on its way: until it is told as done or refused, nobody knows what became of it."""

    unit: UnitId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRefused:
    """One change of a unit was begun, and refused as a whole."""

    unit: UnitId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDone:
    """One change of a unit was carried out, or ``waiting`` for health."""

    unit: UnitId
    name: str
    action: Action
    waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFinished:
    """Work on a unit ended; ``detail`` is a short sentence (counts, or why it failed), redacted."""

    unit: UnitId
    outcome: Outcome
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something worth saying that belongs to no unit (``starting the sandbox``)."""

    text: str


Event: TypeAlias = (
    PhaseStarted
    | UnitStarted
    | UnitProgress
    | ChangeBegun
    | ChangeRefused
    | ChangeDone
    | UnitFinished
    | Notice
)
