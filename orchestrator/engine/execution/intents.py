"""What carrying sets out is going to own, and to delete: what the ledger has to know beforehand."""

from collections.abc import Iterator, Mapping

from orchestrator.engine.planning.workloads import PlannedSet
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.stack.model import UnitId


def intended_by(sets: Mapping[UnitId, PlannedSet]) -> Iterator[OwnedObject]:
    """Yield the objects that applying these sets is going to own."""
    for unit, planned in sets.items():
        for step in planned.result.steps if planned.result else ():
            yield OwnedObject(ref=step.ref, unit=unit, uid=step.uid)


def doomed_by(sets: Mapping[UnitId, PlannedSet]) -> Iterator[ObjectRef]:
    """Yield the objects that carrying out these sets deletes, also those that it makes anew."""
    for result in (planned.result for planned in sets.values() if planned.result):
        yield from (step.ref for step in result.steps if step.action is Action.REPLACE)
        yield from (item.ref for item in result.prune)
