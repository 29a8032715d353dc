"""Why a unit is as it is, from what its last run recorded, down to the unit and condition that it began with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.engine.history.opening import Book
from orchestrator.engine.history.reading import at_work, looks
from orchestrator.engine.history.runs import RecordedRun, endings_of, runs_of
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import Entry, Operation
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Ending, Explanation, UnitEnding
from orchestrator.plans.record import PlannedUnit
from orchestrator.stack.model import UnitId
from orchestrator.stack.names import did_you_mean

_TROUBLED = frozenset({Outcome.FAILED, Outcome.INTERRUPTED, Outcome.SKIPPED, Outcome.PLANNED})
_AGAIN = "correct it, and apply again: what is done stays done"
_ANEW = "correct it with a new commit"
_GO_ON = "the next apply goes on from what it left"


def read_explanation(book: Book, unit: str) -> Explanation:
    """Explain a unit, named by its id or its name alone; raises UsageError for one that nobody knows."""
    working = at_work(book)
    runs: Sequence[RecordedRun] = ()
    for look in looks(book):
        runs = runs_of(look.entries, book.state, at_work=working)
        named = _named(unit, (*(book.declared or ()), *book.state.units, *_units(runs)))
        told = [run for run in runs if named in run.records]
        if named is not None and told and (look.all or not all(map(_brings_back, told))):
            return explained(told, named)
    named = _named(unit, book.declared or ())
    if named is None:
        known = {*(book.declared or ()), *book.state.units, *_units(runs)}
        message = f"{book.owner} has no unit {unit!r}"
        raise UsageError(message, hint=did_you_mean(unit, known))
    return Explanation(
        unit=named,
        says="is declared, and no run has recorded anything of it",
        next=f"apply it: orchestrator apply {book.owner.stack} --env {book.owner.environment}",
    )


def explained(runs: Sequence[RecordedRun], unit: UnitId) -> Explanation:
    """Explain a unit by the runs that tell of it, newest first; pure.

    One that was brought back after a failure is well, but what failed is what somebody wants to know.
    """
    found = Explaining(run=runs[0]).unit(unit)
    before = next((run for run in runs if not _brings_back(run)), None)
    if before is None or before is runs[0]:
        return found
    return replace(found, because=(*found.because, *Explaining(run=before).failures()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """One run, whose units explain one another."""

    run: RecordedRun

    def unit(self, unit: UnitId, told: frozenset[UnitId] = frozenset()) -> Explanation:
        """Explain a unit of the run; ``told`` are those that wait for it, and are explained already."""
        end = next(each for each in endings_of(self.run) if each.unit == unit)
        causes = self._causes(end, told | {unit}) if end.outcome is Outcome.SKIPPED else ()
        return Explanation(
            unit=unit,
            says=self._says(end),
            why="" if causes else end.why or self._intent(end),
            entry=self.run.entries[0].id,
            because=tuple(self.unit(cause, told | {unit}) for cause in causes),
            next=self._next(end),
        )

    def failures(self) -> tuple[Explanation, ...]:
        """Explain each unit that failed, and was not left as it was then."""
        failed = (end for end in endings_of(self.run) if end.outcome is Outcome.FAILED)
        return tuple(replace(self.unit(end.unit), next=_ANEW) for end in failed)

    def _causes(self, end: UnitEnding, told: frozenset[UnitId]) -> tuple[UnitId, ...]:
        """Return the units on account of which one was not reached: those that its record names, else all."""
        troubled = [
            each.unit
            for each in endings_of(self.run)
            if each.outcome in _TROUBLED and each.unit not in told
        ]
        words = {word.strip(",") for word in end.why.split()}
        return tuple(unit for unit in troubled if unit in words)

    def _says(self, end: UnitEnding) -> str:
        last = self.run.entries[0]
        at = f"at {last.run.revision}"
        how = f"by {last.run.who}, {last.at:%Y-%m-%d %H:%M:%S} UTC"
        took = f" after {end.seconds:.1f} s" if end.seconds else ""
        match end.outcome:
            case Outcome.FAILED:
                return f"failed {at}{took} ({how})"
            case Outcome.INTERRUPTED if self.run.ending is not Ending.FINISHED:
                return f"was begun {at} by a run that {self._ended(last)} ({how})"
            case Outcome.INTERRUPTED:
                return f"was interrupted {at}{took} ({how})"
            case Outcome.SKIPPED:
                return f"was not begun {at} ({how})"
            case Outcome.PLANNED:
                return f"is being brought to {last.run.revision}, or waits for its turn ({how})"
            case Outcome.PRUNED | Outcome.DESTROYED:
                return f"was {end.outcome} {at} ({how})"
            case _ if _brings_back(self.run):
                return f"was brought back to {last.run.revision}: {self._found(end)}{took} ({how})"
            case _:
                return f"was {self._found(end)} {at}{took} ({how})"

    def _ended(self, last: Entry) -> str:
        if self.run.abandoned is not None:
            return f"was abandoned by {self.run.abandoned.run.who}"
        return f"never finished, on {last.run.host}"

    def _found(self, end: UnitEnding) -> str:
        words = [end.outcome.value, *([end.health] if end.health else [])]
        if end.drift:
            words.append(f"{end.drift} drifted thing{'s' if end.drift > 1 else ''} found")
        return ", ".join(words)

    def _intent(self, end: UnitEnding) -> str:
        """Return what a run that told nothing else was going to do to a unit."""
        if end.outcome not in {Outcome.PLANNED, Outcome.INTERRUPTED}:
            return ""
        planned = self._planned(end.unit)
        if planned is None:
            return ""
        if planned.deferred:
            return planned.deferred
        return "\n".join(f"to {each.action.value} {each.name}" for each in planned.changes)

    def _planned(self, unit: UnitId) -> PlannedUnit | None:
        units = self.run.plan.units if self.run.plan else ()
        return next((each for each in units if each.unit == unit), None)

    def _next(self, end: UnitEnding) -> str:
        match end.outcome:
            case Outcome.FAILED:
                return _AGAIN
            case Outcome.INTERRUPTED:
                return _GO_ON
            case _:
                return ""


def _brings_back(run: RecordedRun) -> bool:
    return run.entries[0].run.operation is Operation.RESTORE


def _named(wanted: str, known: Sequence[UnitId]) -> UnitId | None:
    """Return the unit that is meant; raises UsageError when two of both kinds have the name."""
    if wanted in known:
        return UnitId(wanted)
    found = sorted({unit for unit in known if unit.partition(".")[2] == wanted})
    if len(found) > 1:
        message = f"{' and '.join(found)} are both called {wanted!r}"
        raise UsageError(message, hint=f"name one, such as {found[0]}")
    return found[0] if found else None


def _units(runs: Sequence[RecordedRun]) -> tuple[UnitId, ...]:
    return tuple(unit for run in runs for unit in run.records)
