"""The infrastructure half of a plan: every module along the graph, outputs flowing on as they are known."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import cast

from orchestrator import clock
from orchestrator.engine.planning.failures import raise_failures
from orchestrator.engine.planning.planned import Outputs, PlannedModule, Saved, Upstream, outputs_of
from orchestrator.engine.planning.requests import module_request
from orchestrator.engine.session import Session
from orchestrator.engine.walk import values, walk
from orchestrator.errors import InvalidStack
from orchestrator.infrastructure.binary import Binary, find_binary
from orchestrator.infrastructure.modules import (
    ModulePlan,
    Site,
    Unplannable,
    Workspace,
    as_sealed,
    limits_of,
    plan_module,
    plan_shadow,
    prepare,
    reads_data,
    seal_of,
    sweep,
    workers,
)
from orchestrator.infrastructure.traces import trace_of
from orchestrator.ledger.entry import UnitRecord
from orchestrator.plans.events import Outcome, UnitFinished, UnitStarted
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.expressions import (
    Resolution,
    Tree,
    leaves,
    locate_in,
    pending_in,
    resolve,
)
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import Json, Module, Stack, Terraform, UnitId
from orchestrator.stack.paths import value_at
from orchestrator.stack.scope import scope_of


def make_site(session: Session) -> Site:
    """Find the engine that runs the stack's modules, and say where they are worked on.

    What a killed process left there of values is removed. Raises TerraformUnavailable.
    """
    stack, around = session.stack, session.surroundings
    sweep(session.repository.folder)
    return Site(
        binary=_engine(session, stack.terraform),
        settings=around.settings,
        folder=session.repository.folder,
        stack=stack.name,
        environment=stack.environment,
        stop=around.stop,
        secrets=around.secrets,
        passes=stack.terraform.environment,
        limits=limits_of(stack.terraform),
    )


def plan_modules(
    session: Session,
    site: Site,
    graph: Graph,
    modules: Mapping[UnitId, Module],
    *,
    saved: Saved | None = None,
    records: Mapping[UnitId, UnitRecord] | None = None,
) -> dict[UnitId, PlannedModule]:
    """Plan modules side by side along the graph; ``modules`` are those to plan, in the graph's order.

    With ``saved`` nothing is planned anew; with ``records`` only what is not as these say.
    Raises what the modules' planning raised, all of it at once.
    """

    def work(unit: UnitId, done: Mapping[UnitId, PlannedModule]) -> PlannedModule:
        moving = graph.standing_on(each for each, planned in done.items() if planned.moves)
        upstream = Upstream(outputs=outputs_of(done), moving=moving)
        record = records.get(unit) if records else None
        return plan_unit(session, site, modules[unit], upstream, saved=saved, record=record)

    endings = walk(
        tuple(modules),
        graph.needs,
        work,
        workers=workers(session.surroundings.settings),
        stop=session.surroundings.stop,
    )
    raise_failures(endings)
    return values(endings)


def plan_unit(
    session: Session,
    site: Site,
    module: Module,
    upstream: Upstream,
    *,
    saved: Saved | None = None,
    record: UnitRecord | None = None,
) -> PlannedModule:
    """Plan one module with what is known of the modules that it needs.

    A module whose inputs wait for another is planned with what is known, to be shown, and again in its turn. So is one
    that is told to wait for one that is to change, if it reads the world: what it would read now is not what it will
    meet. One that is just as its ``record`` says is not planned at all.
    """
    started = clock.seconds()
    announce = session.surroundings.on_event
    announce(UnitStarted(unit=module.id, activity="planning"))
    found = _resolved(session.stack, module, upstream.outputs, revision=session.revision.commit)
    inputs = cast("dict[str, Tree]", found.value)
    workspace = replace(workspace_of(session, site, module), confided=_confided(found))
    behind = tuple(need for need in module.needs if need in upstream.moving)
    behind = behind if behind and reads_data(workspace) else ()
    waits = tuple(sorted({*pending_in(inputs), *behind}))
    earlier = saved(module.id, workspace) if saved else None
    if waits:
        shadow = plan_shadow(workspace, inputs, behind=bool(behind), on_event=announce)
        planned = _waiting(module, workspace, shadow, waits=waits)
    else:
        known = cast("dict[str, Json]", inputs)
        unlooked = _as_recorded(session, workspace, known, record)
        result = earlier or unlooked or plan_module(workspace, known, on_event=announce)
        _remember(session, result)
        planned = _planned(module, workspace, result, fingerprint=_fingerprint(module))
        if unlooked is not None and record is not None:
            planned = _explained(planned, record)
        planned = replace(planned, inputs=known)
    seconds = clock.seconds() - started
    later = "its turn comes during the apply" if planned.unit_plan.deferred else ""
    announce(UnitFinished(unit=module.id, outcome=Outcome.PLANNED, seconds=seconds, detail=later))
    return planned


def plan_destruction(
    session: Session, site: Site, module: Module, outputs: Outputs, *, saved: Saved | None = None
) -> PlannedModule:
    """Plan the destruction of one module; inputs that nobody can tell any more are left out."""
    announce = session.surroundings.on_event
    workspace = workspace_of(session, site, module)
    known, confided = _told_inputs(session, module, outputs)
    workspace = replace(workspace, confided=confided)
    earlier = saved(module.id, workspace) if saved else None
    result = earlier or plan_module(workspace, known, destroy=True, on_event=announce)
    _remember(session, result)
    return replace(_planned(module, workspace, result, fingerprint=""), inputs=known)


def workspace_of(session: Session, site: Site, module: Module) -> Workspace:
    """Return where a module is worked on, with the engine that it asks for; raises TerraformUnavailable."""
    request = module_request(session.tree, session.stack, module)
    if module.terraform is None:
        return prepare(request, site)
    chosen = module.terraform.over(session.stack.terraform)
    own = replace(
        site,
        binary=_engine(session, chosen),
        passes=chosen.environment,
        limits=limits_of(chosen),
    )
    return prepare(request, own)


def _engine(session: Session, terraform: Terraform) -> Binary:
    """Return what runs modules; a merge that was made on the side is run by its own program, checked out or not."""
    around = session.surroundings
    aside = session.revision.commit == around.aside  # and no earlier one, of units that are gone
    gone = aside and _is_taken_away(session, terraform.binary)
    root = session.tree if gone else session.repository.root
    return find_binary(terraform, around.settings, root, session.tree, aside=aside)


def _is_taken_away(session: Session, program: str) -> bool:
    """Whether a merge takes a program out of Git, which the checkout of its base has."""
    if "/" not in program or (session.tree / program).exists():
        return False
    repository = session.repository
    base = repository.export(repository.revision(session.surroundings.trusted))
    return (base / program).exists()


def resolve_inputs(
    stack: Stack, module: Module, outputs: Outputs, *, revision: str
) -> dict[str, Tree]:
    """Return a module's inputs with references replaced; raises InvalidStack for those that read nothing."""
    found = _resolved(stack, module, outputs, revision=revision)
    return cast("dict[str, Tree]", found.value)


