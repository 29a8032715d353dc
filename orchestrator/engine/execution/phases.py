"""The phases of an apply, each carried out as the plan says; what came of every unit is returned, not raised."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from orchestrator import log
from orchestrator.engine.execution.in_turn import in_its_turn
from orchestrator.engine.execution.permissions import Permissions, check_late_unit, check_prune
from orchestrator.engine.execution.retrying import check_again, planned_again, retried
from orchestrator.engine.execution.verification import verify_late_sets
from orchestrator.engine.overtaking import stopping
from orchestrator.engine.planning.connection import identify, open_cluster, refuse_other_cluster
from orchestrator.engine.planning.infrastructure import sealed
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs, PlannedModule
from orchestrator.engine.planning.removed import plan_removed
from orchestrator.engine.planning.workloads import PlannedSet, plan_workloads, pruning_order
from orchestrator.engine.walk import Done, Ending, Failed, Skipped, walk
from orchestrator.errors import Interrupted
from orchestrator.infrastructure.modules import apply_module, workers
from orchestrator.plans.change import Action, Change
from orchestrator.plans.events import Outcome, PhaseStarted, UnitFinished, UnitStarted
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.report import UnitResult
from orchestrator.processes import Stop
from orchestrator.stack.expressions import Output
from orchestrator.stack.model import UnitId
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.applying.pruning import prune
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.planning.steps import SetPlan

T = TypeVar("T")

_SETS_AT_ONCE = 8  # they wait for rollouts most of the time
_PRUNING = frozenset({Action.DELETE, Action.FORGET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What came of one unit: what was done, its outputs, the objects that it owns now and those gone.

    ``seal`` tells, of a module, what it was applied with.
    """

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict)
    owned: tuple[OwnedObject, ...] = ()
    deleted: tuple[ObjectRef, ...] = ()
    seal: str = ""


Endings = dict[UnitId, Ending[Effect]]
Work = Callable[[UnitId, Mapping[UnitId, Effect]], Effect]


def succeeded(endings: Endings) -> bool:
    """Return whether every unit of a phase did what it was to do."""
    return all(isinstance(end, Done) for end in endings.values())


def unit_results(endings: Endings) -> tuple[UnitResult, ...]:
    """Return how the units ended, for the report."""
    return tuple(_result(unit, end) for unit, end in endings.items())


def apply_infrastructure(planned: Planned, allowed: Permissions) -> Endings:
    """Apply the modules along the graph, planning those in their turn that had to wait, or that read what moved."""

    def work(unit: UnitId, done: Mapping[UnitId, Effect]) -> Effect:
        outputs = {each.partition(".")[2]: effect.outputs for each, effect in done.items()}

        def attempt(number: int) -> Effect:
            shown = planned.modules[unit]
            module = in_its_turn(planned, shown, allowed, outputs=outputs, again=number > 1)
            return _apply_module(planned, module, "applying", Outcome.APPLIED)

        return _tried(planned, unit, planned.session.surroundings.stop, attempt)

    at_once = workers(planned.session.surroundings.settings)
    return _walked(planned, "infrastructure", planned.modules, work, at_once=at_once)


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


def known_outputs(endings: Endings) -> Outputs:
    """Return the outputs of the modules that were applied, by module name."""
    return {
        unit.partition(".")[2]: end.value.outputs if isinstance(end, Done) else None
        for unit, end in endings.items()
    }


