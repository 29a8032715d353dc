"""Writing a run into the ledger: the intent before the first effect, the outcomes after."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from orchestrator import clock, log
from orchestrator.engine.insisting import appended
from orchestrator.engine.ledgers.memory import remembered
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.session import Session
from orchestrator.ledger.entry import (
    Entry,
    Kind,
    LedgerState,
    Operation,
    Restores,
    Run,
    UnitRecord,
    redacted,
)
from orchestrator.ledger.lease import Lease
from orchestrator.ledger.troubles import NotShared
from orchestrator.plans.digest import digest
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Plan
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.strictest import tightened
from orchestrator.stack.policies import Guards

_SUCCESS = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})


def who(session: Session) -> str:
    """Return who runs this: as Git knows them, else as the machine does."""
    return session.repository.identity() or session.surroundings.settings.user


def _restores(plan: Plan) -> Restores | None:
    back = plan.restores
    if back is None:
        return None
    return Restores(revision=back.revision, entry=back.entry, over=back.over)


@dataclass(slots=True)
class Recorder:
    """The entries of one run, each following the one before."""

    session: Session
    lease: Lease
    run: Run
    state: LedgerState
    cluster: str = ""

    @classmethod
    def begin(
        cls, session: Session, lease: Lease, *, plan: Plan, state: LedgerState, whole: bool
    ) -> "Recorder":
        """Prepare to record the execution of a plan, of the ``whole`` stack or not; nothing is written yet."""
        operation = Operation.DESTROY if plan.destroy else Operation.APPLY
        run = Run(
            id=uuid.uuid4().hex,
            operation=operation,
            revision=plan.revision,
            plan=digest(plan),
            who=who(session),
            host=session.surroundings.settings.host,
            command=lease.lock.holder.command,
            ci_run=session.surroundings.settings.ci_run,
            whole=whole,
            restores=_restores(plan),
        )
        return cls(session, lease, run, state)

    def restoring(self, plan: Plan, restores: Restores) -> "Recorder":
        """Prepare to record that the workloads of the last healthy revision follow one that failed."""
        run = replace(
            self.run,
            id=uuid.uuid4().hex,
            operation=Operation.RESTORE,
            revision=plan.revision,
            plan=digest(plan),
            whole=False,
            restores=restores,
        )
        return Recorder(self.session, self.lease, run, self.state)

    def started(
        self,
        message: str,
        *,
        units: Iterable[UnitRecord],
        inventory: Iterable[OwnedObject],
        doomed: Iterable[ObjectRef],
        plan: PlanRecord,
    ) -> None:
        """Record what is about to happen, before anything does; ``doomed`` is deleted, or made anew.

        Guards of the commit that are stricter than those of the ledger hold from here on, whatever becomes of the run.
        """
        entry = self._entry(Kind.STARTED, message, units=units, inventory=inventory, deleted=doomed)
        applies = self.run.operation is Operation.APPLY
        guards = tightened(self.state.guards, self.session.stack.guards) if applies else None
        self._append(replace(entry, plan=plan, guards=guards))

    def meant(self, message: str) -> None:
        """Record what is about to be done by hand, now or never: nobody hears later of what was not begun."""
        self._append(self._entry(Kind.PROGRESSED, message), meant=True)

    def progressed(
        self,
        message: str,
        *,
        units: Iterable[UnitRecord] = (),
        inventory: Iterable[OwnedObject] = (),
        doomed: Iterable[OwnedObject] = (),
    ) -> None:
        """Record outcomes, or intents that became known late, in the middle of a run.

        ``doomed`` is deleted, or made anew, which only now is known.
        """
        told = {owned.ref: owned for owned in inventory}
        released = [replace(told.pop(owned.ref, owned), uid="") for owned in doomed]
        entry = self._entry(
            Kind.PROGRESSED,
            message,
            units=units,
            inventory=(*told.values(), *released),
            deleted=[owned.ref for owned in released],
        )
        self._append(entry)

    def finished(
        self,
        message: str,
        outcome: Outcome,
        *,
        units: Iterable[UnitRecord],
        inventory: Iterable[OwnedObject],
        deleted: Iterable[ObjectRef],
        owed: Restores | None = None,
    ) -> str:
        """Record how the run ended, with the guards that hold from here on, and return the entry's id.

        ``inventory`` is what became known of objects; of others that are in doubt nobody will know any more.
        ``owed`` is what is to follow it, under the same lock.
        """
        gone, told = tuple(deleted), tuple(inventory)
        left = self._left_in_doubt({*gone, *(owned.ref for owned in told)})
        entry = self._entry(
            Kind.FINISHED, message, units=units, inventory=(*told, *left), deleted=gone
        )
        self._append(replace(entry, outcome=outcome, guards=self._guards(outcome), owed=owed))
        return self.state.head

    def _guards(self, outcome: Outcome) -> Guards | None:
        applied = self.run.operation is Operation.APPLY and self.run.whole
        return self.session.stack.guards if applied and outcome in _SUCCESS else None

    def abandoned(self, message: str) -> None:
        """Record that nobody will finish the run that is open, nor say what became of the objects that it changed.

        Now or never: others that went on from that run may have ended it by the time that a later word comes.
        """
        left = self._left_in_doubt(frozenset())
        self._append(self._entry(Kind.NOTED, message, inventory=left), meant=True)

    def _left_in_doubt(self, settled: Collection[ObjectRef]) -> tuple[OwnedObject, ...]:
        """Return what is remembered of objects from here on of which the open run never says what became of them."""
        return tuple(owned for owned in self.state.doubts if owned.ref not in settled)

    def _entry(
        self,
        kind: Kind,
        message: str,
        *,
        units: Iterable[UnitRecord] = (),
        inventory: Iterable[OwnedObject] = (),
        deleted: Iterable[ObjectRef] = (),
    ) -> Entry:
        return Entry(
            id=uuid.uuid4().hex,
            previous=self.state.head,
            kind=kind,
            run=self.run,
            at=clock.now(),
            message=message,
            cluster=self.cluster,
            units=tuple(units),
            inventory=tuple(inventory),
            deleted=tuple(deleted),
        )

    def _append(self, entry: Entry, *, meant: bool = False) -> None:
        entry = redacted(entry, self.session.surroundings.secrets.redact)
        last = entry.kind is Kind.FINISHED and entry.owed is None
        try:
            self.state = appended(self.session, self.lease, entry, last=last, meant=meant)
        except NotShared as error:  # it is recorded all the same: the next entry follows it
            self.state = error.state
            raise
        place = open_store(self.session).title
        remembered(self.session).keep(place, self.session.stack.ledger, self.state.head)
        log.step("entry recorded", entry=entry.id, kind=entry.kind, message=entry.message)