def _resolved(stack: Stack, module: Module, outputs: Outputs, *, revision: str) -> Resolution:
    scope = scope_of(stack, module.id, revision=revision, outputs=outputs)
    resolution = resolve(dict(module.inputs), scope, locate_in(module.places, ("inputs",)))
    if resolution.mistakes:
        raise InvalidStack(resolution.mistakes)
    return resolution


def _confided(resolution: Resolution) -> frozenset[str]:
    """Return the texts and numbers that inputs read from sensitive outputs, however short."""
    return frozenset(
        leaf for path in resolution.sensitive for leaf in leaves(value_at(resolution.value, path))
    )


def _told_inputs(
    session: Session, module: Module, outputs: Outputs
) -> tuple[dict[str, Json], frozenset[str]]:
    """Return the inputs that can still be told, and what is confided in them.

    An output that one of them reads may have gone meanwhile.
    """
    confided: frozenset[str] = frozenset()
    known: dict[str, Json] = {}
    for name in module.inputs:
        alone = replace(module, inputs={name: module.inputs[name]})
        with suppress(InvalidStack):
            found = _resolved(session.stack, alone, outputs, revision=session.revision.commit)
            confided |= _confided(found)
            trees = cast("dict[str, Tree]", found.value)
            known |= {
                each: cast(Json, tree) for each, tree in trees.items() if not pending_in(tree)
            }
    return known, confided


