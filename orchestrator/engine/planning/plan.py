"""Plan: what is wanted against what is there, in both halves, as one plan that can be executed as it stands."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.planning.elsewhere import left_elsewhere
from orchestrator.engine.planning.foreign import refuse_a_foreign_ledger
from orchestrator.engine.planning.halves import Basis, Halves, plan_application, plan_destruction
from orchestrator.engine.planning.notes import left_undone, notes_on
from orchestrator.engine.planning.places import with_place
from orchestrator.engine.planning.planned import PlannedModule, Saved
from orchestrator.engine.planning.selection import Selection, chosen, selected
from orchestrator.engine.planning.standing import (
    failed_before,
    heirs_of,
    notes_on_failure,
    notes_on_heirs,
    notes_on_protection,
    protected,
    with_approvals,
    with_lifting,
    with_loosening,
)
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.planning.workloads import (
    PlannedSet,
    intended_by,
)
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.store import Store
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Plan, UnitPlan, addresses
from orchestrator.plans.redaction import without_secrets
from orchestrator.plans.risk import assessed
from orchestrator.stack.graph import Graph
from orchestrator.stack.model import UnitId

if TYPE_CHECKING:
    from orchestrator.engine.planning.affected import Affected
    from orchestrator.infrastructure.modules import Site
    from orchestrator.workloads.cluster import Cluster


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
    site: "Site | None"
    cluster: "Cluster | None"
    place: str
    modules: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    destroyed: Mapping[UnitId, PlannedModule] = field(default_factory=dict)
    sets: Mapping[UnitId, PlannedSet] = field(default_factory=dict)

    @property
    def inventory(self) -> tuple[OwnedObject, ...]:
        """Return the objects that this plan is about: all, or those of the units selected."""
        return selected(self.ledger, self.selection, self.graph)

    @property
    def protected(self) -> frozenset[UnitId]:
        """Return the units that must not be destroyed unless that is acknowledged by name."""
        return protected(self.wanted.stack, self.ledger)


def make_plan(
    session: Session, selection: Selection, resources: ExitStack, *, saved: Saved | None = None
) -> Planned:
    """Plan a session's stack; files and connections that the plan needs are left with ``resources``.

    ``saved`` gives modules as an earlier plan has them, so that they are not planned anew.
    Raises InvalidStack with all mistakes, TerraformError, ClusterError, SandboxError, LedgerError, PlanRefused.
    """
    store = open_store(session)
    ledger = read_present(session, store)
    refuse_a_foreign_ledger(session, ledger, store.title, selection.acknowledged)
    wanted = read_wanted(
        session.tree, session.stack, memory=session.repository.folder / "manifests"
    )
    touched = _touched(session, wanted, selection)
    graph = chosen(wanted.graph, selection, touched)
    basis = Basis(
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
        halves = plan_destruction(basis) if selection.destroy else plan_application(basis)
    plan = _joined(basis, halves, store, elsewhere=elsewhere.result())
    return Planned(
        session=session,
        selection=selection,
        wanted=wanted,
        graph=graph,
        store=store,
        ledger=ledger,
        plan=_with_other_revisions(plan, basis, store),
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


def _discard_plans(files: list[Path]) -> None:
    if not files:
        return
    from orchestrator.infrastructure.modules import discard_plan

    for file in files:
        discard_plan(file)


def _joined(basis: Basis, halves: Halves, store: Store, *, elsewhere: tuple[str, ...]) -> Plan:
    """Return both halves as one plan, with what is to be said of the whole, and who approved it."""
    session, selection, ledger = basis.session, basis.selection, basis.ledger
    stack, units = session.stack, halves.unit_plans
    session.surroundings.secrets.spare(addresses(units))
    heirs = heirs_of(intended_by(halves.sets), stack, ledger)
    lifted = with_lifting(units, stack, ledger, heirs=heirs, destroy=selection.destroy)
    plan = Plan(
        stack=stack.name,
        environment=stack.environment,
        revision=session.revision,
        units=tuple(_for_people(unit, basis) for unit in lifted),
        destroy=selection.destroy,
        notes=(
            *notes_on_failure(session.revision, ledger),
            *notes_on_heirs(heirs, stack, ledger),
            *notes_on_protection(units, stack, ledger, selection.acknowledged),
            *notes_on(session, ledger, halves.known, store=store, refresh=selection.refresh),
            *halves.notes,
            *elsewhere,
        ),
        since=basis.touched.since if basis.touched else None,
        failed=failed_before(session.revision, ledger) is not None,
    )
    if selection.whole:
        plan = with_loosening(plan, stack, ledger)
    return with_approvals(plan, session, ledger, selection.acknowledged)


def _for_people(unit: UnitPlan, basis: Basis) -> UnitPlan:
    """Return a unit's plan as it is shown and approved: bound to its place, without secrets, with its risks."""
    session, ledger = basis.session, basis.ledger
    placed = with_place(unit, session.tree, basis.wanted)
    shown = without_secrets(placed, session.surroundings.secrets)
    found = assessed(shown, session.stack.risks, before=ledger.risks(unit.unit))
    return replace(found, unsettled=left_undone(unit, ledger))


def _with_other_revisions(plan: Plan, basis: Basis, store: Store) -> Plan:
    """Return a plan with what it lacks of newer revisions, and which earlier one it goes back to."""
    session, ledger = basis.session, basis.ledger
    if not (basis.selection.whole and _leads_on(session, ledger)):
        return plan
    from orchestrator.engine.planning.behind import with_lacking
    from orchestrator.engine.planning.restoring import with_restored

    if not basis.selection.destroy:
        plan = with_lacking(plan, session, ledger)
    return with_restored(plan, session, wanted=basis.wanted, ledger=ledger, store=store)


def _leads_on(session: Session, ledger: LedgerState) -> bool:
    """Whether this is another revision than the one that was applied last, if any was."""
    last = ledger.runs[0] if ledger.runs else None
    at_rest = last and last.succeeded and last.revision == session.revision and not ledger.open
    return last is not None and not at_rest
