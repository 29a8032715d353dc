"""What a ledger says of a stack now: its units, what is open, what is bad, what was approved."""

from dataclasses import replace
from datetime import datetime

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.stacks import read_vanished, stack_line
from orchestrator.engine.turns import is_dead
from orchestrator.ledger.entry import Entry, LedgerState, UnitRecord
from orchestrator.ledger.holder import Holder
from orchestrator.plans.events import Notice, Outcome
from orchestrator.plans.failed import owed_after
from orchestrator.plans.history import (
    OpenRun,
    StackLine,
    Status,
    UnitStatus,
)
from orchestrator.stack.model import UnitId


def read_status(book: Book, *, others: bool = False) -> Status:
    """Return what the ledger says is applied, declared units first; raises LedgerError.

    It tells that the stack itself is gone from Git, and with ``others`` which else are.
    """
    sight = book.store.sight()
    holder = sight.hold.holder if sight.hold else None
    working = holder is not None and not is_dead(book.session, holder)
    if sight.unsettled and not working:
        text = "this clone has outcomes that could not be recorded: the next apply from here does so first"
        book.session.surroundings.on_event(Notice(text=text))
    status = status_of(book.state, book.declared, stack=book.owner.stack, at_work=working)
    return replace(
        status,
        environment=book.owner.environment,
        lock=_held_by(holder, working=working) if holder else "",
        vanished=_vanished(book, others=others),
    )


def status_of(
    state: LedgerState, declared: tuple[UnitId, ...] | None, *, stack: str, at_work: bool
) -> Status:
    """Return the status that a state tells; ``declared`` are the units in Git, None where that is not known."""
    known = tuple(state.units) if declared is None else declared
    forgotten = tuple(unit for unit in state.units if unit not in known)
    return Status(
        stack=stack,
        environment="",
        units=(
            *(unit_status(unit, state, declared=True) for unit in known),
            *(unit_status(unit, state, declared=False) for unit in forgotten),
        ),
        unfinished=_unfinished(state.open) if state.open and not at_work else "",
        owed=owed_after(state.owed.over, state.owed.revision) if state.owed else "",
        broken_off=_broken_off(state),
        open=open_run(state, at_work=at_work),
        bad=tuple(state.bad.values()),
        approvals=state.approvals,
        healthy=state.healthy,
        suspended=state.suspended,
    )


def unit_status(unit: UnitId, state: LedgerState, *, declared: bool = True) -> UnitStatus:
    """Return what a state says of a unit."""
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
        drift=record.drift,
        why=record.why,
    )


def open_run(state: LedgerState, *, at_work: bool) -> OpenRun | None:
    """Return the run that began and did not finish, with what it had done and what it had not."""
    run = state.open
    if run is None:
        return None
    done = tuple(each.unit for each in run.units if _settled(state.units.get(each.unit), run.at))
    return OpenRun(
        entry=run.id,
        at=run.at,
        who=run.run.who,
        message=run.message,
        at_work=at_work,
        done=done,
        units=tuple(each.unit for each in run.units if each.unit not in done),
    )


def _vanished(book: Book, *, others: bool) -> tuple[StackLine, ...]:
    if others:
        return read_vanished(book.session.surroundings)
    own = stack_line(book.owner, book.state, declared=not book.vanished)
    return (own,) if own.vanished else ()


def _settled(record: UnitRecord | None, began: datetime) -> bool:
    """Whether a record is of that run: an outcome that was recorded after it began."""
    return record is not None and record.outcome is not Outcome.PLANNED and record.at >= began


def _held_by(holder: Holder, *, working: bool) -> str:
    told = f"{holder}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    return told if working else f"{told}, whose process has ended"


def _broken_off(state: LedgerState) -> str:
    """Return what is known of a last run that was interrupted or abandoned: its units may say nothing of it."""
    last = next(iter(state.runs), None)
    if state.open or last is None or last.outcome is not Outcome.INTERRUPTED:
        return ""
    began = f"the last run, {last.operation} at {last.revision}"
    return f"{began} (by {last.who}, {last.at:%Y-%m-%d %H:%M:%S} UTC, entry {last.entry[:10]})"


def _unfinished(run: Entry) -> str:
    return f"{run.message} (by {run.run.who}, {run.at:%Y-%m-%d %H:%M:%S} UTC)"
