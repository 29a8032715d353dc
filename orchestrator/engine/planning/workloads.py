"""The workloads half of a plan: every set rendered with what is known, against what is live.

What speaks to clusters is imported inside functions, so that a plan imports it while Terraform is at work.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.engine.planning.housed import refuse_to_lose_ledgers
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.engine.session import Session
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import UnitId
from orchestrator.stack.scope import scope_of
from orchestrator.workloads.kinds import BUILT_IN, Kinds
from orchestrator.workloads.manifests.documents import ManifestDocument
from orchestrator.workloads.manifests.rendering import render
from orchestrator.workloads.manifests.wanted import RenderedSet
from orchestrator.workloads.order import deletion_order

if TYPE_CHECKING:
    from orchestrator.workloads.cluster import Cluster
    from orchestrator.workloads.planning.steps import SetPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSet:
    """One set's part of a plan; ``result`` is None while nobody can tell which cluster it is for."""

    unit_plan: UnitPlan
    result: "SetPlan | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSets:
    """Sets in the order of the effects, and what the cluster has beside them.

    ``claimed`` are objects that say that the stack applied them, and that were in no inventory given; ``wanted`` are
    those that Git declares, in whatever set.
    """

    sets: Mapping[UnitId, PlannedSet]
    claimed: tuple[OwnedObject, ...] = ()
    wanted: frozenset[ObjectRef] = frozenset()


def intended_by(sets: Mapping[UnitId, PlannedSet]) -> Iterator[OwnedObject]:
    """Yield the objects that applying these sets is going to own."""
    for unit, planned in sets.items():
        for step in planned.result.steps if planned.result else ():
            yield OwnedObject(ref=step.ref, unit=unit, uid=step.uid)


def plan_workloads(
    session: Session,
    wanted: Wanted,
    graph: Graph,
    *,
    outputs: Outputs,
    inventory: tuple[OwnedObject, ...],
    cluster: "Cluster",
) -> PlannedSets:
    """Plan all sets of the graph at once, then what is left of the inventory, in the order of the effects.

    Raises InvalidStack, PlanRefused, ClusterError, ClusterUnreachable, AccessDenied.
    """
    kinds = _with_own(cluster.kinds(), wanted)
    rendered = _rendered(session, wanted, outputs, kinds)
    chosen = tuple(each for each in rendered if each.unit in graph.order)
    left_out = tuple(each for each in rendered if each.unit not in graph.order)
    # What moved to a set that is left out of this plan is declared all the same.
    elsewhere = {item.ref for each in left_out for item in each.objects}
    considered = tuple(owned for owned in inventory if owned.ref not in elsewhere)
    planned = _planned(session, chosen, considered, cluster, beside=left_out)
    declared = [item for each in rendered for item in each.objects]
    unnamed = {item.group_kind for item in declared if item.ref is None}
    return replace(
        planned,
        # What has no name yet may turn out to be one of its kind.
        claimed=tuple(
            owned for owned in planned.claimed if (owned.ref.group, owned.ref.kind) not in unnamed
        ),
        wanted=frozenset(item.ref for item in declared if item.ref),
    )


def plan_pruning(
    session: Session, inventory: tuple[OwnedObject, ...], cluster: "Cluster"
) -> PlannedSets:
    """Plan the deletion of everything in an inventory; raises PlanRefused when ledgers would go with it."""
    return _planned(session, (), inventory, cluster)


def defer_workloads(
    wanted: Wanted, graph: Graph, waits: tuple[str, ...]
) -> dict[UnitId, PlannedSet]:
    """Plan sets for a cluster that has objects already and cannot be reached yet: all of it is deferred."""
    reason = f"planned once the cluster can be reached, which needs {', '.join(waits)}"
    return {
        unit: PlannedSet(
            unit_plan=UnitPlan(
                unit=unit,
                pending=waits,
                deferred=reason,
                code=_declared(wanted.documents[unit]),
                effective=True,
            ),
            result=None,
        )
        for unit in wanted.manifests
        if unit in graph.order
    }


