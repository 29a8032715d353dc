"""The sets of an apply, each carried out as the plan says, and planned again where it had to wait for modules."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from orchestrator.engine.execution.effects import Effect, Endings, carried_out, known_outputs, tried
from orchestrator.engine.execution.permissions import Permissions, check_late_unit, check_prune
from orchestrator.engine.execution.retrying import planned_again
from orchestrator.engine.execution.verification import verify_late_sets
from orchestrator.engine.overtaking import stopping
from orchestrator.engine.planning.connection import identify, open_cluster, refuse_other_cluster
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.workloads import PlannedSet, plan_workloads, pruning_order
from orchestrator.engine.walk import Done
from orchestrator.errors import Interrupted
from orchestrator.plans.change import Action, Change
from orchestrator.plans.events import Outcome, UnitStarted
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId, Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.applying.pruning import prune
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.planning.steps import SetPlan

_SETS_AT_ONCE = 8  # they wait for rollouts most of the time
_PRUNING = frozenset({Action.DELETE, Action.FORGET})


def late_sets(
    planned: Planned, endings: Endings, allowed: Permissions, resources: ExitStack
) -> tuple[Mapping[UnitId, PlannedSet], Cluster | None]:
    """Return the sets with every value known, refusing what the plan did not show, and their cluster.

    The cluster is looked at again also when nothing was pending but the infrastructure took its time: others
    may have been there meanwhile. Raises PlanRefused, ClusterError.
    """
    waited = any(isinstance(end, Done) and end.value.changes for end in endings.values())
    pending = any(each.unit_plan.pending for each in planned.sets.values())
    if not pending and not (waited and planned.cluster):
        return planned.sets, planned.cluster
    outputs = known_outputs(endings)
    cluster = planned.cluster or _opened(planned, outputs, allowed, resources)
    late = plan_workloads(
        planned.session,
        planned.wanted,
        planned.graph,
        outputs=outputs,
        inventory=planned.inventory,
        cluster=cluster,
    ).sets
    for each in late.values():
        check_late_unit(planned, each.unit_plan, allowed)
        allowed.within(step.ref for step in (each.result.steps if each.result else ()))
    verify_late_sets(planned.sets, late, allowed)
    check_prune(planned, [each.unit_plan for each in late.values()], allowed)
    return {**planned.sets, **late}, cluster  # with those that own nothing and are to be forgotten


def _opened(
    planned: Planned, outputs: Outputs, allowed: Permissions, resources: ExitStack
) -> Cluster:
    cluster = open_cluster(planned.session, outputs, resources)
    place = identify(planned.session, cluster)
    refuse_other_cluster(planned.session, planned.ledger, place, allowed.acknowledged)
    return cluster


def apply_workloads(
    planned: Planned,
    sets: Mapping[UnitId, PlannedSet],
    cluster: Cluster,
    *,
    outputs: Outputs,
    allowed: Permissions,
    sent: dict[UnitId, Sent],
) -> Endings:
    """Apply the sets along the graph, and wait until what they declare is healthy, or a newer revision waits.

    ``sent`` gets what became of their objects, in case that they do not.
    """
    around = planned.session.surroundings

    def work(counting: Planned, unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        shown, so_far = sets[unit], sent.setdefault(unit, Sent())

        def attempt(number: int) -> tuple[OwnedObject, ...]:
            each = shown
            if number > 1:
                each = planned_again(
                    planned, shown, so_far, outputs=outputs, cluster=cluster, allowed=allowed
                )
            return _apply_set(counting, each, cluster, stop=stop, sent=so_far)

        try:
            owned = tried(planned, unit, stop, attempt)
        except Interrupted as error:
            raise _why_stopped(planned, error) from error
        changes = tuple(_changes(_result_of(shown), deletions=False))
        outcome = Outcome.APPLIED if changes else Outcome.UNCHANGED
        return Effect(outcome=outcome, changes=changes, owned=owned)

    declared = [unit for unit, each in sets.items() if not each.unit_plan.removed]
    with stopping(around.stop, around.overtaken) as stop:
        return carried_out(planned, "workloads", declared, work, at_once=_SETS_AT_ONCE, stop=stop)


def _apply_set(
    planned: Planned, each: PlannedSet, cluster: Cluster, *, stop: Stop, sent: Sent
) -> tuple[OwnedObject, ...]:
    unit, tell = each.unit_plan.unit, planned.session.surroundings.on_event
    tell(UnitStarted(unit=unit, activity="applying"))
    wait = planned.wanted.manifests[unit].wait
    return apply_set(cluster, _result_of(each), wait=wait, on_event=tell, stop=stop, sent=sent)


def _result_of(each: PlannedSet) -> SetPlan:
    assert each.result is not None  # noqa: S101 - every set was planned by now
    return each.result


def _why_stopped(planned: Planned, error: Interrupted) -> Interrupted:
    around = planned.session.surroundings
    return around.overtaken.error() if around.overtaken.by and not around.stop.requested else error


def prune_workloads(
    planned: Planned, sets: Mapping[UnitId, PlannedSet], cluster: Cluster | None
) -> Endings:
    """Delete what no set wants any more, the last set first; one failure keeps the rest from starting."""

    def work(counting: Planned, unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        around = counting.session.surroundings
        result = _result_of(sets[unit])
        changes = tuple(_changes(result, deletions=True))
        # Nothing of it is there any more, or none of our business.
        if cluster is None or not result.prune:
            return Effect(outcome=Outcome.PRUNED, changes=changes, deleted=result.forgotten)
        around.on_event(UnitStarted(unit=unit, activity="pruning"))

        def attempt(_number: int) -> tuple[ObjectRef, ...]:
            return prune(
                cluster,
                result.prune,
                owner=planned.session.owner,
                on_event=around.on_event,
                stop=around.stop,
                timeout=_patience(planned, unit),
            )

        deleted = tried(planned, unit, around.stop, attempt)
        return Effect(
            outcome=Outcome.PRUNED, changes=changes, deleted=(*deleted, *result.forgotten)
        )

    order = [unit for unit in pruning_order(sets, planned.graph) if _prunes(sets[unit])]
    return carried_out(planned, "prune", order, work, at_once=None)


def _patience(planned: Planned, unit: UnitId) -> float:
    """Return how many seconds a deletion may take: what a set says of health, and the default for one that left Git."""
    sets = planned.wanted.stack.manifests  # also those that a destroy does not want
    return next((declared.wait for declared in sets if declared.id == unit), Wait()).timeout


def _changes(result: SetPlan, *, deletions: bool) -> Iterator[Change]:
    for change in result.changes:
        if change.action is not Action.NO_OP and (change.action in _PRUNING) is deletions:
            yield change


def _prunes(planned: PlannedSet) -> bool:
    result = planned.result
    return result is not None and bool(result.prune or result.forgotten or result.removed)
