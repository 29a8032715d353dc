"""Entries of the ledger, and the state that they fold into: plain frozen data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.remembered import Approval, BadRevision, Healthy, Suspension
from orchestrator.stack.model import Risk, UnitId
from orchestrator.stack.policies import Guards


class Operation(StrEnum):
    """What a run does to the stack."""

    APPLY = "apply"
    DESTROY = "destroy"
    TERRAFORM = "terraform"
    ABANDON = "abandon"
    APPROVE = "approve"
    REPAIR = "repair"
    IMPORT = "import"
    RESTORE = "restore"
    SUSPEND = "suspend"
    RESUME = "resume"
    MOVE = "move"


IMMATERIAL = frozenset({Operation.APPROVE, Operation.SUSPEND, Operation.RESUME, Operation.MOVE})
"""What changes nothing that a plan is made from: who approves one, keeps agents off or moves a ledger."""


class Kind(StrEnum):
    """What an entry says about its run; a note stands alone and begins none."""

    STARTED = "started"
    PROGRESSED = "progressed"
    FINISHED = "finished"
    NOTED = "noted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restores:
    """What a run brings back: the content of a revision that the named entry applied, ``over`` what is undone."""

    revision: Revision
    entry: str
    over: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that an entry belongs to.

    ``id`` is the same in all entries of a run; ``plan`` is the digest of the plan that it executes; ``who``
    reads ``Name <mail>`` or is a name alone; ``ci_run`` is the address of the CI run, or empty. ``whole`` says
    that it is about all units, and ``restores`` what a rollback brings back.
    """

    id: str
    operation: Operation
    revision: Revision
    plan: str
    who: str
    host: str
    command: str
    ci_run: str = ""
    whole: bool = False
    restores: Restores | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    """How it went with one unit, last; in the entry that starts a run, what is meant to happen to it.

    ``revision`` and ``fingerprint`` are what was attempted; ``applied`` is the revision that the unit was brought
    to last with success, None when it never was: the fold fills it in, unless a repair says it. ``seal`` tells, of
    a module, that nothing changed since it was applied, and is empty where nobody can tell. ``health`` is one word,
    or empty. ``protect`` keeps the unit from being destroyed after Git forgot that it was protected. ``seconds`` is
    how long it took, ``why`` what a failure came from, and ``drift`` how many things others had changed. ``risks``
    is what the stack said of types of things then, best first: what loses data does so also when Git says it no
    longer.
    """

    unit: UnitId
    outcome: Outcome
    revision: Revision
    at: datetime
    by: str
    fingerprint: str = ""
    seal: str = ""
    health: str = ""
    protect: bool = False
    applied: Revision | None = None
    seconds: float = 0.0
    why: str = ""
    drift: int = 0
    risks: Mapping[str, Risk] = field(default_factory=dict)