def _declared(documents: Iterable[ManifestDocument]) -> str:
    """Return a hash of manifests as they are written, for a set of which nothing can be shown."""
    canonical = json.dumps([document.value for document in documents], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def plan_new_cluster(
    session: Session, wanted: Wanted, graph: Graph, *, outputs: Outputs, waits: tuple[str, ...]
) -> dict[UnitId, PlannedSet]:
    """Plan sets for a cluster that is yet to be made: nothing is dialled, every object is a creation.

    They are planned again in their turn, and may not do anything else then. Raises InvalidStack.
    """
    from orchestrator.workloads.planning.unreached import plan_unreached

    rendered = _rendered(session, wanted, outputs, _with_own(BUILT_IN, wanted))
    chosen = tuple(each for each in rendered if each.unit in graph.order)
    reason = f"created on the new cluster, once {', '.join(waits)} is known"
    planned = plan_unreached(chosen, secrets=session.surroundings.secrets)
    return {
        each.unit: PlannedSet(
            unit_plan=UnitPlan(
                unit=each.unit,
                changes=changes,
                pending=tuple(sorted({*waits, *each.pending})),
                deferred=reason,
                effective=True,
            ),
            result=None,
        )
        for each, changes in planned
    }


def _with_own(kinds: Kinds, wanted: Wanted) -> Kinds:
    """Return kinds with those that the manifests themselves define: known before a cluster serves them."""
    return kinds.with_definitions(
        document.value for documents in wanted.documents.values() for document in documents
    )


def _rendered(
    session: Session, wanted: Wanted, outputs: Outputs, kinds: Kinds
) -> tuple[RenderedSet, ...]:
    unknown = dict.fromkeys(module.name for module in wanted.stack.modules)
    return tuple(
        render(
            manifests,
            wanted.documents[unit],
            scope_of(
                session.stack,
                unit,
                revision=session.revision.commit,
                outputs={**unknown, **outputs},
            ),
            kinds=kinds,
        )
        for unit, manifests in wanted.manifests.items()
    )


def _planned(
    session: Session,
    rendered: tuple[RenderedSet, ...],
    inventory: tuple[OwnedObject, ...],
    cluster: "Cluster",
    *,
    beside: tuple[RenderedSet, ...] = (),
) -> PlannedSets:
    from orchestrator.workloads.planning.sets import plan_sets

    found = plan_sets(
        cluster,
        rendered,
        inventory,
        owner=session.owner,
        secrets=session.surroundings.secrets,
        beside=beside,
    )
    refuse_to_lose_ledgers(session, found.plans, cluster)
    sets = {plan.unit: PlannedSet(unit_plan=_unit_plan(plan), result=plan) for plan in found.plans}
    return PlannedSets(sets=sets, claimed=found.claimed)


def _unit_plan(plan: "SetPlan") -> UnitPlan:
    acts = any(change.action is not Action.NO_OP for change in plan.changes)
    return UnitPlan(
        unit=plan.unit,
        changes=plan.changes,
        drift=plan.drift,
        ignored=plan.ignored,
        alone=len(plan.resting),
        left=plan.left,
        pending=plan.pending,
        removed=plan.removed,
        warnings=plan.resting,
        fingerprint=plan.fingerprint,
        effective=acts or bool(plan.prune),
    )


def pruning_order(sets: Mapping[UnitId, PlannedSet], graph: Graph) -> tuple[UnitId, ...]:
    """Return sets in the order in which they are pruned: what depends on others first.

    What Git no longer declares comes before all, since nobody can tell any more what it depended on but by
    its objects.
    """
    chosen = set(sets)
    forgotten = sorted(chosen.difference(graph.order), reverse=True)
    doomed = {
        unit: [item.ref for item in each.result.prune] for unit, each in sets.items() if each.result
    }
    backwards = (*forgotten, *(unit for unit in reversed(graph.order) if unit in chosen))
    return deletion_order(backwards, doomed)


def empty_set(unit: UnitId) -> PlannedSet:
    """Return the plan for a set that Git no longer declares and that owns nothing any more."""
    from orchestrator.workloads.planning.steps import SetPlan

    plan = SetPlan(unit=unit, removed=True)
    return PlannedSet(unit_plan=_unit_plan(plan), result=plan)
