"""Plan: what is wanted against what is there, in both halves, as one plan that can be executed as it stands."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.planning.connection import (
    cluster_pending,
    identify,
    open_cluster,
    refuse_other_cluster,
)
from orchestrator.engine.planning.elsewhere import left_elsewhere
from orchestrator.engine.planning.infrastructure import (
    Outputs,
    PlannedModule,
    Saved,
    make_site,
    outputs_of,
    plan_modules,
)
from orchestrator.engine.planning.notes import left_undone, notes_on
from orchestrator.engine.planning.removed import (
    applied_outputs,
    origin_of,
    plan_destructions,
    plan_removed,
)
from orchestrator.engine.planning.standing import (
    notes_on_failure,
    protected,
    with_approvals,
    with_lifting,
    with_loosening,
)
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.planning.workloads import (
    PlannedSet,
    defer_workloads,
    empty_set,
    plan_new_cluster,
    plan_pruning,
    plan_workloads,
    pruning_order,
)
from orchestrator.engine.recording import open_store
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.infrastructure.modules import Site, discard_plan
from orchestrator.ledger.entry import LedgerState, UnitRecord
from orchestrator.ledger.store import Store
from orchestrator.plans.events import PhaseStarted
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Plan, addresses
from orchestrator.plans.redaction import without_secrets
from orchestrator.plans.risk import assessed
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import UnitId

if TYPE_CHECKING:
    from orchestrator.engine.planning.affected import Affected
    from orchestrator.workloads.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to plan: everything, or the units named in ``only`` with all that goes with them; or its destruction.

    ``since`` names a revision and takes what changed after it; such a plan is there to be looked at.
    ``refresh`` says whether to look at what really exists of the infrastructure. ``acknowledged`` is what a person
    named that a plan would be refused for otherwise.
    """

    only: tuple[str, ...] = ()
    since: str = ""
    destroy: bool = False
    refresh: bool = True
    acknowledged: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether this is an apply of everything that there is."""
        return not (self.only or self.since or self.destroy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with all that executing it takes.

    ``modules`` are to be applied and ``destroyed`` to be destroyed, each in the order of the effects;
    ``sets`` hold what is applied and what is pruned. ``ledger`` is the state that the plan was made against.
    ``cluster`` is None when the plan needs none, or when its address is known only after an apply; ``place``
    identifies it, and is empty where that is not known.
    """

    session: Session
    selection: Selection
    wanted: Wanted
    graph: Graph
    store: Store
    ledger: LedgerState
    plan: Plan
    site: Site | None
    cluster: "Cluster | None"
    place: str
    modules: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    destroyed: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    sets: Mapping[UnitId, PlannedSet] = field(default_factory=dict)

    @property
    def inventory(self) -> tuple[OwnedObject, ...]:
        """Return the objects that this plan is about: all, or those of the units selected."""
        return _selected(self.ledger, self.selection, self.graph)

    @property
    def protected(self) -> frozenset[UnitId]:
        """Return the units that must not be destroyed unless that is acknowledged by name."""
        return protected(self.wanted.stack, self.ledger)


def make_plan(
    session: Session, selection: Selection, resources: ExitStack, *, saved: Saved | None = None
) -> Planned:
    """Plan a session's stack; files and connections that the plan needs are left with ``resources``.

    ``saved`` gives modules as an earlier plan has them, so that they are not planned anew.
    Raises InvalidStack with all mistakes, TerraformError, ClusterError, SandboxError, LedgerError.
    """
    store = open_store(session)
    ledger = read_present(session, store)
    wanted = read_wanted(
        session.tree, session.stack, memory=session.repository.folder / "manifests"
    )
    touched = _touched(session, wanted, selection)
    graph = _chosen(wanted.graph, selection, touched)
    basis = _Basis(
        session=session,
        selection=selection,
        wanted=wanted,
        graph=graph,
        touched=touched,
        ledger=ledger,
        resources=resources,
        saved=saved,
    )
    _spare_names(session, wanted, ledger)
    resources.callback(_discard_plans, session.surroundings.plan_files)
    with ThreadPoolExecutor(max_workers=1) as aside:  # a remote answers while Terraform is at work
        elsewhere = aside.submit(left_elsewhere, session)
        halves = _plan_destruction(basis) if selection.destroy else _plan_application(basis)
    unit_plans = (
        *(module.unit_plan for module in halves.modules.values()),
        *(each.unit_plan for each in halves.sets.values()),
        *(module.unit_plan for module in halves.destroyed.values()),
    )
    session.surroundings.secrets.spare(addresses(unit_plans))
    plan = Plan(
        stack=session.stack.name,
        environment=session.stack.environment,
        revision=session.revision,
        units=tuple(
            replace(
                assessed(
                    without_secrets(unit, session.surroundings.secrets),
                    session.stack.risks,
                    before=ledger.risks(unit.unit),
                ),
                unsettled=left_undone(unit, ledger),
            )
            for unit in with_lifting(unit_plans, session.stack, ledger, destroy=selection.destroy)
        ),
        destroy=selection.destroy,
        notes=(
            *notes_on_failure(session.revision, ledger),
            *notes_on(session, ledger, halves.known, store=store, refresh=selection.refresh),
            *elsewhere.result(),
        ),
        since=touched.since if touched else None,
    )
    if selection.whole:
        plan = with_loosening(plan, session.stack, ledger)
    plan = with_approvals(plan, session, ledger, selection.acknowledged)
    if selection.whole and _leads_on(session, ledger):
        from orchestrator.engine.planning.restoring import with_restored

        plan = with_restored(plan, session, wanted=wanted, ledger=ledger, store=store)
    return Planned(
        session=session,
        selection=selection,
        wanted=wanted,
        graph=graph,
        store=store,
        ledger=ledger,
        plan=plan,
        site=halves.site,
        cluster=halves.reached.cluster if halves.reached else None,
        place=halves.reached.place if halves.reached else "",
        modules=halves.modules,
        destroyed=halves.destroyed,
        sets=halves.sets,
    )


