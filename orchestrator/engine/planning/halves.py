"""The two halves of a plan, one beside the other as far as they do not wait for each other.

What runs Terraform is imported inside functions: a plan without modules does without it.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.engine.ledgers.opening import kept_in_clone, read_anew
from orchestrator.engine.planning.connection import (
    cluster_pending,
    identify,
    namespaces_of,
    open_cluster,
    refuse_other_cluster,
)
from orchestrator.engine.planning.planned import (
    Outputs,
    PlannedModule,
    Saved,
    outputs_of,
)
from orchestrator.engine.planning.selection import Selection, selected
from orchestrator.engine.planning.unknown import (
    UNKNOWN_OBJECTS,
    refuse_unknown_objects,
    refuse_unseen,
    told_unseen,
    unknown_objects,
)
from orchestrator.engine.planning.wanted import Wanted
from orchestrator.engine.planning.workloads import (
    PlannedSet,
    PlannedSets,
    defer_workloads,
    empty_set,
    plan_new_cluster,
    plan_pruning,
    plan_workloads,
    pruning_order,
)
from orchestrator.engine.session import Session
from orchestrator.errors import ClusterError, PlanRefused
from orchestrator.ledger.entry import LedgerState, UnitRecord
from orchestrator.plans.events import PhaseStarted
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import Module, UnitId

if TYPE_CHECKING:
    from orchestrator.engine.planning.affected import Affected
    from orchestrator.infrastructure.modules import Site
    from orchestrator.workloads.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What both kinds of plan start from."""

    session: Session
    selection: Selection
    wanted: Wanted
    graph: Graph
    touched: "Affected | None"
    ledger: LedgerState
    resources: ExitStack
    saved: Saved | None

    @property
    def inventory(self) -> tuple[OwnedObject, ...]:
        """Return the objects that this plan is about."""
        if self.touched is None:
            return selected(self.ledger, self.selection, self.graph)
        units = {*self.touched.units, *self.touched.removed}
        return tuple(owned for owned in self.ledger.believed if owned.unit in units)

    def gone(self) -> tuple[UnitRecord, ...]:
        """Return the records of modules that Git no longer declares."""
        declared = self.wanted.modules
        return tuple(
            record
            for unit, record in self.ledger.units.items()
            if unit.startswith("modules.") and unit not in declared and self.forgets(unit)
        )

    def forgets(self, unit: UnitId) -> bool:
        """Whether this plan is also about a unit that Git no longer declares."""
        if self.touched is not None:
            return unit in self.touched.removed
        return not self.selection.only


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """Modules to apply, modules to destroy, sets, what carries them out, and ``notes`` on what was not looked at."""

    modules: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    destroyed: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    sets: Mapping[UnitId, PlannedSet] = field(default_factory=dict)
    reached: "Reached | None" = None
    site: "Site | None" = None
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> dict[UnitId, PlannedModule]:
        """Return every module of the plan."""
        return {**self.modules, **self.destroyed}

    @property
    def unit_plans(self) -> tuple[UnitPlan, ...]:
        """Return what would happen to each unit, in the order of the effects."""
        return (
            *(module.unit_plan for module in self.modules.values()),
            *(each.unit_plan for each in self.sets.values()),
            *(module.unit_plan for module in self.destroyed.values()),
        )


def plan_application(basis: Basis) -> Halves:
    """Plan what Git declares, and the removal of what it no longer does; raises what ``make_plan`` does."""
    session, graph, wanted = basis.session, basis.graph, basis.wanted
    announce = session.surroundings.on_event
    announce(PhaseStarted(phase="plan", units=graph.order))
    chosen = {unit: module for unit, module in wanted.modules.items() if unit in graph.order}
    has_sets = any(unit in graph.order for unit in wanted.manifests) or bool(basis.inventory)
    site = _site(basis) if chosen else None
    with ThreadPoolExecutor(max_workers=1) as aside:
        # Importing the client and asking what the cluster serves take about as long as a small plan.
        early = (
            not cluster_pending(session, dict.fromkeys(each.name for each in wanted.stack.modules))
            and has_sets
        )
        dialled = aside.submit(_dial, basis, {}) if early else None
        modules = _modules(basis, site, chosen) if site else {}
        outputs = outputs_of(modules)
        destroyed = _removed(basis)
        reached = dialled.result() if dialled else None
    waits = cluster_pending(session, outputs) if has_sets else ()
    sets: Mapping[UnitId, PlannedSet] = {}
    if waits:
        sets = (
            defer_workloads(wanted, graph, waits)
            if basis.ledger.inventory
            else plan_new_cluster(session, wanted, graph, outputs=outputs, waits=waits)
        )
    elif has_sets:
        reached = reached or _dial(basis, outputs)
        planned = plan_workloads(
            session,
            wanted,
            graph,
            outputs=outputs,
            inventory=basis.inventory,
            cluster=reached.cluster,
        )
        _refuse_unknown(basis, planned)
        sets = planned.sets
    sets = {**sets, **_emptied(basis, sets)}
    return Halves(modules=modules, destroyed=destroyed, sets=sets, reached=reached, site=site)


def _site(basis: Basis) -> "Site":
    from orchestrator.engine.planning.infrastructure import make_site

    return replace(make_site(basis.session), refresh=basis.selection.refresh)


def _modules(
    basis: Basis, site: "Site", chosen: Mapping[UnitId, Module]
) -> dict[UnitId, PlannedModule]:
    from orchestrator.engine.planning.infrastructure import plan_modules

    records = None if site.refresh else basis.ledger.units
    return plan_modules(
        basis.session, site, basis.graph, chosen, saved=basis.saved, records=records
    )


