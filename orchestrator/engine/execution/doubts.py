"""What the ledger remembers of objects that a run changes: while it is at them, and when it did not succeed. Pure.

What it sent must not be taken for somebody else's doing later, and what others did not for its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.engine.planning.workloads import PlannedSet, intended_by
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.stack.model import UnitId
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.planning.drift.memory import in_common
from orchestrator.workloads.planning.steps import ObjectStep


def announced(
    before: Iterable[OwnedObject], sets: Mapping[UnitId, PlannedSet]
) -> Iterator[OwnedObject]:
    """Yield the inventory as it counts once a run has begun: what was there before, and what is to be there."""
    known = {owned.ref: owned for owned in before}
    intended = {owned.ref: owned for owned in intended_by(sets)}
    doubts = _doubts(known, sets)
    for ref, owned in known.items():
        intent = intended.pop(ref, owned)
        doubt = doubts.get(ref, owned.fingerprint)
        yield replace(owned, uid=owned.uid or intent.uid, fingerprint=doubt)
    yield from intended.values()


def announced_late(
    state: LedgerState, before: Iterable[OwnedObject], sets: Mapping[UnitId, PlannedSet]
) -> Iterator[OwnedObject]:
    """Yield what a run that has begun finds out only now to be at; ``before`` is what was there before it began."""
    now = {owned.ref: owned.fingerprint for owned in state.believed}
    for owned in announced(before, sets):
        if owned.ref not in now:
            yield owned
        elif owned.fingerprint and owned.fingerprint != now[owned.ref]:
            yield replace(owned, uid="")


def made_out(
    before: Iterable[OwnedObject], sets: Mapping[UnitId, PlannedSet], sent: Mapping[UnitId, Sent]
) -> Iterator[OwnedObject]:
    """Yield what is known of objects of sets that did not succeed: what was accepted, and of what nobody can tell.

    What was not sent at all is remembered as it was before. What is made anew has no uid: it may be gone.
    """
    known = {owned.ref: owned for owned in before}
    for unit, planned in sets.items():
        so_far = sent.get(unit, Sent())
        yield from so_far.known.values()
        replaced = {step.ref for step in _steps(planned) if step.action is Action.REPLACE}
        for ref, doubt in _doubts(known, {unit: planned}).items():
            if ref not in so_far.known:
                was = known[ref]
                fingerprint = doubt if ref in so_far.open else was.fingerprint
                yield replace(was, uid="" if ref in replaced else was.uid, fingerprint=fingerprint)


def learned(
    before: Iterable[OwnedObject], sets: Mapping[UnitId, PlannedSet]
) -> Iterator[OwnedObject]:
    """Yield objects of sets in which all is as it is wanted, where the ledger has them otherwise, or not at all.

    So it is where Git takes over what others did: nothing has to be sent, and it is Git's from here on all the same.
    """
    known = {owned.ref: owned for owned in before}
    for unit, planned in sets.items():
        for step in _steps(planned):
            owned = OwnedObject(ref=step.ref, unit=unit, uid=step.uid, fingerprint=step.fingerprint)
            if known.get(step.ref) != owned:
                yield owned


def _doubts(
    known: Mapping[ObjectRef, OwnedObject], sets: Mapping[UnitId, PlannedSet]
) -> dict[ObjectRef, str]:
    """Return what is to be remembered of objects that are sent otherwise than before, until that is answered."""
    found = {
        step.ref: in_common(known[step.ref].fingerprint, step.fingerprint)
        for planned in sets.values()
        for step in _steps(planned)
        if step.action is not Action.NO_OP and step.ref in known
    }
    return {ref: doubt for ref, doubt in found.items() if doubt != known[ref].fingerprint}


def _steps(planned: PlannedSet) -> tuple[ObjectStep, ...]:
    return planned.result.steps if planned.result else ()