def apply_workloads(
    planned: Planned,
    sets: Mapping[UnitId, PlannedSet],
    cluster: Cluster,
    *,
    outputs: Outputs,
    allowed: Permissions,
) -> Endings:
    """Apply the sets along the graph, and wait until what they declare is healthy, or a newer revision waits."""
    around = planned.session.surroundings

    def work(unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        shown = sets[unit]

        def attempt(number: int) -> tuple[OwnedObject, ...]:
            if number == 1:
                return _apply_set(planned, shown, cluster, stop)
            again = planned_again(planned, shown, outputs=outputs, cluster=cluster, allowed=allowed)
            return _apply_set(planned, again, cluster, stop)

        try:
            owned = _tried(planned, unit, stop, attempt)
        except Interrupted as error:
            raise _why_stopped(planned, error) from error
        changes = tuple(_changes(_result_of(shown), deletions=False))
        outcome = Outcome.APPLIED if changes else Outcome.UNCHANGED
        return Effect(outcome=outcome, changes=changes, owned=owned)

    declared = [unit for unit, each in sets.items() if not each.unit_plan.removed]
    with stopping(around.stop, around.overtaken) as stop:
        return _walked(planned, "workloads", declared, work, at_once=_SETS_AT_ONCE, stop=stop)


def _apply_set(
    planned: Planned, each: PlannedSet, cluster: Cluster, stop: Stop
) -> tuple[OwnedObject, ...]:
    unit, tell = each.unit_plan.unit, planned.session.surroundings.on_event
    tell(UnitStarted(unit=unit, activity="applying"))
    wait = planned.wanted.manifests[unit].wait
    return apply_set(cluster, _result_of(each), wait=wait, on_event=tell, stop=stop)


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
    around = planned.session.surroundings

    def work(unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        result = _result_of(sets[unit])
        changes = tuple(_changes(result, deletions=True))
        if (
            cluster is None or not result.prune
        ):  # nothing of it is there any more, or none of our business
            return Effect(outcome=Outcome.PRUNED, changes=changes, deleted=result.forgotten)
        around.on_event(UnitStarted(unit=unit, activity="pruning"))

        def attempt(_number: int) -> tuple[ObjectRef, ...]:
            return prune(
                cluster,
                result.prune,
                owner=planned.session.owner,
                on_event=around.on_event,
                stop=around.stop,
            )

        deleted = _tried(planned, unit, around.stop, attempt)
        return Effect(
            outcome=Outcome.PRUNED, changes=changes, deleted=(*deleted, *result.forgotten)
        )

    order = [unit for unit in pruning_order(sets, planned.graph) if _prunes(sets[unit])]
    return _walked(planned, "prune", order, work, at_once=None)


def destroy_infrastructure(planned: Planned) -> Endings:
    """Destroy the modules in the plan's order, what depends on others first."""

    def work(unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        shown = planned.destroyed[unit]

        def attempt(number: int) -> Effect:
            module = shown if number == 1 else _planned_gone(planned, shown)
            return _apply_module(planned, module, "destroying", Outcome.DESTROYED)

        # What a destruction was asked for by hand is not a revision that goes wrong.
        tried = _tried(planned, unit, stop, attempt) if shown.unit_plan.removed else attempt(1)
        return replace(tried, outcome=Outcome.DESTROYED)

    stop = planned.session.surroundings.stop

    return _walked(planned, "destroy", planned.destroyed, work, at_once=None)


def _planned_gone(planned: Planned, shown: PlannedModule) -> PlannedModule:
    """Plan the destruction of a module again that Git no longer declares, and that was destroyed in part."""
    unit = shown.unit_plan.unit
    again = plan_removed(planned.session, [planned.ledger.units[unit]])[unit]
    check_again(shown.unit_plan, again.unit_plan)
    return again


def _tried(planned: Planned, unit: UnitId, stop: Stop, attempt: Callable[[int], T]) -> T:
    """Return what comes of a unit, tried as often as the stack says."""
    policy, tell = planned.session.stack.on_failure, planned.session.surroundings.on_event
    return retried(unit, attempt, policy=policy, stop=stop, tell=tell)


def _apply_module(
    planned: Planned, module: PlannedModule, activity: str, outcome: Outcome
) -> Effect:
    result = module.result
    assert result is not None  # noqa: S101 - planned at the latest a moment ago
    if result.plan_file is None:
        seal = sealed(planned.session, module, state_stamp=result.state_stamp)
        return Effect(outcome=Outcome.UNCHANGED, outputs=result.outputs, seal=seal)
    on_event = planned.session.surroundings.on_event
    on_event(UnitStarted(unit=module.unit_plan.unit, activity=activity))
    applied = apply_module(
        module.workspace, result.plan_file, inputs=module.inputs, on_event=on_event
    )
    seal = sealed(planned.session, module, state_stamp=applied.state_stamp)
    return Effect(outcome=outcome, changes=result.changes, outputs=applied.outputs, seal=seal)


def _changes(result: SetPlan, *, deletions: bool) -> Iterator[Change]:
    for change in result.changes:
        if change.action is not Action.NO_OP and (change.action in _PRUNING) is deletions:
            yield change


def _prunes(planned: PlannedSet) -> bool:
    result = planned.result
    return result is not None and bool(result.prune or result.forgotten or result.removed)


def _walked(
    planned: Planned,
    phase: str,
    units: Iterable[UnitId],
    work: Work,
    *,
    at_once: int | None,
    stop: Stop | None = None,
) -> Endings:
    around, order = planned.session.surroundings, tuple(units)
    if not order:
        return {}
    around.on_event(PhaseStarted(phase=phase, units=order))

    def announce(unit: UnitId, end: Ending[Effect]) -> None:
        result = _result(unit, end)
        log.step("unit ended", unit=unit, outcome=result.outcome, seconds=result.seconds)
        around.on_event(
            UnitFinished(
                unit=unit, outcome=result.outcome, seconds=result.seconds, detail=result.detail
            )
        )

    needs = _one_after_another(order) if at_once is None else planned.graph.needs
    heard = stop or around.stop
    return walk(order, needs, work, workers=at_once or 1, stop=heard, on_end=announce)


def _one_after_another(order: tuple[UnitId, ...]) -> dict[UnitId, tuple[UnitId, ...]]:
    """Return needs by which each unit waits for the one before it, also for its success."""
    return {unit: order[max(0, index - 1) : index] for index, unit in enumerate(order)}


def _result(unit: UnitId, end: Ending[Effect]) -> UnitResult:
    match end:
        case Done(value=effect):
            return UnitResult(
                unit=unit, outcome=effect.outcome, changes=effect.changes, seconds=end.seconds
            )
        case Failed(error=Interrupted() as error):
            return UnitResult(
                unit=unit,
                outcome=Outcome.INTERRUPTED,
                seconds=end.seconds,
                detail=error.message.removeprefix(f"{unit}: "),
                error=error,
            )
        case Failed(error=error):
            return UnitResult(
                unit=unit,
                outcome=Outcome.FAILED,
                seconds=end.seconds,
                detail=error.message.removeprefix(f"{unit}: "),
                error=error,
            )
        case Skipped():
            reason = f"since {', '.join(end.because)} did not succeed" if end.because else "stopped"
            return UnitResult(unit=unit, outcome=Outcome.SKIPPED, detail=reason)