def _removed(basis: Basis) -> dict[UnitId, PlannedModule]:
    gone = basis.gone()
    if not gone:
        return {}
    from orchestrator.engine.planning.removed import plan_removed

    return plan_removed(basis.session, gone, saved=basis.saved)


def plan_destruction(basis: Basis) -> Halves:
    """Plan the end of all that is selected: objects first, then modules, backwards; raises what ``make_plan`` does."""
    from orchestrator.engine.planning.removed import (
        applied_outputs,
        origin_of,
        plan_destructions,
    )

    session, graph, wanted = basis.session, basis.graph, basis.wanted
    session.surroundings.on_event(PhaseStarted(phase="plan", units=graph.order))
    origin = origin_of(session) if wanted.modules else None
    units = [unit for unit in graph.order if unit in wanted.modules]
    outputs = applied_outputs(origin, wanted.modules) if origin else {}
    sets: Mapping[UnitId, PlannedSet] = {}
    reached = None
    unseen: tuple[str, ...] = ()
    if basis.inventory or _may_be_forgotten(basis, outputs):
        _refuse_pending_cluster(session, outputs)
        with _way_out(basis):
            reached = _dial(basis, outputs)
            planned = plan_pruning(session, basis.inventory, reached.cluster)
            unseen = _look_around(basis, planned, reached.cluster)
        sets = planned.sets
    destroyed = {
        **_removed(basis),
        **(plan_destructions(origin, units, saved=basis.saved) if origin else {}),
    }
    sets = {**sets, **_emptied(basis, sets)}
    sets = {unit: sets[unit] for unit in pruning_order(sets, graph)}
    site = origin.site if origin else None
    return Halves(destroyed=destroyed, sets=sets, reached=reached, site=site, notes=unseen)


def _may_be_forgotten(basis: Basis, outputs: Outputs) -> bool:
    """Whether the cluster may have objects of a stack of which nothing is known, so that a destroy would leave them.

    A ledger that was cut short to where the stack had none yet, or no more, looks like any other. The sandbox is not
    started to look: what was in it goes with it.
    """
    session, selection = basis.session, basis.selection
    if selection.only or UNKNOWN_OBJECTS in selection.acknowledged:
        return False
    here = bool(basis.wanted.manifests) and not session.stack.cluster.sandbox
    return here and not cluster_pending(session, outputs)


@contextmanager
def _way_out(basis: Basis) -> Iterator[None]:
    """Say how to go on where a cluster is only asked whether it has what the ledger does not know, and is gone."""
    try:
        yield
    except ClusterError as error:
        if not basis.inventory:
            gone = f"where nothing of this stack is in it, pass --acknowledge {UNKNOWN_OBJECTS}"
            error.hint = f"{error.hint}; or, {gone}" if error.hint else gone
        raise


def _look_around(basis: Basis, planned: PlannedSets, cluster: "Cluster") -> tuple[str, ...]:
    """Refuse to leave what the ledger does not know, also of kinds that nobody names: after a destroy nobody looks.

    Returns what to know of kinds that could not be looked at.
    """
    session, selection = basis.session, basis.selection
    if selection.only or UNKNOWN_OBJECTS in selection.acknowledged:
        _refuse_unknown(basis, planned)
        return ()
    from orchestrator.workloads.rediscovery import look_around

    found = look_around(cluster, session.owner, namespaces_of(session, basis.ledger))
    claimed = {owned for owned in found.objects if owned.ref not in found.spared}
    _refuse_unknown(basis, replace(planned, claimed=tuple(sorted(claimed))))
    unseen = told_unseen(found.unseen, found.silent)
    refuse_unseen(session.owner, unseen, ledger=basis.ledger)
    return unseen


def _refuse_unknown(basis: Basis, planned: PlannedSets) -> None:
    """Refuse to plan beside objects that the ledger should know, and does not; raises PlanRefused, LedgerError."""
    refuse_unknown_objects(
        basis.session.owner,
        lambda ledger: unknown_objects(planned.claimed, planned.wanted, ledger),
        ledger=basis.ledger,
        again=lambda: read_anew(basis.session),
        acknowledged=basis.selection.acknowledged,
        alone=lambda: kept_in_clone(basis.session),
    )


def _emptied(basis: Basis, sets: Mapping[UnitId, PlannedSet]) -> dict[UnitId, PlannedSet]:
    """Return the sets that the ledger knows, that own nothing any more, and that are to be forgotten."""
    kept = {} if basis.selection.destroy else basis.wanted.manifests
    return {
        unit: empty_set(unit)
        for unit in basis.ledger.units
        if unit.startswith("manifests.") and unit not in sets and unit not in kept
        if basis.forgets(unit)
    }


def _refuse_pending_cluster(session: Session, outputs: Outputs) -> None:
    waits = cluster_pending(session, outputs)
    if waits:
        message = f"the objects of this stack cannot be reached: {', '.join(waits)} is not known"
        hint = "apply first, so that the modules which the cluster's address comes from are there"
        raise PlanRefused(message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A cluster, and what identifies it; empty where that may not be known."""

    cluster: "Cluster"
    place: str


def _dial(basis: Basis, outputs: Outputs) -> Reached:
    cluster = open_cluster(basis.session, outputs, basis.resources)
    cluster.kinds()
    import orchestrator.workloads.planning.sets  # noqa: F401  needed in a moment; here it costs Terraform's time

    place, acknowledged = identify(basis.session, cluster), basis.selection.acknowledged
    refuse_other_cluster(basis.session, basis.ledger, place, acknowledged)
    return Reached(cluster=cluster, place=place)
