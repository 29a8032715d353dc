"""What is remembered of a stack: plans approved, revisions that failed or went well, and who keeps agents off."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody's word that the plan of that digest may be applied; ``plan`` is what they were shown."""

    digest: str
    who: str
    at: datetime
    plan: PlanRecord
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRevision:
    """A revision whose apply failed: when and by whom last, why, in which entry, and how often until now."""

    revision: Revision
    at: datetime
    by: str
    why: str
    entry: str
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """The last revision that all of the stack was brought to with success, and the entry that says so."""

    revision: Revision
    entry: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Somebody's word that agents are to leave the stack alone: why, since when, and the entry that says so."""

    who: str
    at: datetime
    why: str
    entry: str
