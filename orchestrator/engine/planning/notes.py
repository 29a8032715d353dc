"""What to know of a plan beside its changes: what it was made from, and what an earlier run left."""

from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.engine.ledgers.aside import FOUND
from orchestrator.engine.planning.planned import PlannedModule
from orchestrator.engine.planning.unknown import UNKNOWN_STATES, begun, told_unbegun
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.store import Store
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import UnitId

_UNDONE: Final = {
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "was interrupted",
    Outcome.PLANNED: "was begun and never finished",
}


def notes_on(
    session: Session,
    ledger: LedgerState,
    modules: Mapping[UnitId, PlannedModule],
    *,
    store: Store,
    refresh: bool,
) -> tuple[str, ...]:
    """Return what to know of a plan as a whole, and of modules that have no state here."""
    whole = _on_the_whole(session, ledger, store, refresh=refresh)
    return (*whole, *_on_states(session.owner, ledger, modules), *_on_torn(modules))


def left_undone(unit: UnitPlan, ledger: LedgerState) -> str:
    """Return what the last run left undone of a unit, or an empty text."""
    record = ledger.units.get(unit.unit)
    if record is None or record.outcome not in _UNDONE:
        return ""
    at = f"{record.at:%Y-%m-%d %H:%M} UTC"
    if record.why == FOUND and record.applied is None:
        return f"{FOUND}, {at}: nobody knows which revision it is at"
    return f"{_UNDONE[record.outcome]} at {record.revision}, {at}"


def _on_the_whole(
    session: Session, ledger: LedgerState, store: Store, *, refresh: bool
) -> Iterator[str]:
    if not refresh:
        yield (
            "made without looking at what exists of the infrastructure (--no-refresh): what others changed since"
            " the last apply is not in this plan"
        )
    if ledger.open is not None:
        from orchestrator.engine.planning.unfinished import told_unfinished

        yield told_unfinished(ledger, store)
    if session.revision.dirty:
        yield "the working tree differs from the commit; applying it needs --allow-dirty"


def _on_states(
    owner: Owner, ledger: LedgerState, modules: Mapping[UnitId, PlannedModule]
) -> Iterator[str]:
    for unit, module in modules.items():
        record = ledger.units.get(unit)
        if record is not None and module.stateless and module.acts:
            yield (
                f"{unit} was {'applied' if record.applied else 'tried'} by {record.by}, and its Terraform state is"
                " not here: what that made is not in this plan"
            )
        elif not begun(ledger) and module.state_stamp and _holds_anything(module):
            yield (
                f"{unit} has a Terraform state, and {told_unbegun(owner, ledger)}: if it was applied here before, its"
                " ledger was deleted, with what it says of protection and of modules that left Git; applying this needs"
                f" --acknowledge {UNKNOWN_STATES}, or orchestrator ledger repair before"
            )


def _holds_anything(module: PlannedModule) -> bool:
    from orchestrator.infrastructure.modules import holds_anything

    return holds_anything(module.workspace)


def _on_torn(modules: Mapping[UnitId, PlannedModule]) -> Iterator[str]:
    if not modules:
        return
    from orchestrator.infrastructure.modules import torn_before

    for unit, module in modules.items():
        if torn := torn_before(module.workspace):
            yield (
                f"{unit}: an apply found no room for its Terraform state, and what it could write is in {torn}: see"
                " whether something of it exists that is in no state, import or delete it, and then remove that file"
            )
