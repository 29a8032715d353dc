"""What the ledger says, in the shape in which people and programs are told."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """One unit: which revision it was brought to last, when and by whom, and what came of the last attempt.

    ``outcome`` is None for a unit that was never tried; ``declared`` is False for one that Git forgot;
    ``health`` is what the last apply saw.
    """

    unit: UnitId
    outcome: Outcome | None = None
    applied: Revision | None = None
    at: datetime | None = None
    by: str = ""
    health: str = ""
    objects: int = 0
    declared: bool = True
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A stack in an environment; ``unfinished`` and ``lock`` are sentences, or empty."""

    stack: str
    environment: str
    units: tuple[UnitStatus, ...]
    unfinished: str = ""
    lock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One entry of the ledger; ``outcome`` is None for one that began a run or told of its progress."""

    entry: str
    at: datetime
    who: str
    message: str
    revision: Revision
    outcome: Outcome | None
    plan: str
    ci_run: str = ""
