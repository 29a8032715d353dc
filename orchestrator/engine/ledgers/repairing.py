"""Repairing a ledger: going on from what holds, with what clusters and states say themselves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from orchestrator import clock
from orchestrator.engine.ledgers.aside import Source, known_otherwise, source_in, told_of
from orchestrator.engine.ledgers.certain import missed, uncertain
from orchestrator.engine.ledgers.checking import Finding, look_through
from orchestrator.engine.ledgers.notes import note
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.planning.connection import (
    cluster_pending,
    identify,
    namespaces_of,
    open_cluster,
)
from orchestrator.engine.planning.infrastructure import workspace_of
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.removed import applied_outputs, origin_of
from orchestrator.engine.recording import who
from orchestrator.engine.session import Session
from orchestrator.engine.turns import locked
from orchestrator.errors import LedgerError
from orchestrator.infrastructure.modules import holds_anything
from orchestrator.ledger.entry import LedgerState, Operation, UnitRecord
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.taking_in import TakenIn, taken_in
from orchestrator.ledger.troubles import moved_away
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.repairs import RepairPlan
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A repair that can be carried out, and what it would do."""

    plan: RepairPlan
    finding: Finding
    units: tuple[UnitRecord, ...] = ()
    objects: tuple[OwnedObject, ...] = ()
    uncertain: tuple[OwnedObject, ...] = ()
    cluster: str = ""
    taken: TakenIn = field(default_factory=TakenIn)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What exists: units with a state, objects, where these are, and what could not be looked at."""

    units: tuple[UnitId, ...] = ()
    objects: tuple[OwnedObject, ...] = ()
    spared: frozenset[ObjectRef] = frozenset()
    cluster: str = ""
    unseen: tuple[str, ...] = ()


def plan_repair(session: Session, resources: ExitStack) -> Repair:
    """Return what a repair of the session's ledger would do; nothing is changed.

    A chain that is whole may have been cut short all the same: what exists and is in no entry is taken in. Raises
    LedgerError when it cannot be reached or goes on in another place, NewerFormat, and ClusterUnreachable or
    TerraformError when it cannot be told what exists.
    """
    finding = look_through(session, open_store(session))
    state = finding.verdict.state
    if finding.checked.whole and state.moved:
        return Repair(plan=RepairPlan(checked=finding.checked), finding=finding)
    instead = finding.instead or LedgerState()
    if moved := instead.moved or state.moved:  # a note would let it go on here, beside the other
        raise moved_away(str(session.owner), moved)
    either = replace(state, inventory=(*state.inventory, *instead.inventory))
    found = _look_around(session, either, resources)
    objects = _objects(finding, instead, found)
    taken = taken_in(state, instead, finding.verdict.entries, now=clock.now())
    new = {*found.units, *(owned.unit for owned in objects), *instead.units} - {*state.units}
    units = sorted({*new, *known_otherwise(state, instead, taken.sources)})
    doubts = _uncertain(finding, found, taken, objects)
    plan = RepairPlan(
        checked=finding.checked,
        again=len(finding.verdict.entries) - finding.verdict.sound,
        units=tuple(sorted(new)),
        objects=tuple(owned.ref for owned in objects),
        uncertain=len(doubts),
        taken=tuple(told_of(state, instead, taken)),
        unseen=(*found.unseen, *_unread(finding)),
    )
    records = tuple(
        _record(
            session,
            unit,
            source_in(unit, state, instead, taken.sources.get(unit)),
            instead.units.get(unit),
        )
        for unit in units
    )
    return Repair(
        plan=plan,
        finding=finding,
        units=records,
        objects=objects,
        uncertain=doubts,
        cluster=found.cluster,
        taken=taken,
    )


def _objects(finding: Finding, instead: LedgerState, found: _Found) -> tuple[OwnedObject, ...]:
    """Return the objects that no entry knows as they are, and those that the ledger instead knows alone."""
    state = finding.verdict.state
    known = {owned.ref: owned.uid for owned in state.inventory}
    objects = tuple(owned for owned in found.objects if known.get(owned.ref) != owned.uid)
    if finding.checked.whole and state.head:  # at most cut short: what it says of an object holds
        unknown = {owned.ref for owned in objects} - {*known} - found.spared
        objects = tuple(owned for owned in objects if owned.ref in unknown)
    seen = {owned.ref for owned in found.objects} | known.keys()
    return (*objects, *(missed(owned) for owned in instead.believed if owned.ref not in seen))


def _uncertain(
    finding: Finding, found: _Found, taken: TakenIn, objects: Sequence[OwnedObject]
) -> tuple[OwnedObject, ...]:
    """Return the objects that are known, and of which another ledger or lost entries may tell something else."""
    state = finding.verdict.state
    anew = {owned.ref for owned in objects}
    # What exists and is in no entry was in one that is gone.
    gone = finding.gone or bool(anew - {owned.ref for owned in state.inventory})
    if finding.instead is None and not gone:
        return ()
    aside = None if finding.gone else finding.instead
    there = {owned.ref for owned in found.objects}
    doubts = uncertain(state, aside, there, later=taken.sources)
    return tuple(owned for owned in doubts if owned.ref not in anew)


def _unread(finding: Finding) -> Iterator[str]:
    if finding.checked.replaced and finding.instead is None:
        yield "the ledger that is set aside cannot be read: what exists is all that is taken in of it"


def repair_ledger(session: Session, repair: Repair, *, patience: float) -> str:
    """Carry a repair out under the lock, and return a sentence about it; raises Locked, LedgerError."""
    store = open_store(session)
    with locked(session, store, Operation.REPAIR, patience=patience) as lease:
        now = look_through(session, store)
        if (now.verdict, now.instead) != (repair.finding.verdict, repair.finding.instead):
            raise LedgerError(
                f"the ledger of {session.owner} changed since it was looked through",
                hint="nothing was repaired; run it again, to see what it would do now",
            )
        verdict = now.verdict
        noted = note(
            session,
            Operation.REPAIR,
            _told(session, repair),
            previous=verdict.state.head,
            units=repair.units,
            inventory=(*repair.objects, *repair.uncertain),
            deleted=[owned.ref for owned in repair.uncertain if not owned.uid],
            cluster=repair.cluster,
        )
        taken = repair.taken
        noted = replace(noted, suspended=taken.suspended, bad=taken.bad, guards=taken.guards)
        again = verdict.entries[verdict.sound :]
        lease.rewrite((*again, noted), base=fold_all(verdict.entries[: verdict.sound]))
    return (
        f"repaired the ledger of {session.owner}: it goes on after {_entries(len(verdict.entries))}"
    )


def _look_around(session: Session, state: LedgerState, resources: ExitStack) -> _Found:
    """Return what exists of the stack, wherever one can see it."""
    origin = origin_of(session)
    places = {
        unit: workspace_of(session, origin.site, module) for unit, module in origin.modules.items()
    }
    units = tuple(unit for unit, place in places.items() if holds_anything(place))
    if not (session.stack.manifests or state.inventory):
        return _Found(units=units)
    outputs = applied_outputs(origin, units)
    if waits := cluster_pending(session, outputs):
        told = f"the cluster was not looked at: its address waits for {', '.join(waits)}"
        return _Found(units=units, unseen=(told,))
    return _in_cluster(session, state, resources, units=units, outputs=outputs)


def _in_cluster(
    session: Session,
    state: LedgerState,
    resources: ExitStack,
    *,
    units: tuple[UnitId, ...],
    outputs: Outputs,
) -> _Found:
    from orchestrator.workloads.rediscovery import rediscover

    cluster = open_cluster(session, outputs, resources)
    found = rediscover(cluster, session.owner, namespaces_of(session, state))
    unseen = tuple(
        f"{kind} may not be listed by us, and were not looked at" for kind in found.unseen
    )
    place = identify(session, cluster)
    return _Found(
        units=units, objects=found.objects, spared=found.spared, cluster=place, unseen=unseen
    )


def _record(
    session: Session, unit: UnitId, source: Source | None, aside: UnitRecord | None
) -> UnitRecord:
    """Return the record of a unit that is there, and of which nobody knows whether it is as it was brought to.

    ``aside`` is what a ledger says of it that is set aside.
    """
    source = source or Source(revision=session.revision)
    protected = unit in {each.id for each in session.stack.units if each.protect}
    return UnitRecord(
        unit=unit,
        outcome=Outcome.INTERRUPTED,
        revision=source.revision,
        applied=source.applied,
        at=clock.now(),
        by=who(session),
        protect=protected or (aside is not None and aside.protect),
        risks=aside.risks if aside else {},
        why=source.why,
    )


def _told(session: Session, repair: Repair) -> str:
    plan = repair.plan
    found = f"{len(plan.units)} units and {len(plan.objects)} objects found"
    aside = f"; taken in of another ledger: {_counted(plan)}" if plan.taken else ""
    return f"repair {session.owner}: {_entries(plan.checked.entries)} kept, {found}{aside}"


def _counted(plan: RepairPlan) -> str:
    kinds = Counter(each.kind.value for each in plan.taken)
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"
