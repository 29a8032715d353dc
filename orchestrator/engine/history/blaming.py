"""Which run last changed a unit, an object or a resource: by the recorded plans, and by the inventory."""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.reading import at_work, looks
from orchestrator.engine.history.runs import RecordedRun, endings_of, line_of, runs_of
from orchestrator.engine.history.subjects import Subject, find_subject, subjects_of, unknown
from orchestrator.ledger.entry import Kind, Operation
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Blame, Trace
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.record import PlannedChange, PlannedUnit
from orchestrator.stack.model import UnitId

_CHANGED = frozenset({Outcome.APPLIED, Outcome.PRUNED, Outcome.DESTROYED})
_TRIED = frozenset({Outcome.FAILED, Outcome.INTERRUPTED, Outcome.PLANNED})


def read_blame(book: Book, name: str) -> Blame:
    """Return which run last changed what is called so; raises UsageError for what the ledger does not know."""
    working = at_work(book)
    runs: Sequence[RecordedRun] = ()
    for look in looks(book):
        runs = runs_of(look.entries, book.state, at_work=working)
        subject = find_subject(name, subjects_of(book.state, runs))
        if subject is None:
            continue
        traces = tuple(traces_of(runs, subject, all_runs=look.all))
        if look.all or any(trace.certain for trace in traces):
            return _blame(book, subject, traces)
    raise unknown(name, subjects_of(book.state, runs), where=str(book.owner))


def traces_of(runs: Sequence[RecordedRun], subject: Subject, *, all_runs: bool) -> Iterator[Trace]:
    """Yield the runs that changed something, or may have, newest first.

    ``runs`` are newest first; ``all_runs`` says that there are no older ones.
    """
    for index, run in enumerate(runs):
        how = tuple(_planned(run, subject))
        units = {unit for unit, _ in how} or {subject.unit}
        made = _made_by(runs[index:], subject, all_runs=all_runs)
        outcome = _outcome(run, units)
        if outcome is None or not (subject.name == subject.unit or how or made):
            continue
        if outcome in _CHANGED | _TRIED or made:
            yield Trace(
                run=line_of(run),
                outcome=outcome,
                certain=made or outcome in _CHANGED,
                how=tuple(change for _, change in how),
            )


def _blame(book: Book, subject: Subject, traces: Sequence[Trace]) -> Blame:
    certain = next((index for index, trace in enumerate(traces) if trace.certain), len(traces))
    return Blame(
        stack=book.owner.stack,
        environment=book.owner.environment,
        name=subject.name,
        unit=subject.unit,
        changed=traces[certain] if certain < len(traces) else None,
        attempts=tuple(traces[:certain]),
    )


def _planned(run: RecordedRun, subject: Subject) -> Iterator[tuple[UnitId, PlannedChange]]:
    """Yield what a run was going to do to a thing, by the unit; of a unit, everything."""
    for unit in run.plan.units if run.plan else ():
        if unit.unit != subject.unit and not subject.is_object:
            continue
        for change in unit.changes:
            if subject.name in {change.name, unit.unit}:
                yield unit.unit, change


def _outcome(run: RecordedRun, units: Iterable[UnitId]) -> Outcome | None:
    endings = {each.unit: each.outcome for each in endings_of(run)}
    return next((endings[unit] for unit in units if unit in endings), None)


def _made_by(runs: Sequence[RecordedRun], subject: Subject, *, all_runs: bool) -> bool:
    """Return whether the inventory tells that the first of these runs changed an object.

    That is asked where its plan cannot tell: of a unit that was planned in its turn, and of older versions.
    """
    first, *older = runs
    if not subject.is_object or not _untold(first, subject.unit):
        return False
    now = _owned(first, subject.name)
    if now is None:
        return any(str(ref) == subject.name for ref in _deleted(first))
    before = next((found for run in older if (found := _owned(run, subject.name))), None)
    if before is None:
        return all_runs
    # A repair changes what is known, and no object.
    if first.entries[0].run.operation is Operation.REPAIR:
        return False
    return (before.uid, before.fingerprint, before.unit) != (now.uid, now.fingerprint, now.unit)


def _untold(run: RecordedRun, unit: UnitId) -> bool:
    planned = _unit_in(run, unit)
    return planned is None or bool(planned.deferred)


def _unit_in(run: RecordedRun, unit: UnitId) -> PlannedUnit | None:
    units = run.plan.units if run.plan else ()
    return next((each for each in units if each.unit == unit), None)


def _owned(run: RecordedRun, name: str) -> OwnedObject | None:
    """Return an object as the run recorded it after its effects."""
    for entry in run.entries:
        if entry.kind is not Kind.STARTED:
            for owned in entry.inventory:
                if owned.uid and str(owned.ref) == name:
                    return owned
    return None


def _deleted(run: RecordedRun) -> Iterator[object]:
    for entry in run.entries:
        if entry.kind is Kind.FINISHED:
            yield from entry.deleted
