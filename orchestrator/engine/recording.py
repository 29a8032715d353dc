"""Writing a run into the ledger: the lock, the intent before the first effect, the outcomes after."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator import clock, log
from orchestrator.engine.session import Session
from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, Run, UnitRecord, redacted
from orchestrator.ledger.holder import Holder, Lock
from orchestrator.ledger.holder import locked as is_locked
from orchestrator.ledger.presence import surely_dead, this_process
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.plans.digest import digest
from orchestrator.plans.events import Notice, Outcome
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.plan import Plan


def open_store(session: Session) -> Store:
    """Open the ledger of the session's stack and environment; raises LedgerError, RepositoryError."""
    host = session.surroundings.settings.host
    wanted = session.stack.ledger.remote
    return GitStore(
        session.owner,
        session.repository.plumbing(stop=session.surroundings.stop),
        remote=None if wanted is None else session.repository.remote(wanted),
        is_dead=lambda holder: surely_dead(holder, host=host),
    )


def who(session: Session) -> str:
    """Return who runs this: as Git knows them, else as the machine does."""
    return session.repository.identity() or session.surroundings.settings.user


def refuse_locked(session: Session) -> None:
    """Raise Locked while a process that may be alive holds the session's stack and environment."""
    holder = open_store(session).holder()
    host = session.surroundings.settings.host
    if holder is not None and not surely_dead(holder, host=host):
        raise is_locked(str(session.owner), holder)


@contextmanager
def locked(session: Session, store: Store, operation: Operation) -> Iterator[Lock]:
    """Hold the lock of the session's stack and environment; raises Locked when somebody else has it."""
    lock = store.acquire(_holder(session, operation))
    try:
        if lock.succeeded is not None:
            text = f"took the lock over from {lock.succeeded}, whose process has ended"
            session.surroundings.on_event(Notice(text=text))
        yield lock
    finally:
        _release(session, store, lock)


def _release(session: Session, store: Store, lock: Lock) -> None:
    try:
        store.release(lock)
    except (
        LedgerError
    ) as error:  # what the run did counts; a lock that stays is told, with the way out
        hint = f"orchestrator unlock {session.stack.name} --env {session.stack.environment}"
        text = f"the lock could not be released: {error.message}; later: {hint}"
        session.surroundings.on_event(Notice(text=text))


def _holder(session: Session, operation: Operation) -> Holder:
    command = f"orchestrator {operation} {session.stack.name} --env {session.stack.environment}"
    return this_process(session.surroundings.settings, user=who(session), command=command)


@dataclass(slots=True)
class Recorder:
    """The entries of one run, each following the one before."""

    session: Session
    store: Store
    lock: Lock
    run: Run
    state: LedgerState
    cluster: str = ""

    @classmethod
    def begin(
        cls, session: Session, store: Store, lock: Lock, *, plan: Plan, state: LedgerState
    ) -> "Recorder":
        """Prepare to record a plan's execution; nothing is written yet."""
        operation = Operation.DESTROY if plan.destroy else Operation.APPLY
        run = Run(
            id=uuid.uuid4().hex,
            operation=operation,
            revision=plan.revision,
            plan=digest(plan),
            who=who(session),
            host=session.surroundings.settings.host,
            command=lock.holder.command,
            ci_run=session.surroundings.settings.ci_run,
        )
        return cls(session, store, lock, run, state)

    def started(
        self, units: Iterable[UnitRecord], inventory: Iterable[OwnedObject], message: str
    ) -> None:
        """Record what is about to happen, before anything does."""
        self._append(Kind.STARTED, message, units=units, inventory=inventory)

    def progressed(
        self,
        message: str,
        *,
        units: Iterable[UnitRecord] = (),
        inventory: Iterable[OwnedObject] = (),
    ) -> None:
        """Record outcomes, or an intent that became known late, in the middle of a run."""
        self._append(Kind.PROGRESSED, message, units=units, inventory=inventory)

    def finished(
        self,
        message: str,
        outcome: Outcome,
        *,
        units: Iterable[UnitRecord],
        inventory: Iterable[OwnedObject],
        deleted: Iterable[ObjectRef],
    ) -> str:
        """Record how the run ended and return the entry's id."""
        self._append(
            Kind.FINISHED,
            message,
            units=units,
            inventory=inventory,
            deleted=deleted,
            outcome=outcome,
        )
        return self.state.head

    def _append(
        self,
        kind: Kind,
        message: str,
        *,
        units: Iterable[UnitRecord] = (),
        inventory: Iterable[OwnedObject] = (),
        deleted: Iterable[ObjectRef] = (),
        outcome: Outcome | None = None,
    ) -> None:
        entry = Entry(
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
            outcome=outcome,
        )
        entry = redacted(entry, self.session.surroundings.secrets.redact)
        self.state = self.store.append(entry, lock=self.lock)
        log.step("entry recorded", entry=entry.id, kind=entry.kind, message=entry.message)
