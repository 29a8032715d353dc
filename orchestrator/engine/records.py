"""What the ledger says about a stack: its state and its history."""

from orchestrator.engine.recording import open_store
from orchestrator.engine.session import Session
from orchestrator.engine.turns import is_dead
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.holder import Holder
from orchestrator.plans.history import HistoryLine, Status, UnitStatus
from orchestrator.stack.model import UnitId


def read_status(session: Session) -> Status:
    """Return what the ledger says is applied, declared units first; raises LedgerError."""
    store = open_store(session)
    state, hold = store.read(), store.sight().hold
    holder = hold.holder if hold else None
    declared = tuple(unit.id for unit in session.stack.units)
    forgotten = tuple(unit for unit in state.units if unit not in declared)
    working = holder is not None and not is_dead(session, holder)
    return Status(
        stack=session.stack.name,
        environment=session.stack.environment,
        units=(
            *(_unit(unit, state, declared=True) for unit in declared),
            *(_unit(unit, state, declared=False) for unit in forgotten),
        ),
        unfinished="" if working else _unfinished(state),
        lock=_held_by(holder, working=working) if holder else "",
    )


def read_history(session: Session, limit: int) -> tuple[HistoryLine, ...]:
    """Return up to ``limit`` entries, newest first; raises LedgerError."""
    return tuple(_line(entry) for entry in open_store(session).history(limit))


def _unit(unit: UnitId, state: LedgerState, *, declared: bool) -> UnitStatus:
    record = state.units.get(unit)
    objects = sum(1 for owned in state.inventory if owned.unit == unit)
    if record is None:
        return UnitStatus(unit=unit, objects=objects, declared=declared)
    return UnitStatus(
        unit=unit,
        outcome=record.outcome,
        applied=record.applied,
        at=record.at,
        by=record.by,
        health=record.health,
        objects=objects,
        declared=declared,
        protected=record.protect,
    )


def _held_by(holder: Holder, *, working: bool) -> str:
    told = f"{holder}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    return told if working else f"{told}, whose process has ended"


def _unfinished(state: LedgerState) -> str:
    if state.open is None:
        return ""
    return f"{state.open.message} (by {state.open.run.who}, {state.open.at:%Y-%m-%d %H:%M:%S} UTC)"


def _line(entry: Entry) -> HistoryLine:
    return HistoryLine(
        entry=entry.id,
        at=entry.at,
        who=entry.run.who,
        message=entry.message,
        revision=entry.run.revision,
        outcome=entry.outcome,
        plan=entry.run.plan,
        ci_run=entry.run.ci_run,
    )
