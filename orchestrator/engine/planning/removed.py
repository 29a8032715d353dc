"""Modules that are to be destroyed: read from the revision that applied them, destroyed in reverse order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from orchestrator.engine.planning.infrastructure import make_site, plan_destruction, workspace_of
from orchestrator.engine.planning.planned import Outputs, PlannedModule, Saved
from orchestrator.engine.session import Session, earlier
from orchestrator.errors import InvalidStack, PlanRefused, UsageError
from orchestrator.infrastructure.modules import read_outputs
from orchestrator.infrastructure.workspace import Site
from orchestrator.ledger.entry import UnitRecord
from orchestrator.plans.plan import Revision
from orchestrator.stack.graph import Graph, build_graph
from orchestrator.stack.model import Module, UnitId

_DECLARE_AGAIN = "declare it again, apply, and remove it with a commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where modules to destroy are read from: a session at the revision, its graph and engine."""

    session: Session
    graph: Graph
    modules: Mapping[UnitId, Module]
    site: Site


def origin_of(session: Session) -> Origin:
    """Read a session's modules, and nothing of its manifests; raises InvalidStack, TerraformUnavailable."""
    graph = build_graph(replace(session.stack, manifests=()), {})
    by_id = {module.id: module for module in session.stack.modules}
    modules = {unit: by_id[unit] for unit in graph.order}
    return Origin(session=session, graph=graph, modules=modules, site=make_site(session))


def plan_removed(
    session: Session, records: Iterable[UnitRecord], *, saved: Saved | None = None
) -> dict[UnitId, PlannedModule]:
    """Plan the destruction of modules that Git no longer declares, in the order in which to destroy them.

    Each is destroyed from the source that created it. Raises PlanRefused when that source is gone.
    """
    origins = origins_of(session, records)
    planned = {unit: _plan(origins[unit], unit, saved) for unit in _destruction_order(origins)}
    return {unit: _marked_removed(each) for unit, each in planned.items()}


def origins_of(session: Session, records: Iterable[UnitRecord]) -> dict[UnitId, Origin]:
    """Return where modules that Git no longer declares are read from; raises PlanRefused when that is gone."""
    origins: dict[UnitId, Origin] = {}
    for revision, units in _by_revision(records).items():
        origins |= dict.fromkeys(units, _origin_at(session, revision, units))
    return origins


def _destruction_order(origins: Mapping[UnitId, Origin]) -> tuple[UnitId, ...]:
    """Return units with what depends on others first, each as its own revision has it."""
    needs = {
        unit: [need for need in origins[unit].graph.needs[unit] if need in origins]
        for unit in sorted(origins)
    }
    try:
        return tuple(reversed(tuple(TopologicalSorter(needs).static_order())))
    except CycleError as error:
        units = ", ".join(sorted(origins))
        message = f"{units} were applied at revisions in which they need one another both ways"
        raise PlanRefused(
            message, hint="remove them one by one, with an apply after each"
        ) from error


def plan_destructions(
    origin: Origin, units: Iterable[UnitId], *, saved: Saved | None = None
) -> dict[UnitId, PlannedModule]:
    """Plan the destruction of modules, what depends on others first."""
    chosen = set(units)
    order = [unit for unit in reversed(origin.graph.order) if unit in chosen]
    return {unit: _plan(origin, unit, saved) for unit in order}


def applied_outputs(origin: Origin, modules: Iterable[UnitId]) -> Outputs:
    """Return the outputs that modules' states hold, by module name; None for one without any."""
    places = {
        origin.modules[unit].name: workspace_of(origin.session, origin.site, origin.modules[unit])
        for unit in modules
    }
    return {name: read_outputs(workspace) or None for name, workspace in places.items()}


def _plan(origin: Origin, unit: UnitId, saved: Saved | None) -> PlannedModule:
    needs = tuple(need for need in origin.graph.needs[unit] if need in origin.modules)
    module = origin.modules[unit]
    outputs = applied_outputs(origin, needs)
    return plan_destruction(origin.session, origin.site, module, outputs, saved=saved)


def _marked_removed(planned: PlannedModule) -> PlannedModule:
    return replace(planned, unit_plan=replace(planned.unit_plan, removed=True))


def _by_revision(records: Iterable[UnitRecord]) -> dict[Revision, list[UnitId]]:
    grouped: dict[Revision, list[UnitId]] = {}
    for record in records:
        grouped.setdefault(record.applied or record.revision, []).append(record.unit)
    return grouped


def _origin_at(session: Session, revision: Revision, units: Iterable[UnitId]) -> Origin:
    names = ", ".join(units)
    try:
        origin = origin_of(earlier(session, replace(revision, difference="")))
    except (UsageError, InvalidStack) as error:
        message = f"{names} has to be destroyed from {revision}, and that cannot be read"
        raise PlanRefused(message, hint=_DECLARE_AGAIN, detail=_why(error)) from error
    missing = [unit for unit in units if unit not in origin.modules]
    if missing:
        source = "was applied from uncommitted files" if revision.dirty else "is not declared there"
        message = f"{', '.join(missing)} cannot be destroyed from {revision}: it {source}"
        raise PlanRefused(message, hint=_DECLARE_AGAIN)
    return origin


def _why(error: UsageError | InvalidStack) -> str:
    if isinstance(error, UsageError):
        return error.message
    return "\n".join(map(str, error.mistakes))
