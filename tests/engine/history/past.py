"""A ledger's past, told run by run, as entries and as the runs that they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.engine.history.runs import RecordedRun, runs_of
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, UnitRecord
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.stack.model import UnitId
from tests.ledger.builders import entry, record, run

FIRST = Revision(commit="1111111111aaaaaaaaaa", subject="Add the shop")
SECOND = Revision(commit="2222222222bbbbbbbbbb", subject="Scale the shop")


def planned(
    unit: str, *names: str, action: Action = Action.CREATE, deferred: str = ""
) -> PlannedUnit:
    """Return what was to happen to the named things of a unit."""
    changes = tuple(PlannedChange(action=action, name=name) for name in names)
    return PlannedUnit(unit=UnitId(unit), changes=changes, deferred=deferred)


@dataclass(slots=True)
class Past:
    """Entries that are told one after the other, oldest first."""

    entries: list[Entry] = field(default_factory=list)
    runs: int = 0

    def began(
        self, *units: str, revision: Revision = FIRST, plan: Sequence[PlannedUnit] = ()
    ) -> Entry:
        """Tell that a run began which wants to do something to these units."""
        self.runs += 1
        started = self._entry(
            Kind.STARTED, revision, tuple(record(unit, Outcome.PLANNED) for unit in units)
        )
        return self._told(replace(started, plan=PlanRecord(units=tuple(plan)) if plan else None))

    def progressed(self, *units: UnitRecord) -> Entry:
        """Tell that the run was done with some units."""
        return self._told(self._entry(Kind.PROGRESSED, self.entries[-1].run.revision, units))

    def finished(
        self, *units: UnitRecord, inventory: Sequence[OwnedObject] = (), failed: bool = False
    ) -> Entry:
        """Tell how the run ended."""
        last = self.entries[-1].run.revision
        told = self._entry(Kind.FINISHED, last, units)
        outcome = Outcome.FAILED if failed else Outcome.APPLIED
        return self._told(replace(told, outcome=outcome, inventory=tuple(inventory)))

    def applied(
        self,
        endings: Mapping[str, Outcome],
        *,
        revision: Revision = FIRST,
        plan: Sequence[PlannedUnit] = (),
        inventory: Sequence[OwnedObject] = (),
    ) -> Entry:
        """Tell of a whole run, and return the entry that finished it."""
        self.began(*endings, revision=revision, plan=plan)
        records = (
            record(
                unit,
                outcome,
                revision=revision,
                why="it did not work" * (outcome is Outcome.FAILED),
            )
            for unit, outcome in endings.items()
        )
        failed = Outcome.FAILED in endings.values()
        return self.finished(*records, inventory=inventory, failed=failed)

    def brought_back(self, *units: UnitRecord, revision: Revision) -> Entry:
        """Tell that the workloads of a revision were brought back."""
        self.runs += 1
        told = self._entry(Kind.FINISHED, revision, units)
        of = replace(told.run, operation=Operation.RESTORE)
        return self._told(replace(told, run=of, outcome=Outcome.APPLIED))

    def abandoned(self, why: str) -> Entry:
        """Tell that somebody abandoned what is open."""
        self.runs += 1
        noted = self._entry(Kind.NOTED, self.entries[-1].run.revision, ())
        of = replace(noted.run, operation=Operation.ABANDON, who="Grace Hopper <grace@example.org>")
        return self._told(replace(noted, run=of, message=f"abandon shop/production: {why}"))

    def repaired(self, *units: UnitRecord, inventory: Sequence[OwnedObject] = ()) -> Entry:
        """Tell that somebody repaired the ledger."""
        self.runs += 1
        noted = self._entry(Kind.NOTED, self.entries[-1].run.revision, units)
        of = replace(noted.run, operation=Operation.REPAIR)
        return self._told(replace(noted, run=of, inventory=tuple(inventory)))

    @property
    def state(self) -> LedgerState:
        """Return what all of it adds up to."""
        return fold_all(self.entries)

    @property
    def newest_first(self) -> tuple[Entry, ...]:
        """Return the entries as a store tells them."""
        return tuple(reversed(self.entries))

    def told(self, *, at_work: bool = False) -> tuple[RecordedRun, ...]:
        """Return the runs, newest first."""
        return runs_of(self.newest_first, self.state, at_work=at_work)

    def _entry(self, kind: Kind, revision: Revision, units: tuple[UnitRecord, ...]) -> Entry:
        of = replace(run(revision=revision), id=f"run-{self.runs}")
        told = entry(len(self.entries) + 1, kind, units=units, of=of)
        return replace(told, units=tuple(replace(unit, at=told.at) for unit in units))

    def _told(self, told: Entry) -> Entry:
        self.entries.append(told)
        return told
