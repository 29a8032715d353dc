"""Entries of the ledger, and the state that they fold into: plain frozen data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.stack.model import UnitId


class Operation(StrEnum):
    """What a run does to the stack."""

    APPLY = "apply"
    DESTROY = "destroy"
    TERRAFORM = "terraform"


class Kind(StrEnum):
    """What an entry says about its run."""

    STARTED = "started"
    PROGRESSED = "progressed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that an entry belongs to.

    ``id`` is the same in all entries of a run; ``plan`` is the digest of the plan that it executes; ``who``
    reads ``Name <mail>`` or is a name alone; ``ci_run`` is the address of the CI run, or empty.
    """

    id: str
    operation: Operation
    revision: Revision
    plan: str
    who: str
    host: str
    command: str
    ci_run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    """How it went with one unit, last; in the entry that starts a run, what is meant to happen to it.

    ``revision`` and ``fingerprint`` are what was attempted; ``applied`` is the revision that the unit was
    brought to last with success, None when it never was: the fold fills it in. ``seal`` tells, of a module, that
    nothing changed since it was applied, and is empty where nobody can tell. ``health`` is one word, or
    empty. ``protect`` keeps the unit from being destroyed after Git forgot that it was protected.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; it is never changed afterwards.

    ``previous`` is the id of the entry before, empty for the first. ``inventory`` are objects that the stack
    owns from here on (an intent counts), ``deleted`` those whose deletion is confirmed; in the entry that starts
    a run those that it is going to delete or make anew, which stay in the inventory without their uid. What is in
    neither stays as it was. ``cluster`` identifies the cluster that they are in, empty where that is not known.
    ``outcome`` is how the run ended, in the entry that finishes it. ``message`` is the
    audit sentence, such as ``apply shop/production at 3f2c1a9: 3 created, 1 changed``.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """What all entries together say.

    ``head`` is the id of the last entry, empty when there is none. ``units`` are the ones that exist, by
    their id, sorted. ``inventory`` is sorted by reference; ``cluster`` identifies where its objects
    are. ``open`` is the entry of a run that started and did not finish, without its inventory, which is in
    the state's own.
    """

    head: str = ""
    units: Mapping[UnitId, UnitRecord] = field(default_factory=dict)
    inventory: tuple[OwnedObject, ...] = ()
    cluster: str = ""
    open: Entry | None = None


def redacted(entry: Entry, redact: Callable[[str], str]) -> Entry:
    """Return the entry with its free texts redacted; names, ids and digests stay as they are."""
    run = replace(entry.run, command=redact(entry.run.command), ci_run=redact(entry.run.ci_run))
    return replace(entry, run=run, message=redact(entry.message))
