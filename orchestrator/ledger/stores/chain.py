"""A ledger of single documents: for every place where one of them can be replaced as the version that was seen.

``lock`` names the holder, ``head`` the last entry; entries and the state after the last one are documents that are
never changed. Whoever takes the lock writes his token into the head before he has it: an entry moves the head from
the version that its writer saw with his own token in it, so that one who lost the lock, whenever and however long he
was away, can record nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from orchestrator import clock
from orchestrator.errors import (
    ClusterError,
    LedgerError,
    LedgerLost,
    LockLost,
    NewerFormat,
    OrchestratorError,
    RepositoryError,
)
from orchestrator.ledger.encoding import decode_state, encode_state
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Hold, Holder, Lock, Sight, Waiter, locked
from orchestrator.ledger.stores.admission import Admission
from orchestrator.ledger.stores.aside import Aside
from orchestrator.ledger.stores.chapters import Binding, bind
from orchestrator.ledger.stores.documents import (
    ENTRY,
    HEAD,
    STATE,
    Head,
    Numbered,
    Reference,
    encode_head,
    encode_numbered,
    holds,
    referred,
)
from orchestrator.ledger.stores.late import to_record, worth_keeping
from orchestrator.ledger.stores.locks import ShelfLocks, new_mark
from orchestrator.ledger.stores.shelf import ATTEMPTS, Shelf, restless, written
from orchestrator.ledger.stores.trail import Trail
from orchestrator.ledger.troubles import (
    EntryRefused,
    Kept,
    NotShared,
    as_ledger_error,
    gone_after,
    moved_away,
    no_such_entry,
    out_of_order,
    recorded_nowhere,
)
from orchestrator.ledger.verification import Link
from orchestrator.plans.objects import Owner

_RECENT = 64  # entries among which one is that was recorded though nobody heard of it


class ChainStore:
    """The ledger of one stack in one environment, as documents on a shelf."""

    def __init__(  # noqa: PLR0913 - one argument for each thing that a ledger is opened with
        self,
        owner: Owner,
        shelf: Shelf,
        *,
        is_dead: Callable[[Holder], bool],
        memory: Shelf | None = None,
        aside: Aside | None = None,
        binding: Binding | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Take whose ledger, and the place.

        ``is_dead`` says of a holder that its process has ended for certain; ``memory`` is where this clone keeps
        what it saw last, so that it notices when that is gone, and ``aside`` what the place could not take.
        ``binding`` says how old entries are bound, None that each stays a document of its own; ``tell`` hears of a
        memory that cannot be read.
        """
        self._subject = str(owner)
        self._shelf = shelf
        self._is_dead = is_dead
        self._binding = binding
        self._locks = ShelfLocks(self._subject, shelf, is_dead)
        self._trail = Trail(self._subject, shelf, memory, tell)
        self._admission = Admission(self._subject, shelf, self._locks, self._trail)
        self._aside = aside
        self._beside: LedgerState | None = None  # after entries of this run that wait in this clone
        self._hindrance: OrchestratorError = out_of_order(self._subject)  # and why they do
        self._decoded: tuple[Reference | None, LedgerState] = (None, LedgerState())

    @property
    def title(self) -> str:
        """Return what people know the place by."""
        return self._shelf.title

    def rooted(self) -> bool:
        """Whether a ledger that is read here has been in this very place."""
        return True

    def read(self) -> LedgerState:
        """Return the present state."""
        with as_ledger_error():
            return self._present()[1]

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        with as_ledger_error():
            head = self._present()[0]
            return iter([each.entry for each in self._trail.back(head.entry, limit)])

    def links(self) -> Iterator[Link]:
        """Yield the entries as they are kept, oldest first, as far as one leads to the next."""
        with as_ledger_error():
            for _ in range(ATTEMPTS):
                head, version = self._trail.head()
                found = [*self._trail.forth(head, self._state_of)]
                if self._trail.head()[1] == version:  # else somebody appended meanwhile
                    return iter(found)
        raise restless(self._shelf)

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it."""
        with as_ledger_error():
            return self._locks.sight(unsettled=self._waits())

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with as_ledger_error():
            for _ in range(ATTEMPTS):
                before, version = self._locks.hold()
                if before and before.mark != over and not self._is_dead(before.holder):
                    raise locked(self._subject, before)
                hold = Hold(holder=holder, mark=new_mark(), beat=holder.since)
                if self._locks.write(hold, over=version):
                    return self._admitted(Lock(holder=holder, succeeded=before))
        raise restless(self._shelf)

    def append(
        self, entry: Entry, *, lock: Lock, last: bool = False, meant: bool = False
    ) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with as_ledger_error():
            state = self._recorded(entry, lock, keep=worth_keeping(entry, meant=meant))
        if last:
            with suppress(LedgerError):  # recorded it is; who holds the lock gives it back again
                self.release(lock)
        return state

    def _recorded(self, entry: Entry, lock: Lock, *, keep: bool) -> LedgerState:
        """Record an entry; one that is worth it is kept in this clone where the place does not take it."""
        if self._beside is not None and not self._caught_up(lock):
            if self._beside.head == entry.id:  # it is said again, and kept already
                raise NotShared(self._hindrance, state=self._beside, kept=Kept.APART)
            if not keep:
                raise self._hindrance
            raise self._set_aside(entry, self._beside, self._hindrance)
        try:
            return self._append(entry, lock)
        except (LockLost, EntryRefused):
            raise
        except (ClusterError, LedgerError) as error:
            before = self._decoded[1]
            if not (keep and self._aside and before.head == entry.previous):
                raise
            raise self._set_aside(entry, before, error) from error

    def _append(self, entry: Entry, lock: Lock) -> LedgerState:
        for _ in range(ATTEMPTS):
            head, version = self._head()
            self._admission.check(lock.holder, head)
            if head.id == entry.id:  # recorded, but the answer to an earlier try was lost
                return self._state_of(head.state)
            if entry.previous != head.id:
                raise out_of_order(self._subject)
            if state := self._appended(entry, lock.holder, head, version):
                return state
        raise restless(self._shelf)

    def _set_aside(self, entry: Entry, before: LedgerState, cause: OrchestratorError) -> NotShared:
        """Keep an entry in this clone, which follows a state, and return the error that says so."""
        try:
            if self._aside:
                self._aside.keep(entry)
        except RepositoryError as error:
            raise recorded_nowhere(cause, error) from error
        self._beside, self._hindrance = fold(before, entry), cause
        return NotShared(cause, state=self._beside, kept=Kept.APART)

    def _caught_up(self, lock: Lock) -> bool:
        """Record what this run could not until now; return whether that is done."""
        try:
            self._bring(lock)
        except (LockLost, EntryRefused):
            raise
        except (ClusterError, LedgerError, RepositoryError) as error:
            self._hindrance = error
            return False
        self._beside = None
        return True

    def _admitted(self, lock: Lock) -> Lock:
        """Let the holder of a lock that was taken append, and record what could not be; or give it back."""
        try:
            self._admission.admit(lock.holder)
            return replace(lock, brought=self._bring(lock) if self._takes_what_waits() else ())
        except OrchestratorError:
            with suppress(OrchestratorError):
                self._locks.give_back(lock.holder, to=lock.succeeded)
            raise

    def _takes_what_waits(self) -> bool:
        """Whether something waits, and the ledger is here to take it: a repair goes first, and what brings it here."""
        if self._aside is None or not self._waits():
            return False
        try:
            state = self._present()[1]
        except NewerFormat:
            raise
        except LedgerError:
            return False
        return bool(state.head) and not state.moved and self._aside.ours(state)

    def _waits(self) -> bool:
        return bool(self._aside and self._aside.tip())

    def _bring(self, lock: Lock) -> tuple[str, ...]:
        """Record the entries that wait in this clone, in order, and return their sentences."""
        if self._aside is None:
            return ()
        tip, head = self._aside.tip(), self._present()[0]
        recorded = [each.entry for each in self._trail.back(head.entry, _RECENT)]
        told = to_record(self._aside.entries(tip), recorded, head=head.id)
        for entry in told:
            self._append(entry, lock)
        self._aside.forget(tip)
        return tuple(each.message for each in told)

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""
        with as_ledger_error():
            self._locks.beat(lock.holder, at)

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        self.break_lock(lock.holder)

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder, with a ``mark`` only while it gave no heartbeat since."""
        with as_ledger_error():
            for _ in range(ATTEMPTS):
                hold, version = self._locks.hold()
                if (
                    hold is None
                    or hold.holder.token != expected.token
                    or mark not in {"", hold.mark}
                ):
                    return False
                if self._locks.remove(over=version):
                    self._admission.shut_out(expected)
                    return True
        raise restless(self._shelf)

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; who died in it is removed."""
        with as_ledger_error():
            self._locks.line_up(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        with as_ledger_error():
            self._locks.leave(waiter)

    def rewrite(self, entries: Sequence[Entry], *, lock: Lock, base: LedgerState) -> LedgerState:
        """Make entries follow a state, which its last entry led to, whatever follows that now; all or none."""
        with as_ledger_error():
            present, version = self._trail.head()
            self._admission.check(lock.holder, present)
            head, state = self._at(present, base), base
            for entry in entries:
                if entry.previous != state.head:
                    raise out_of_order(self._subject)
                head, state = self._following(head, entry), fold(state, entry)
            self._locks.beat(lock.holder, clock.now())
            if not self._moved(head, state, over=version, replaced=present):
                raise restless(self._shelf)
            return state

    def _present(self) -> tuple[Head, LedgerState]:
        """Return the head and the state after it, which somebody may just have replaced."""
        missing = None
        for _ in range(ATTEMPTS):
            head, _ = self._head()
            try:
                return head, self._state_of(head.state)
            except LedgerError:
                if missing == head:
                    raise
                missing = head
        raise restless(self._shelf)

    def _appended(
        self, entry: Entry, holder: Holder, head: Head, version: str
    ) -> LedgerState | None:
        before = self._state_of(head.state)
        if before.moved:
            raise moved_away(self._subject, before.moved)
        state = fold(before, entry)
        following = self._following(head, entry)
        self._locks.beat(holder, entry.at)
        return state if self._moved(following, state, over=version, replaced=head) else None

    def _following(self, head: Head, entry: Entry) -> Head:
        """Keep an entry as the next one, and return the head that would name it."""
        numbered = Numbered(number=head.number + 1, before=head.entry, entry=entry)
        kept = self._kept(ENTRY, numbered.number, encode_numbered(numbered))
        return replace(head, number=numbered.number, id=entry.id, entry=kept)

    def _moved(self, head: Head, state: LedgerState, *, over: str, replaced: Head) -> bool:
        """Move the head and the state beside it; return whether it was where it is known to be."""
        kept = self._kept(STATE, head.number, encode_state(state))
        moved = replace(head, state=kept, mark=new_mark())
        if not written(self._shelf, HEAD, encode_head(moved), over=over):
            return False
        self._decoded = kept, state
        self._trail.remember(moved)
        with suppress(ClusterError, LedgerError):  # what is left of either is nothing but room
            if replaced.state and replaced.state != kept:
                self._drop(replaced.state.name)
            if self._binding and self._binding.due(moved.number, before=replaced.number):
                bind(self._shelf, moved.entry, self._binding)
        return True

    def _kept(self, kind: str, number: int, content: bytes) -> Reference:
        """Keep a document that is never changed; its name says what is in it."""
        reference = referred(kind, number, content)
        if not written(self._shelf, reference.name, content, over=""):
            place = self._shelf.place(reference.name)
            raise gone_after(self._subject, place, found=True)
        return reference

    def _drop(self, name: str) -> None:
        found = self._shelf.read(name)
        if found is not None:
            self._shelf.remove(name, over=found.version)

    def _head(self) -> tuple[Head, str]:
        """Return the head and its version, of a new ledger an empty one; raises LedgerError for one that is damaged.

        Raises LedgerLost for one that is not what was seen before.
        """
        for _ in range(ATTEMPTS):
            # Before the head: what another process of this clone sees after that is not missed.
            seen = self._trail.seen()
            head, version = self._trail.head()
            try:
                self._trail.check(head, seen)
            except LedgerLost:
                if self._trail.seen() == seen:  # else somebody here has just repaired it
                    raise
            else:
                return head, version
        raise restless(self._shelf)

    def _state_of(self, reference: Reference | None) -> LedgerState:
        if reference is None:
            return LedgerState()
        if self._decoded[0] != reference:
            found = self._shelf.read(reference.name)
            if found is None or not holds(reference, found.content):
                raise gone_after(
                    self._subject, self._shelf.place(reference.name), found=bool(found)
                )
            self._decoded = reference, decode_state(found.content)
        return self._decoded[1]

    def _at(self, present: Head, state: LedgerState) -> Head:
        """Return the head as it was after the last entry of a state, with the token of now."""
        if not state.head:
            return Head(token=present.token)
        for reference, numbered in self._trail.path(present):
            if numbered.entry.id == state.head:
                return Head(
                    number=numbered.number,
                    id=state.head,
                    entry=reference,
                    token=present.token,
                )
        raise no_such_entry(self._subject, state.head)