def _waiting(
    module: Module,
    workspace: Workspace,
    shadow: ModulePlan | Unplannable,
    *,
    waits: tuple[str, ...],
) -> PlannedModule:
    """Return a module that is planned again in its turn: as far as that can be shown, or why it cannot."""
    if isinstance(shadow, Unplannable):
        reason = f"planned after {_units_of(waits)} is applied, since it needs {', '.join(waits)}"
        unit_plan = UnitPlan(
            unit=module.id,
            pending=waits,
            deferred=f"{reason}: {shadow.why}",
            code=trace_of(workspace).code,
            effective=True,
        )
        return PlannedModule(
            unit_plan=unit_plan, workspace=workspace, result=None, state_stamp=shadow.state_stamp
        )
    unit_plan = UnitPlan(
        unit=module.id,
        changes=shadow.changes,
        pending=waits,
        warnings=shadow.warnings,
        drift=shadow.drift,
        fingerprint=_fingerprint(module),
        code=trace_of(workspace).code,
        effective=bool(shadow.changes),
    )
    return PlannedModule(
        unit_plan=unit_plan,
        workspace=workspace,
        result=None,
        state_stamp=shadow.state_stamp,
        shadow=shadow,
    )


def _units_of(waits: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(".".join(path.split(".")[:2]) for path in waits))


def _planned(
    module: Module, workspace: Workspace, result: ModulePlan, *, fingerprint: str
) -> PlannedModule:
    unit_plan = UnitPlan(
        unit=module.id,
        changes=result.changes,
        warnings=result.warnings,
        fingerprint=fingerprint,
        drift=result.drift,
        code=trace_of(workspace).code if result.plan_file else "",
        effective=result.plan_file is not None,
    )
    return PlannedModule(
        unit_plan=unit_plan, workspace=workspace, result=result, state_stamp=result.state_stamp
    )


def _as_recorded(
    session: Session, workspace: Workspace, inputs: Mapping[str, Json], record: UnitRecord | None
) -> ModulePlan | None:
    if record is None or record.applied is None or record.applied != record.revision:
        return None
    return as_sealed(workspace, inputs, record.seal, revision=_identity(session))


def _explained(planned: PlannedModule, record: UnitRecord) -> PlannedModule:
    """Return a module that was not planned with the reason."""
    since = f"{record.applied} was applied at {record.at:%Y-%m-%d %H:%M} UTC by {record.by}"
    reason = f"not looked at: nothing changed since {since}"
    return replace(planned, unit_plan=replace(planned.unit_plan, unlooked=reason))


def sealed(session: Session, module: PlannedModule, *, state_stamp: str) -> str:
    """Return the seal of a module that was just applied, or that a plan found as it is wanted."""
    return seal_of(
        module.workspace, module.inputs, state_stamp=state_stamp, revision=_identity(session)
    )


def _identity(session: Session) -> str:
    return f"{session.revision.commit}+{session.revision.difference}"


def _remember(session: Session, result: ModulePlan) -> None:
    """Keep in mind a plan file, which holds secrets in clear text and goes when the run ends."""
    if result.plan_file is not None:
        session.surroundings.plan_files.append(result.plan_file)


def _fingerprint(module: Module) -> str:
    """Return a hash of what is wanted, as Git has it: a hash of resolved values would give short secrets away."""
    wanted = {"source": module.source, "version": module.version, "inputs": dict(module.inputs)}
    canonical = json.dumps(wanted, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
