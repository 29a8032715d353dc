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
class Occupant:
    """A process that holds a lock or waits for it; ``since`` is by its own clock, ``ci_run`` an address or empty."""

    id: str
    who: str
    host: str
    process: int
    command: str
    since: datetime
    ci_run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockStatus:
    """Who holds a stack in an environment and who waits for it, the first one first.

    ``beat`` is the holder's last heartbeat by its own clock, ``lease`` how many seconds it may be silent, 0 when
    it gives none; ``ended`` says that its process was on this machine and has ended.
    """

    stack: str
    environment: str
    holder: Occupant | None = None
    beat: datetime | None = None
    lease: float = 0.0
    ended: bool = False
    waiting: tuple[Occupant, ...] = ()


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
