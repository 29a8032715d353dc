"""Back to healthy workloads after a rollout that failed: the last healthy revision's, on the infrastructure as it is.

It is an apply of its own, that deletes nothing: what the failed revision added stays until the next apply, which
knows of it. No module is touched.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from orchestrator.engine.planning.connection import identify, open_cluster, refuse_other_cluster
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.planning.workloads import PlannedSet, plan_workloads
from orchestrator.engine.session import Session, earlier
from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.change import Action, Change
from orchestrator.plans.falling_back import LeftAlone
from orchestrator.plans.plan import Plan, Revision
from orchestrator.plans.redaction import without_secrets
from orchestrator.plans.remembered import Healthy
from orchestrator.plans.risk import assessed
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import OnFailure

_DELETING = frozenset({Action.DELETE, Action.FORGET})


def revision_to_restore(planned: Planned, state: LedgerState) -> Healthy:
    """Return the last healthy revision, whose workloads are brought back; raises PlanRefused when there is none."""
    if state.healthy is None:
        message = "no revision of this stack was healthy as a whole before"
        raise PlanRefused(message, hint="correct it and apply again")
    revision = state.healthy.revision
    if revision.commit == planned.plan.revision.commit:
        message = f"the last healthy revision is {revision} itself"
        raise PlanRefused(message, hint="something else than Git changed: look at what failed")
    if revision.dirty:
        message = f"the last healthy revision, {revision}, was applied from uncommitted files"
        raise PlanRefused(message, hint="correct it and apply again")
    return state.healthy


def plan_fallback(
    planned: Planned, revision: Revision, state: LedgerState, resources: ExitStack
) -> Planned:
    """Plan the workloads of a revision over a failed run, as far as both have the set, and nothing else.

    Raises PlanRefused, InvalidStack, UsageError, TerraformError, ClusterError, RepositoryError.
    """
    session = _once_only(earlier(planned.session, revision))
    wanted = read_wanted(session.tree, session.stack)
    graph = wanted.graph.restrict(unit for unit in wanted.manifests if unit in planned.sets)
    outputs = _outputs(session, wanted)
    cluster = open_cluster(session, outputs, resources)
    place = identify(session, cluster)
    refuse_other_cluster(session, state, place, frozenset())
    planned_sets = plan_workloads(
        session, wanted, graph, outputs=outputs, inventory=state.inventory, cluster=cluster
    ).sets
    sets = {unit: _kept(planned_sets[unit]) for unit in graph.order}
    _check_known(sets, outputs)
    return Planned(
        session=session,
        selection=planned.selection,
        wanted=wanted,
        graph=graph,
        store=planned.store,
        ledger=state,
        plan=_plan(session, sets, state),
        site=None,
        cluster=cluster,
        place=place,
        sets=sets,
    )


def _outputs(session: Session, wanted: Wanted) -> Outputs:
    """Return what the states of the modules hold by now."""
    if not wanted.modules:
        return {}
    from orchestrator.engine.planning.removed import applied_outputs, origin_of

    return applied_outputs(origin_of(session), wanted.modules)


def leaving(back: Planned, left: Sequence[LeftAlone]) -> Planned:
    """Return the plan of a fallback without what is left as it is."""
    alone = {(each.unit, each.name) for each in left}
    sets = {unit: _without(planned, alone) for unit, planned in back.sets.items()}
    units = tuple(
        replace(
            unit,
            changes=tuple(each for each in unit.changes if (unit.unit, each.name) not in alone),
            effective=sets[unit.unit].unit_plan.effective,
        )
        for unit in back.plan.units
    )
    return replace(back, sets=sets, plan=replace(back.plan, units=units))


def _once_only(session: Session) -> Session:
    """Return a session in which nothing follows a failure: this is what follows one."""
    return replace(session, stack=replace(session.stack, on_failure=OnFailure()))


def _kept(planned: PlannedSet) -> PlannedSet:
    """Return a set's plan without deletions."""
    return _with_changes(planned, lambda change: change.action not in _DELETING)


def _without(planned: PlannedSet, alone: Collection[tuple[UnitId, str]]) -> PlannedSet:
    unit = planned.unit_plan.unit
    return _with_changes(planned, lambda change: (unit, change.name) not in alone)


def _with_changes(planned: PlannedSet, keep: Callable[[Change], bool]) -> PlannedSet:
    """Return a set's plan with some of its changes alone, and nothing that is deleted."""
    result = planned.result
    assert result is not None  # noqa: S101 - the cluster was looked at
    changes = tuple(filter(keep, result.changes))
    dropped = {change.name for change in result.changes} - {change.name for change in changes}
    steps = tuple(step for step in result.steps if str(step.ref) not in dropped)
    unit_plan = replace(
        planned.unit_plan,
        changes=changes,
        effective=any(change.action is not Action.NO_OP for change in changes),
    )
    kept = replace(result, changes=changes, steps=steps, prune=(), forgotten=())
    return PlannedSet(unit_plan=unit_plan, result=kept)


def _check_known(sets: Mapping[UnitId, PlannedSet], outputs: Outputs) -> None:
    waits = sorted({path for each in sets.values() for path in each.unit_plan.pending})
    if waits:
        known = ", ".join(name for name, found in outputs.items() if found is not None) or "nothing"
        raise PlanRefused(
            f"its workloads read {', '.join(waits)}, which the infrastructure as it is does not give",
            hint=f"what is known comes from: {known}; correct it and apply again",
        )


def _plan(session: Session, sets: Mapping[UnitId, PlannedSet], state: LedgerState) -> Plan:
    secrets, risks = session.surroundings.secrets, session.stack.risks
    return Plan(
        stack=session.stack.name,
        environment=session.stack.environment,
        revision=session.revision,
        units=tuple(
            assessed(without_secrets(each.unit_plan, secrets), risks, before=state.risks(unit))
            for unit, each in sets.items()
        ),
    )