_SUCCESS = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that ended, as far as later ones have to know it; ``entry`` is the one that finished it."""

    entry: str
    revision: Revision
    operation: Operation
    outcome: Outcome
    at: datetime
    who: str
    whole: bool

    @property
    def succeeded(self) -> bool:
        """Whether it brought all of the stack to its revision."""
        applied = self.operation is Operation.APPLY and self.outcome in _SUCCESS
        return applied and self.whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; it is never changed afterwards.

    ``previous`` is the id of the entry before, empty for the first. ``inventory`` are objects that the stack
    owns from here on (an intent counts), ``deleted`` those whose deletion is confirmed; in the entry that starts
    a run those that it is going to delete or make anew, which stay in the inventory without their uid. What that one
    has of an object that is known tells what is remembered of it as long as nobody knows what became of it. What is in
    neither stays as it was. ``cluster`` identifies the cluster that they are in, empty where that is not known.
    ``outcome`` is how the run ended, in the entry that finishes it. ``message`` is the
    audit sentence, such as ``apply shop/production at 3f2c1a9: 3 created, 1 changed``. ``plan`` is what the run
    is going to do, in the entry that starts it; ``approval`` is what a note may hold. ``why`` is the reason that
    somebody gave for a suspension. ``guards`` are those that hold from here on: in the entry that starts a run where
    they become stricter by it, and in the one that finishes a run which applied all of a stack. ``owed`` is what is to
    follow one that failed. ``moved`` is the place where the ledger goes on, as people know it, in the note that ends it
    here. An entry that is ``late`` tells what a run did whose ledger was out of reach until others had gone on. The
    note of a repair has in ``suspended``, ``bad`` and ``guards`` what it takes in of a ledger that it sets aside.
    """

    id: str
    previous: str
    kind: Kind
    run: Run
    at: datetime
    message: str
    cluster: str = ""
    units: tuple[UnitRecord, ...] = ()
    inventory: tuple[OwnedObject, ...] = ()
    deleted: tuple[ObjectRef, ...] = ()
    outcome: Outcome | None = None
    plan: PlanRecord | None = None
    approval: Approval | None = None
    why: str = ""
    guards: Guards | None = None
    moved: str = ""
    late: bool = False
    owed: Restores | None = None
    suspended: Suspension | None = None
    bad: tuple[BadRevision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where a ledger goes on, as people know the place, and who took it there when."""

    to: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """What all entries together say.

    ``head`` is the id of the last entry, empty when there is none. ``units`` are the ones that exist, by
    their id, sorted. ``inventory`` is sorted by reference; ``cluster`` identifies where its objects
    are. ``open`` is the entry of a run that started and did not finish, without its plan, and with no more inventory
    than what is remembered of objects that it changes, should it never say what became of them. ``bad`` holds the
    revisions whose apply failed, by what identifies them, oldest first; ``approvals`` are those of plans that have not
    run yet, oldest first. ``runs`` are the last ones that applied or destroyed something, newest first. ``suspended``
    keeps agents, and nobody else, from doing anything. ``guards`` are those that were applied last, with what is
    stricter in those that runs began with since; None where nobody knows. ``moved`` says that the ledger goes on in
    another place, and ends in this one. ``owed`` is what was to follow a failure, and did not yet.
    """

    head: str = ""
    units: Mapping[UnitId, UnitRecord] = field(default_factory=dict)
    inventory: tuple[OwnedObject, ...] = ()
    cluster: str = ""
    open: Entry | None = None
    bad: Mapping[str, BadRevision] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    healthy: Healthy | None = None
    runs: tuple[PastRun, ...] = ()
    suspended: Suspension | None = None
    guards: Guards | None = None
    moved: Moved | None = None
    owed: Restores | None = None

    @property
    def past(self) -> tuple[PastRun, ...]:
        """Return the last runs, newest first, with one that began and did not finish, as interrupted."""
        died = past_run(self.open, Outcome.INTERRUPTED) if self.open else None
        return (died, *self.runs) if died else self.runs

    @property
    def doubts(self) -> tuple[OwnedObject, ...]:
        """Return the objects that the open run changes, with no uid, and with what both ends of it would leave."""
        return self.open.inventory if self.open else ()

    @property
    def believed(self) -> tuple[OwnedObject, ...]:
        """Return the inventory with what is remembered of its objects as long as the open run says no more."""
        doubts = {owned.ref: owned.fingerprint for owned in self.doubts}
        if not doubts:
            return self.inventory
        return tuple(
            replace(owned, fingerprint=doubts[owned.ref]) if owned.ref in doubts else owned
            for owned in self.inventory
        )

    @property
    def owners(self) -> Mapping[str, UnitId]:
        """Return whose the objects are, by their names as plans show them."""
        return {str(owned.ref): owned.unit for owned in self.inventory}

    def risks(self, unit: UnitId) -> Mapping[str, Risk]:
        """Return what the stack said of types of things when a unit was applied; nothing for one that never was."""
        return self.units[unit].risks if unit in self.units else {}


def past_run(entry: Entry, outcome: Outcome | None) -> PastRun | None:
    """Return what is remembered of an entry's run that ended so; None of what neither applies nor destroys."""
    run = entry.run
    if outcome is None or run.operation not in {Operation.APPLY, Operation.DESTROY}:
        return None
    return PastRun(
        entry=entry.id,
        revision=run.revision,
        operation=run.operation,
        outcome=outcome,
        at=entry.at,
        who=run.who,
        whole=run.whole,
    )


def redacted(entry: Entry, redact: Callable[[str], str]) -> Entry:
    """Return the entry with its free texts redacted; names, ids and digests stay as they are.

    The texts of a plan are redacted before they are kept.
    """
    run = replace(entry.run, command=redact(entry.run.command), ci_run=redact(entry.run.ci_run))
    units = tuple(replace(record, why=redact(record.why)) for record in entry.units)
    return replace(
        entry, run=run, message=redact(entry.message), units=units, why=redact(entry.why)
    )
