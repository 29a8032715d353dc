"""How an entry changes the state. Pure; every store uses this and nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import assert_never

from orchestrator.ledger.entry import (
    Entry,
    Kind,
    LedgerState,
    Moved,
    Operation,
    PastRun,
    Restores,
    UnitRecord,
    past_run,
)
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import Approval, BadRevision, Healthy, Suspension
from orchestrator.plans.risk import merged
from orchestrator.stack.model import UnitId

_SUCCESS = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})
_DESTROYED = frozenset({Outcome.DESTROYED, Outcome.UNCHANGED})
_SUSPENDING = frozenset({Operation.SUSPEND, Operation.RESUME})
_OVERRULING = frozenset({Operation.APPLY, Operation.DESTROY})
_MOST_APPROVALS = 20
_MOST_BAD = 50
_MOST_RUNS = 32


def fold(state: LedgerState, entry: Entry) -> LedgerState:
    """Return the state after an entry.

    An object enters the inventory with the intent to create it and leaves it by a confirmed deletion alone,
    so that whatever dies in between, no object is forgotten.
    """
    if entry.late and (state.open is None or state.open.run.id != entry.run.id):
        return _outrun(state, entry)
    return replace(_following(state, entry), moved=_moved(entry))


def _following(state: LedgerState, entry: Entry) -> LedgerState:
    match entry.kind:
        case Kind.STARTED:
            return _started(state, entry)
        case Kind.PROGRESSED:
            return _recorded(state, entry)
        case Kind.FINISHED:
            return _finished(_recorded(state, entry), entry)
        case Kind.NOTED:
            return _noted(_recorded(state, entry), entry)
        case _:
            assert_never(entry.kind)


def fold_all(entries: Iterable[Entry]) -> LedgerState:
    """Return the state after all entries, oldest first."""
    return reduce(fold, entries, LedgerState())


def _moved(entry: Entry) -> Moved | None:
    return Moved(to=entry.moved, at=entry.at, by=entry.run.who) if entry.moved else None


def _started(state: LedgerState, entry: Entry) -> LedgerState:
    return replace(
        state,
        head=entry.id,
        # A unit that is tried for the first time may leave something behind, whatever becomes of the run.
        units=dict(sorted({**_first_tries(entry.units), **_left_open(state.units)}.items())),
        # What is known of an object outweighs what is meant to happen to it.
        inventory=_released(_union(entry.inventory, state.inventory), frozenset(entry.deleted)),
        cluster=entry.cluster or state.cluster,
        open=replace(entry, inventory=_doubts(state, entry), deleted=(), plan=None),
        approvals=_unspent(state, going_on=entry.run.plan),
        runs=state.past[:_MOST_RUNS],
        guards=entry.guards or state.guards,
        owed=None if entry.run.operation in _OVERRULING else state.owed,
    )


def _doubts(state: LedgerState, entry: Entry) -> tuple[OwnedObject, ...]:
    """Return what is remembered otherwise, while a run is on its way, of objects that are known."""
    known = {owned.ref: owned.fingerprint for owned in state.inventory}
    doubts = (
        replace(owned, uid="")
        for owned in entry.inventory
        if owned.fingerprint and known.get(owned.ref, "") not in {"", owned.fingerprint}
    )
    return tuple(sorted(doubts))


def _recorded(state: LedgerState, entry: Entry) -> LedgerState:
    # Deletions first: an object that is deleted and made again belongs to the stack.
    deleted = frozenset(entry.deleted)
    kept = (owned for owned in state.inventory if owned.ref not in deleted)
    return replace(
        state,
        head=entry.id,
        units=_units(state.units, entry.units),
        inventory=_union(kept, entry.inventory),
        cluster=entry.cluster or state.cluster,
        open=_outweighed(state.open, entry),
    )


def _outweighed(open_: Entry | None, entry: Entry) -> Entry | None:
    """Return the open run without its doubts about objects on which there is a later word."""
    if open_ is None or not open_.inventory:
        return open_
    told = {*entry.deleted, *(owned.ref for owned in entry.inventory)}
    return replace(open_, inventory=tuple(each for each in open_.inventory if each.ref not in told))


def _finished(state: LedgerState, entry: Entry) -> LedgerState:
    return replace(
        state,
        open=None,
        bad=_bad(state.bad, entry),
        approvals=tuple(each for each in state.approvals if each.digest != entry.run.plan),
        healthy=_healthy(entry, state.healthy),
        runs=_runs(state.runs, entry),
        guards=entry.guards or state.guards,
        owed=_owed(state, entry),
    )


def _owed(state: LedgerState, entry: Entry) -> Restores | None:
    """Return what is to follow a run that ended: bringing back is done once it came to an end, whatever that was."""
    broken_off = entry.run.operation is Operation.RESTORE and entry.outcome is Outcome.INTERRUPTED
    return state.owed if broken_off else entry.owed


def _noted(state: LedgerState, entry: Entry) -> LedgerState:
    if entry.run.operation is Operation.ABANDON:
        runs = state.past[:_MOST_RUNS]
        return replace(
            state,
            open=None,
            units=_left_open(state.units),
            approvals=_unspent(state),
            runs=runs,
            owed=None,
        )
    if entry.run.operation is Operation.SUSPEND:
        suspended = Suspension(who=entry.run.who, at=entry.at, why=entry.why, entry=entry.id)
        return replace(state, suspended=suspended)
    if entry.run.operation is Operation.RESUME:
        return replace(state, suspended=None)
    if entry.run.operation is Operation.REPAIR:
        return _taken_in(state, entry)
    if entry.approval is None:
        return state
    key = _approved(entry.approval)
    others = (each for each in state.approvals if _approved(each) != key)
    return replace(state, approvals=(*others, entry.approval)[-_MOST_APPROVALS:])


def _taken_in(state: LedgerState, entry: Entry) -> LedgerState:
    """Return the state with what a repair takes in of a ledger that it sets aside; its entry is where that stands."""
    bad = {identified(each.revision): replace(each, entry=entry.id) for each in entry.bad}
    kept = replace(entry.suspended, entry=entry.id) if entry.suspended else state.suspended
    return replace(
        state,
        bad=dict(sorted({**bad, **state.bad}.items(), key=lambda each: each[1].at)[-_MOST_BAD:]),
        suspended=kept,
        guards=entry.guards or state.guards,
    )


def _unspent(state: LedgerState, *, going_on: str = "") -> tuple[Approval, ...]:
    """Return the approvals without those that the open run began with, unless a plan of that digest goes on with it.

    What people agreed to is done once: when something else was done since, they agree anew.
    """
    begun = state.open.run.plan if state.open else ""
    return tuple(
        each for each in state.approvals if each.digest == going_on or each.digest != begun
    )


def _outrun(state: LedgerState, entry: Entry) -> LedgerState:
    """Return the state after what a run did before others went on from its beginning.

    It adds what they could not know, and takes back nothing that they did.
    """
    known = {owned.ref for owned in state.inventory}
    made = [replace(owned, uid="") for owned in entry.inventory if owned.ref not in known]
    own = [record for record in entry.units if _left_as_begun(state.units.get(record.unit), record)]
    healthy = _healthy(entry, None)
    newer = healthy and state.healthy and state.healthy.at < healthy.at
    noted = entry.kind is Kind.NOTED and entry.run.operation is not Operation.ABANDON
    return replace(
        _noted_late(state, entry) if noted else state,
        head=entry.id,
        units=_units(state.units, own),
        inventory=_union(made, state.inventory),
        bad=_bad(state.bad, entry) if _failed_unmended(state, entry) else state.bad,
        healthy=healthy if newer else state.healthy,
        runs=tuple(_known_by_now(state.runs, entry)),
    )


def _noted_late(state: LedgerState, entry: Entry) -> LedgerState:
    """Return the state after a note that comes late: what others did or said since outweighs it.

    An approval is of what its plan met, and is done once; it does not come back after a run that it may have been for.
    A suspension that somebody ended since counts all the same, since nobody remembers when that was: agents that are
    stopped once too often do no harm.
    """
    if entry.approval is not None and _ran_since(state, entry.approval.at):
        return state
    suspended = state.suspended
    if entry.run.operation in _SUSPENDING and suspended and suspended.at > entry.at:
        return state
    return _noted(state, entry)


def _ran_since(state: LedgerState, at: datetime) -> bool:
    return any(run.at >= at for run in state.past)


def _left_as_begun(before: UnitRecord | None, record: UnitRecord) -> bool:
    """Whether nobody came to anything with a unit since the run that tells of it now had begun."""
    return (
        before is not None
        and before.outcome in {Outcome.PLANNED, Outcome.INTERRUPTED}
        and before.revision == record.revision
        and before.at <= record.at
    )


def _failed_unmended(state: LedgerState, entry: Entry) -> bool:
    """Whether a late entry tells of a failure, and nobody applied that revision with success later."""
    mended = (
        run.succeeded and run.revision == entry.run.revision and run.at >= entry.at
        for run in state.runs
    )
    return entry.outcome is Outcome.FAILED and not any(mended)


def _known_by_now(runs: tuple[PastRun, ...], entry: Entry) -> Iterator[PastRun]:
    """Yield the last runs with the outcome of one that counted as interrupted."""
    late = past_run(entry, entry.outcome)
    for run in runs:
        if late and run.at <= late.at and run == _as_interrupted(late, run):
            yield late
            late = None
        else:
            yield run


def _as_interrupted(late: PastRun, begun: PastRun) -> PastRun:
    return replace(late, outcome=Outcome.INTERRUPTED, entry=begun.entry, at=begun.at)


def _approved(approval: Approval) -> tuple[str, str]:
    return approval.digest, approval.who


def _healthy(entry: Entry, before: Healthy | None) -> Healthy | None:
    """Return the last healthy revision after a run ended; a stack that was destroyed has none to go back to."""
    run, outcome = entry.run, entry.outcome
    if run.operation is Operation.DESTROY and run.whole and outcome in _DESTROYED:
        return None
    if run.operation is Operation.APPLY and run.whole and outcome in _SUCCESS:
        return Healthy(revision=run.revision, entry=entry.id, at=entry.at)
    return before


def _runs(runs: tuple[PastRun, ...], entry: Entry) -> tuple[PastRun, ...]:
    """Return the last runs; of several in a row that found everything as it was, only the last counts."""
    past, idle = past_run(entry, entry.outcome), Outcome.UNCHANGED
    if past is None:
        return runs
    again = runs and runs[0].outcome is past.outcome is idle and runs[0].whole and past.whole
    return (past, *(runs[1:] if again else runs))[:_MOST_RUNS]


def _bad(bad: Mapping[str, BadRevision], entry: Entry) -> Mapping[str, BadRevision]:
    """Return the bad revisions after a run ended; one is bad until all of it was applied with success."""
    run = entry.run
    key = identified(run.revision)
    if run.operation is not Operation.APPLY:
        return bad
    others = {other: each for other, each in bad.items() if other != key}
    if run.whole and entry.outcome in _SUCCESS:
        return others
    if entry.outcome is not Outcome.FAILED:
        return bad
    before = bad.get(key)
    now = BadRevision(
        revision=run.revision,
        at=entry.at,
        by=run.who,
        why=_cause(entry),
        entry=entry.id,
        attempts=before.attempts + 1 if before else 1,
    )
    return dict([*others.items(), (key, now)][-_MOST_BAD:])


def _cause(entry: Entry) -> str:
    """Return why a run failed: the first of its units that did, and why; others only wait for one."""
    failed = (each for each in entry.units if each.outcome is Outcome.FAILED and each.why)
    return next((f"{each.unit}: {each.why}" for each in failed), entry.message)


def identified(revision: Revision) -> str:
    """Return what identifies a revision among the bad ones: its commit, and what differed from it."""
    return f"{revision.commit}+{revision.difference}" if revision.dirty else revision.commit


def _released(
    inventory: Iterable[OwnedObject], doomed: frozenset[ObjectRef]
) -> tuple[OwnedObject, ...]:
    """Return the inventory without the uids of what a run is about to delete.

    Nobody else is to blame when such an object is gone, however the run ends.
    """
    return tuple(replace(owned, uid="") if owned.ref in doomed else owned for owned in inventory)


def _first_tries(records: Iterable[UnitRecord]) -> dict[UnitId, UnitRecord]:
    return {
        record.unit: replace(record, outcome=Outcome.PLANNED, applied=None) for record in records
    }


def _left_open(units: Mapping[UnitId, UnitRecord]) -> dict[UnitId, UnitRecord]:
    """Return the units with those that an earlier run was still at when it died as interrupted.

    They are no first tries any more: this run may skip them, and what that one left is still there.
    """
    return {
        unit: replace(record, outcome=Outcome.INTERRUPTED)
        if record.outcome is Outcome.PLANNED
        else record
        for unit, record in units.items()
    }


def _union(under: Iterable[OwnedObject], over: Iterable[OwnedObject]) -> tuple[OwnedObject, ...]:
    union = {owned.ref: owned for owned in under}
    for owned in over:
        known = union.get(owned.ref)
        union[owned.ref] = replace(owned, uid=known.uid) if known and not owned.uid else owned
    return tuple(sorted(union.values()))


def _units(
    units: Mapping[UnitId, UnitRecord], records: Iterable[UnitRecord]
) -> Mapping[UnitId, UnitRecord]:
    after = dict(units)
    for record in records:
        match record.outcome:
            case Outcome.APPLIED | Outcome.UNCHANGED:
                after[record.unit] = replace(record, applied=record.revision)
            case Outcome.FAILED | Outcome.INTERRUPTED:
                after[record.unit] = _attempted(record, after.get(record.unit))
            case Outcome.PRUNED | Outcome.DESTROYED:
                after.pop(record.unit, None)
            case Outcome.SKIPPED:
                _forget_first_try(after, record.unit)
            case Outcome.PLANNED:
                continue
            case _:
                assert_never(record.outcome)
    return dict(sorted(after.items()))


def _forget_first_try(units: dict[UnitId, UnitRecord], unit: UnitId) -> None:
    """Forget a unit that was meant to be tried for the first time and was not reached."""
    before = units.get(unit)
    if before is not None and before.outcome is Outcome.PLANNED:
        del units[unit]


def _attempted(record: UnitRecord, before: UnitRecord | None) -> UnitRecord:
    if before is None:
        return replace(record, applied=None)
    return replace(
        record,
        applied=record.applied or before.applied,
        protect=before.protect or record.protect,
        risks=merged(before.risks, record.risks),
    )
