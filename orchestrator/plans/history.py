"""What the ledger says, in the shape in which people and programs are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlannedChange, PlanRecord
from orchestrator.plans.remembered import Approval, BadRevision, Healthy, Suspension
from orchestrator.stack.model import UnitId


class Ending(StrEnum):
    """What became of a run as a whole; a note begins none, such as one about Terraform's own commands."""

    FINISHED = "finished"
    AT_WORK = "at work"
    UNFINISHED = "never finished"
    ABANDONED = "abandoned"
    NOTED = "noted"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """One unit: which revision it was brought to last, when and by whom, and what came of the last attempt.

    ``outcome`` is None for a unit that was never tried; ``declared`` is False for one that Git forgot;
    ``health`` is what the last apply saw, ``drift`` how many things others had changed by then, and ``why`` what
    its failure came from.
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
    drift: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that began and did not finish: its first entry, and what it did of its units until it was last heard of.

    ``units`` are those that it had not come to an end with.
    """

    entry: str
    at: datetime
    who: str
    message: str
    at_work: bool = False
    done: tuple[UnitId, ...] = ()
    units: tuple[UnitId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLine:
    """One ledger among others; ``declared`` is None where Git's files cannot be read.

    ``revision`` is what was applied last, None when nothing is; ``says`` is its state in a few words.
    """

    stack: str
    environment: str
    says: str
    declared: bool | None = True
    revision: Revision | None = None
    at: datetime | None = None
    by: str = ""
    modules: int = 0
    objects: int = 0

    @property
    def name(self) -> str:
        """Return ``stack/environment``."""
        return f"{self.stack}/{self.environment}"

    @property
    def vanished(self) -> bool:
        """Whether something of it is left that Git declares no more."""
        return self.declared is False and bool(self.modules or self.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A stack in an environment; ``unfinished``, ``owed`` and ``lock`` are sentences, or empty.

    ``owed`` says what was to follow a failure, ``broken_off`` what is known of a last run that did not come to its end.

    ``vanished`` are ledgers whose stack or environment Git declares no more.
    """

    stack: str
    environment: str
    units: tuple[UnitStatus, ...]
    unfinished: str = ""
    owed: str = ""
    broken_off: str = ""
    lock: str = ""
    open: OpenRun | None = None
    bad: tuple[BadRevision, ...] = ()
    approvals: tuple[Approval, ...] = ()
    healthy: Healthy | None = None
    suspended: Suspension | None = None
    vanished: tuple[StackLine, ...] = ()


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
    """One entry of the ledger; ``outcome`` is None for one that began a run, told of its progress or is a note.

    ``kind`` is a word such as ``started``, ``run`` the id that all entries of a run have.
    """

    entry: str
    at: datetime
    who: str
    message: str
    revision: Revision
    outcome: Outcome | None
    plan: str
    ci_run: str = ""
    run: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run: its entries, newest first, and what became of it.

    ``operation`` is its verb; ``restores`` says what a rollback brought back, ``told`` who abandoned it and why.
    """

    entries: tuple[HistoryLine, ...]
    ending: Ending
    operation: str
    host: str
    command: str
    restores: str = ""
    told: str = ""

    @property
    def last(self) -> HistoryLine:
        """Return its newest entry."""
        return self.entries[0]

    @property
    def began(self) -> datetime:
        """Return when it recorded something first."""
        return self.entries[-1].at

    @property
    def failed(self) -> bool:
        """Whether it came to an end that is none to be content with."""
        return self.last.outcome in {Outcome.FAILED, Outcome.INTERRUPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The runs of a stack in an environment, newest first."""

    stack: str
    environment: str
    runs: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEnding:
    """What is recorded of a unit in a run; PLANNED where nothing is recorded but the intent."""

    unit: UnitId
    outcome: Outcome
    seconds: float = 0.0
    health: str = ""
    why: str = ""
    drift: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """One run whole; ``plan`` is None where its version did not record it, or where it had nothing to do."""

    stack: str
    environment: str
    run: RunLine
    plan: PlanRecord | None
    units: tuple[UnitEnding, ...]


class Difference(StrEnum):
    """What became of an object between two entries."""

    ADDED = "added"
    GONE = "gone"
    MOVED = "moved"
    CHANGED = "changed"
    MADE_ANEW = "made anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDifference:
    """A unit that is not as it was; None where there was no such unit, or none any more."""

    unit: UnitId
    before: UnitStatus | None
    after: UnitStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDifference:
    """An object that is not as it was; ``previous`` is the unit that it came from, of one that moved."""

    name: str
    unit: UnitId
    difference: Difference
    previous: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between the states after two entries."""

    stack: str
    environment: str
    before: HistoryLine
    after: HistoryLine
    units: tuple[UnitDifference, ...]
    objects: tuple[ObjectDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A run that changed something, or may have: ``certain`` says which; ``how`` are the recorded changes."""

    run: RunLine
    outcome: Outcome
    certain: bool
    how: tuple[PlannedChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Which run last changed a unit, or one thing of it; ``attempts`` are later ones that may have, newest first."""

    stack: str
    environment: str
    name: str
    unit: UnitId
    changed: Trace | None
    attempts: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a unit is as it is: a sentence, the failing condition in the words of its run, and what it waits for.

    ``next`` is what to do about it, or empty.
    """

    unit: UnitId
    says: str
    why: str = ""
    entry: str = ""
    because: tuple["Explanation", ...] = ()
    next: str = ""
