"""What carrying sets out is going to delete: what the ledger has to know beforehand."""

from collections.abc import Iterator, Mapping

from orchestrator.engine.planning.workloads import PlannedSet
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import UnitId


def doomed_by(sets: Mapping[UnitId, PlannedSet]) -> Iterator[ObjectRef]:
    """Yield the objects that carrying out these sets deletes, also those that it makes anew."""
    for result in (planned.result for planned in sets.values() if planned.result):
        yield from (step.ref for step in result.steps if step.action is Action.REPLACE)
        yield from (item.ref for item in result.prune)