def _spare_names(session: Session, wanted: Wanted, ledger: LedgerState) -> None:
    """Leave readable what stands in Git and in the ledger anyway: a value may be the same word by chance."""
    units = {unit.id for unit in wanted.stack.units} | {*ledger.units}
    secrets = session.surroundings.secrets
    secrets.spare([session.owner, *units, *(owned.ref for owned in ledger.inventory)])


def _touched(session: Session, wanted: Wanted, selection: Selection) -> "Affected | None":
    if not selection.since:
        return None
    from orchestrator.engine.planning.affected import affected

    return affected(session, wanted, selection.since)


def _leads_on(session: Session, ledger: LedgerState) -> bool:
    """Whether this is another revision than the one that was applied last, if any was."""
    last = ledger.runs[0] if ledger.runs else None
    at_rest = last and last.succeeded and last.revision == session.revision and not ledger.open
    return last is not None and not at_rest


def _discard_plans(files: list[Path]) -> None:
    for file in files:
        discard_plan(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
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
            return _selected(self.ledger, self.selection, self.graph)
        units = {*self.touched.units, *self.touched.removed}
        return tuple(owned for owned in self.ledger.inventory if owned.unit in units)

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


def _chosen(graph: Graph, selection: Selection, touched: "Affected | None") -> Graph:
    if touched is not None:
        return graph.restrict(touched.units)
    if not selection.only:
        return graph
    if selection.destroy:  # what they need may be needed by others too; what needs them would break
        return graph.select_dependants(selection.only)
    return graph.select(selection.only)


def _selected(ledger: LedgerState, selection: Selection, graph: Graph) -> tuple[OwnedObject, ...]:
    if not selection.only:
        return ledger.inventory
    return tuple(owned for owned in ledger.inventory if owned.unit in graph.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Halves:
    """Modules to apply, modules to destroy, sets, and what carries them out."""

    modules: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    destroyed: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    sets: Mapping[UnitId, PlannedSet] = field(default_factory=dict)
    reached: "Reached | None" = None
    site: Site | None = None

    @property
    def known(self) -> dict[UnitId, PlannedModule]:
        return {**self.modules, **self.destroyed}


def _plan_application(basis: _Basis) -> _Halves:
    session, graph, wanted = basis.session, basis.graph, basis.wanted
    announce = session.surroundings.on_event
    announce(PhaseStarted(phase="plan", units=graph.order))
    chosen = {unit: module for unit, module in wanted.modules.items() if unit in graph.order}
    has_sets = any(unit in graph.order for unit in wanted.manifests) or bool(basis.inventory)
    refresh = basis.selection.refresh
    site = replace(make_site(session), refresh=refresh) if chosen else None
    records = None if refresh else basis.ledger.units
    with ThreadPoolExecutor(max_workers=1) as aside:
        # Importing the client and asking what the cluster serves take about as long as a small plan.
        early = (
            not cluster_pending(session, dict.fromkeys(each.name for each in wanted.stack.modules))
            and has_sets
        )
        dialled = aside.submit(_dial, basis, {}) if early else None
        modules = (
            plan_modules(session, site, graph, chosen, saved=basis.saved, records=records)
            if site
            else {}
        )
        outputs = outputs_of(modules)
        destroyed = plan_removed(session, basis.gone(), saved=basis.saved)
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
        sets = plan_workloads(
            session,
            wanted,
            graph,
            outputs=outputs,
            inventory=basis.inventory,
            cluster=reached.cluster,
        )
    sets = {**sets, **_emptied(basis, sets)}
    return _Halves(modules=modules, destroyed=destroyed, sets=sets, reached=reached, site=site)


def _plan_destruction(basis: _Basis) -> _Halves:
    session, graph, wanted = basis.session, basis.graph, basis.wanted
    session.surroundings.on_event(PhaseStarted(phase="plan", units=graph.order))
    origin = origin_of(session) if wanted.modules else None
    units = [unit for unit in graph.order if unit in wanted.modules]
    outputs = applied_outputs(origin, wanted.modules) if origin else {}
    sets: Mapping[UnitId, PlannedSet] = {}
    reached = None
    if basis.inventory:
        _refuse_pending_cluster(session, outputs)
        reached = _dial(basis, outputs)
        sets = plan_pruning(session, basis.inventory, reached.cluster)
    destroyed = {
        **plan_removed(session, basis.gone(), saved=basis.saved),
        **(plan_destructions(origin, units, saved=basis.saved) if origin else {}),
    }
    sets = {**sets, **_emptied(basis, sets)}
    sets = {unit: sets[unit] for unit in pruning_order(sets, graph)}
    site = origin.site if origin else None
    return _Halves(destroyed=destroyed, sets=sets, reached=reached, site=site)


def _emptied(basis: _Basis, sets: Mapping[UnitId, PlannedSet]) -> dict[UnitId, PlannedSet]:
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


def _dial(basis: _Basis, outputs: Outputs) -> Reached:
    cluster = open_cluster(basis.session, outputs, basis.resources)
    cluster.kinds()
    import orchestrator.workloads.planning.sets  # noqa: F401  needed in a moment; here it costs Terraform's time

    place, acknowledged = identify(basis.session, cluster), basis.selection.acknowledged
    refuse_other_cluster(basis.session, basis.ledger, place, acknowledged)
    return Reached(cluster=cluster, place=place)
