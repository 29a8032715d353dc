"""A ledger of single documents: for every place where one of them can be replaced as the version that was seen.

``lock`` names the holder, ``head`` the last entry; entries and the state after the last one are documents that are
never changed. Whoever takes the lock writes his token into the head before he has it: an entry moves the head from
the version that its writer saw with his own token in it, so that one who lost the lock, whenever and however long he
was away, can record nothing.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from orchestrator import clock
from orchestrator.errors import ClusterError, LedgerError
from orchestrator.ledger.encoding import decode_state, encode_state
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Hold, Holder, Lock, Sight, Waiter, in_line, locked
from orchestrator.ledger.lock_encoding import decode_waiter, encode_waiter
from orchestrator.ledger.stores.chapters import Binding, bind
from orchestrator.ledger.stores.documents import (
    ENTRY,
    HEAD,
    LOCK,
    STATE,
    WAITER,
    Head,
    Numbered,
    Reference,
    decode_lock,
    encode_head,
    encode_lock,
    encode_numbered,
    holds,
    lenient_head,
    referred,
)
from orchestrator.ledger.stores.shelf import Shelf
from orchestrator.ledger.stores.trail import Trail
from orchestrator.ledger.troubles import (
    as_ledger_error,
    gone_after,
    lost_lock,
    moved_away,
    no_such_entry,
    out_of_order,
)
from orchestrator.ledger.verification import Link
from orchestrator.plans.objects import Owner

_ATTEMPTS = 20


class ChainStore:
    """The ledger of one stack in one environment, as documents on a shelf."""

    def __init__(
        self,
        owner: Owner,
        shelf: Shelf,
        *,
        is_dead: Callable[[Holder], bool],
        memory: Shelf | None = None,
        binding: Binding | None = None,
    ) -> None:
        """Take whose ledger, and the place.

        ``is_dead`` says of a holder that its process has ended for certain; ``memory`` is where this clone keeps
        what it saw last, so that it notices when that is gone. ``binding`` says how old entries are bound, None that
        each stays a document of its own.
        """
        self._subject = str(owner)
        self._shelf = shelf
        self._is_dead = is_dead
        self._binding = binding
        self._trail = Trail(self._subject, shelf, memory)
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
            for _ in range(_ATTEMPTS):
                head, version = self._head(readable=False)
                found = [*self._trail.forth(head, self._state_of)]
                if self._head(readable=False)[1] == version:  # else somebody appended meanwhile
                    return iter(found)
        raise self._restless()

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it."""
        with as_ledger_error():
            found = self._waiters()
            waiting = (waiter for _, waiter in found.values())
            return Sight(hold=self._lock()[0], waiting=in_line(waiting, clock.now(), self._is_dead))

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with as_ledger_error():
            for _ in range(_ATTEMPTS):
                before, version = self._lock()
                if before and before.mark != over and not self._is_dead(before.holder):
                    raise locked(self._subject, before)
                if self._take(Hold(holder=holder, mark=_mark(), beat=holder.since), version):
                    self._admit(holder)
                    return Lock(holder=holder, succeeded=before)
        raise self._restless()

    def append(self, entry: Entry, *, lock: Lock, last: bool = False) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        state = self._append(entry, lock)
        if last:
            with suppress(LedgerError):  # recorded it is; who holds the lock gives it back again
                self.release(lock)
        return state

    def _append(self, entry: Entry, lock: Lock) -> LedgerState:
        with as_ledger_error():
            for _ in range(_ATTEMPTS):
                head, version = self._head()
                self._ours(lock.holder, head)
                if head.id == entry.id:  # recorded, but the answer to an earlier try was lost
                    return self._state_of(head.state)
                if entry.previous != head.id:
                    raise out_of_order(self._subject)
                if state := self._appended(entry, lock.holder, head, version):
                    return state
        raise self._restless()

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""
        with as_ledger_error():
            self._beat(lock.holder, at)

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        self.break_lock(lock.holder)

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder, with a ``mark`` only while it gave no heartbeat since."""
        with as_ledger_error():
            for _ in range(_ATTEMPTS):
                hold, version = self._lock()
                if (
                    hold is None
                    or hold.holder.token != expected.token
                    or mark not in {"", hold.mark}
                ):
                    return False
                if self._removed(LOCK, version):
                    self._shut_out(expected)
                    return True
        raise self._restless()

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; who died in it is removed."""
        with as_ledger_error():
            for name, (version, other) in self._waiters().items():
                if not in_line((other,), clock.now(), self._is_dead):
                    self._shelf.remove(name, over=version)
            self._written(_place_in_line(waiter), encode_waiter(waiter), over="")

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        with as_ledger_error():
            name = _place_in_line(waiter)
            found = self._shelf.read(name)
            if found is not None:
                self._shelf.remove(name, over=found.version)

    def rewrite(self, entries: Sequence[Entry], *, lock: Lock, base: LedgerState) -> LedgerState:
        """Make entries follow a state, which its last entry led to, whatever follows that now; all or none."""
        with as_ledger_error():
            present, version = self._head(readable=False)
            self._ours(lock.holder, present)
            head, state = self._at(present, base), base
            for entry in entries:
                if entry.previous != state.head:
                    raise out_of_order(self._subject)
                head, state = self._following(head, entry), fold(state, entry)
            self._beat(lock.holder, clock.now())
            if not self._moved(head, state, over=version, replaced=present):
                raise self._restless()
            return state

    def _present(self) -> tuple[Head, LedgerState]:
        """Return the head and the state after it, which somebody may just have replaced."""
        missing = None
        for _ in range(_ATTEMPTS):
            head, _ = self._head()
            try:
                return head, self._state_of(head.state)
            except LedgerError:
                if missing == head:
                    raise
                missing = head
        raise self._restless()

    def _appended(
        self, entry: Entry, holder: Holder, head: Head, version: str
    ) -> LedgerState | None:
        before = self._state_of(head.state)
        if before.moved:
            raise moved_away(self._subject, before.moved)
        state = fold(before, entry)
        following = self._following(head, entry)
        self._beat(holder, entry.at)
        return state if self._moved(following, state, over=version, replaced=head) else None

    def _following(self, head: Head, entry: Entry) -> Head:
        """Keep an entry as the next one, and return the head that would name it."""
        numbered = Numbered(number=head.number + 1, before=head.entry, entry=entry)
        kept = self._kept(ENTRY, numbered.number, encode_numbered(numbered))
        return replace(head, number=numbered.number, id=entry.id, entry=kept)

    def _moved(self, head: Head, state: LedgerState, *, over: str, replaced: Head) -> bool:
        """Move the head and the state beside it; return whether it was where it is known to be."""
        kept = self._kept(STATE, head.number, encode_state(state))
        moved = replace(head, state=kept, mark=_mark())
        if not self._written(HEAD, encode_head(moved), over=over):
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
        if not self._written(reference.name, content, over=""):
            place = self._shelf.place(reference.name)
            raise gone_after(self._subject, place, found=True)
        return reference

    def _drop(self, name: str) -> None:
        found = self._shelf.read(name)
        if found is not None:
            self._shelf.remove(name, over=found.version)

    def _take(self, hold: Hold, version: str) -> bool:
        return bool(self._written(LOCK, encode_lock(hold), over=version))

    def _beat(self, holder: Holder, at: datetime) -> None:
        """Renew the lock; raises LockLost when it is no longer ours."""
        for _ in range(_ATTEMPTS):
            hold, version = self._lock()
            if hold is None or hold.holder.token != holder.token:
                raise lost_lock(self._subject, hold.holder if hold else None)
            if self._take(replace(hold, mark=_mark(), beat=at), version):
                return
        raise self._restless()

    def _ours(self, holder: Holder, head: Head) -> None:
        hold, _ = self._lock()
        if hold is None or {hold.holder.token, head.token} != {holder.token}:
            raise lost_lock(self._subject, hold.holder if hold else None)

    def _admit(self, holder: Holder) -> None:
        """Let nobody but the holder append; raises Locked when somebody else has the lock by now.

        The lock is looked at after the head: whoever takes it later writes the head later too.
        """
        for _ in range(_ATTEMPTS):
            head, version = self._head(readable=False)
            hold, _ = self._lock()
            if hold is None or hold.holder.token != holder.token:
                raise (locked(self._subject, hold) if hold else lost_lock(self._subject, None))
            admitted = replace(head, token=holder.token, mark=_mark())
            if self._written(HEAD, encode_head(admitted), over=version):
                return
        raise self._restless()

    def _shut_out(self, holder: Holder) -> None:
        """Let a holder whose lock is gone append no more, also if it is in the middle of it."""
        for _ in range(_ATTEMPTS):
            head, version = self._head(readable=False)
            if head.token != holder.token:
                return
            shut = replace(head, token="", mark=_mark())
            if self._written(HEAD, encode_head(shut), over=version):
                return
        raise self._restless()

    def _head(self, *, readable: bool = True) -> tuple[Head, str]:
        """Return the head and its version, of a new ledger an empty one.

        One that is lost, or not what was seen before, is an error, if it is to be ``readable``.
        """
        found = self._shelf.read(HEAD)
        if found is None and self._trail.begun():
            found = self._shelf.read(HEAD)  # somebody may have begun just now
            head = lenient_head(found.content) if found else Head(lost=b"")
        else:
            head = lenient_head(found.content) if found else Head()
        if readable:
            self._trail.check(head)
        return head, found.version if found else ""

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

    def _lock(self) -> tuple[Hold | None, str]:
        found = self._shelf.read(LOCK)
        return (decode_lock(found.content), found.version) if found else (None, "")

    def _waiters(self) -> dict[str, tuple[str, Waiter]]:
        return {
            name: (found.version, decode_waiter(found.content))
            for name, found in self._shelf.find(WAITER).items()
        }

    def _written(self, name: str, content: bytes, *, over: str) -> str:
        """Write a document; one that is there as it was to be was written, though the answer was lost."""
        try:
            if version := self._shelf.write(name, content, over=over):
                return version
        except (ClusterError, LedgerError):
            if version := self._as_written(name, content):
                return version
            raise
        return self._as_written(name, content)

    def _as_written(self, name: str, content: bytes) -> str:
        found = self._shelf.read(name)
        return found.version if found and found.content == content else ""

    def _removed(self, name: str, version: str) -> bool:
        try:
            return self._shelf.remove(name, over=version)
        except (ClusterError, LedgerError):
            if self._shelf.read(name) is None:
                return True
            raise

    def _restless(self) -> LedgerError:
        return LedgerError(
            f"{self._shelf.title} kept changing while it was written", hint="run again in a moment"
        )


def _place_in_line(waiter: Waiter) -> str:
    return f"{WAITER}-{waiter.holder.token}"


def _mark() -> str:
    return uuid.uuid4().hex
