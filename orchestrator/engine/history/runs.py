"""Runs out of entries: which entries belong together, and what became of each run. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, UnitRecord
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Ending, HistoryLine, RunLine, UnitEnding
from orchestrator.plans.record import PlanRecord
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """The entries of one run, newest first, and the note by which somebody abandoned it, if any."""

    entries: tuple[Entry, ...]
    ending: Ending
    abandoned: Entry | None = None

    @property
    def plan(self) -> PlanRecord | None:
        """Return what it was going to do, where that is recorded."""
        return next((entry.plan for entry in reversed(self.entries) if entry.plan), None)

    @property
    def records(self) -> dict[UnitId, UnitRecord]:
        """Return the last that it recorded of each unit, in the order of its intent."""
        return {record.unit: record for entry in reversed(self.entries) for record in entry.units}


def runs_of(
    entries: Sequence[Entry], state: LedgerState, *, at_work: bool
) -> tuple[RecordedRun, ...]:
    """Group entries, newest first, into runs, newest first.

    ``at_work`` says that the run which is open in ``state`` may go on.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.run.id, []).append(entry)
    abandoned = _abandoned(entries)
    open_run = state.open.run.id if state.open and at_work else ""
    return tuple(
        RecordedRun(
            entries=tuple(group),
            ending=_ending(group, abandoned=run in abandoned, at_work=run == open_run),
            abandoned=abandoned.get(run),
        )
        for run, group in groups.items()
    )


def whole(entries: Sequence[Entry], *, more: bool) -> Sequence[Entry]:
    """Return the entries, newest first, without those of a run whose first ones are not among them.

    ``more`` says that there are older entries than these.
    """
    if not more or not entries or entries[-1].kind in {Kind.STARTED, Kind.NOTED}:
        return entries
    cut = entries[-1].run.id
    return [entry for entry in entries if entry.run.id != cut]


def line_of(run: RecordedRun) -> RunLine:
    """Return a run as people are told of it."""
    first = run.entries[0].run
    restores = first.restores
    return RunLine(
        entries=tuple(entry_line(entry) for entry in run.entries),
        ending=run.ending,
        operation=first.operation.value,
        host=first.host,
        command=first.command,
        restores=f"{restores.revision}, undoing {restores.over}" if restores else "",
        told=_told(run.abandoned) if run.abandoned else "",
    )


def entry_line(entry: Entry) -> HistoryLine:
    """Return an entry as people are told of it."""
    return HistoryLine(
        entry=entry.id,
        at=entry.at,
        who=entry.run.who,
        message=entry.message,
        revision=entry.run.revision,
        outcome=entry.outcome,
        plan=entry.run.plan,
        ci_run=entry.run.ci_run,
        run=entry.run.id,
        kind=entry.kind.value,
    )


def endings_of(run: RecordedRun) -> tuple[UnitEnding, ...]:
    """Return what is recorded of each unit of a run; of one that is over and was not finished, what it was at."""
    over = run.ending in {Ending.UNFINISHED, Ending.ABANDONED}
    return tuple(
        UnitEnding(
            unit=record.unit,
            outcome=Outcome.INTERRUPTED
            if over and record.outcome is Outcome.PLANNED
            else record.outcome,
            seconds=record.seconds,
            health=record.health,
            why=record.why,
            drift=record.drift,
        )
        for record in run.records.values()
    )


def _abandoned(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return for each run that was abandoned the note that says so: it closes what was open before it."""
    notes: dict[str, Entry] = {}
    note: Entry | None = None
    for entry in entries:
        match entry.kind:
            case Kind.NOTED if entry.run.operation is Operation.ABANDON:
                note = entry
            case Kind.STARTED:
                if note is not None:
                    notes[entry.run.id] = note
                note = None
            case _:
                continue
    return notes


def _ending(entries: Iterable[Entry], *, abandoned: bool, at_work: bool) -> Ending:
    kinds = {entry.kind for entry in entries}
    if Kind.FINISHED in kinds:
        return Ending.FINISHED
    if Kind.STARTED not in kinds:
        return Ending.NOTED
    if abandoned:
        return Ending.ABANDONED
    return Ending.AT_WORK if at_work else Ending.UNFINISHED


def _told(note: Entry) -> str:
    return f"{note.message} (by {note.run.who}, {note.at:%Y-%m-%d %H:%M:%S} UTC)"
