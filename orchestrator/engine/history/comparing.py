"""What differs between the states after two entries. Pure, but for reading the entries."""

from collections.abc import Iterator, Sequence

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.reading import EVERYTHING, found
from orchestrator.engine.history.runs import entry_line
from orchestrator.engine.history.status import unit_status
from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.plans.history import Comparison, Difference, ObjectDifference, UnitDifference
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.model import UnitId


def read_comparison(book: Book, before: str, after: str) -> Comparison:
    """Compare the states after two entries, named by their ids or how those begin.

    Raises UsageError when one names no entry, LedgerError when the ledger's beginning is not here.
    """
    entries = tuple(book.store.history(EVERYTHING))
    first, second = found(entries, before), found(entries, after)
    states = states_after(tuple(reversed(entries)), {first.id, second.id})
    return Comparison(
        stack=book.owner.stack,
        environment=book.owner.environment,
        before=entry_line(first),
        after=entry_line(second),
        units=tuple(unit_differences(states[first.id], states[second.id])),
        objects=tuple(object_differences(states[first.id], states[second.id])),
    )


def states_after(entries: Sequence[Entry], wanted: set[str]) -> dict[str, LedgerState]:
    """Return the states after the entries with these ids; ``entries`` are all of them, oldest first."""
    if entries and entries[0].previous:
        message = "the beginning of the ledger is not in this clone"
        raise LedgerError(message, hint="fetch all of it: git fetch --unshallow")
    states: dict[str, LedgerState] = {}
    state = LedgerState()
    for entry in entries:
        state = fold(state, entry)
        if entry.id in wanted:
            states[entry.id] = state
    return states


def unit_differences(before: LedgerState, after: LedgerState) -> Iterator[UnitDifference]:
    """Yield the units of which revision, outcome, health or protection differ, sorted."""
    for unit in sorted({*before.units, *after.units}):
        was, now = _unit(unit, before), _unit(unit, after)
        if was != now:
            old, new = before.units.get(unit), after.units.get(unit)
            yield UnitDifference(
                unit=unit,
                before=unit_status(unit, before) if old else None,
                after=unit_status(unit, after) if new else None,
            )


def object_differences(before: LedgerState, after: LedgerState) -> Iterator[ObjectDifference]:
    """Yield the objects that are not as they were, sorted."""
    old = {owned.ref: owned for owned in before.inventory}
    new = {owned.ref: owned for owned in after.inventory}
    for ref in sorted({*old, *new}):
        difference = _difference(old.get(ref), new.get(ref))
        if difference is not None:
            there = new.get(ref) or old[ref]
            moved = difference is Difference.MOVED
            yield ObjectDifference(
                name=str(ref),
                unit=there.unit,
                difference=difference,
                previous=old[ref].unit if moved else "",
            )


def _unit(unit: UnitId, state: LedgerState) -> object:
    record = state.units.get(unit)
    return record and (record.applied, record.outcome, record.health, record.protect)


def _difference(before: OwnedObject | None, after: OwnedObject | None) -> Difference | None:
    if before is None:
        return Difference.ADDED
    if after is None:
        return Difference.GONE
    if before.unit != after.unit:
        return Difference.MOVED
    if before.uid and after.uid and before.uid != after.uid:
        return Difference.MADE_ANEW
    return Difference.CHANGED if before.fingerprint != after.fingerprint else None
