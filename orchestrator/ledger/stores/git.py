"""The default store: two refs of the repository that the stack lies in.

``refs/orchestrator/STACK/ENVIRONMENT`` is a chain of commits, one for each entry. Its subject is the audit
sentence; its tree holds the entry and the state after it; its parents are the entry before and the revision
that was applied, which therefore is never garbage-collected. ``refs/orchestrator-lock/STACK/ENVIRONMENT``
is the lock: a commit that names the holder. A new one is made for every entry and both refs move in one
step, each from where this writer knows it: a writer that lost the lock can record nothing. Between entries
it is made anew as a heartbeat. ``refs/orchestrator-queue/STACK/ENVIRONMENT/…`` are those who wait for it.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from orchestrator import clock
from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.encoding import (
    decode_entry,
    encode_entry,
    encode_hold,
    encode_state,
    encode_waiter,
)
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Holder, Lock, Sight, Waiter, in_line, locked
from orchestrator.ledger.stores.refs import (
    ENTRY,
    HOLDER,
    STATE,
    WAITER,
    Here,
    LedgerRefs,
    Plumbing,
)
from orchestrator.ledger.troubles import lost_lock, out_of_order
from orchestrator.plans.objects import Owner

_ATTEMPTS = 5


class GitStore:
    """The ledger of one stack in one environment, in a Git repository and its remote."""

    def __init__(
        self,
        owner: Owner,
        plumbing: Plumbing,
        *,
        remote: str | None,
        is_dead: Callable[[Holder], bool],
    ) -> None:
        """Take whose ledger, the repository, and the remote to share it through (None: not at all).

        ``is_dead`` says of a holder that its process has ended for certain.
        """
        self._subject = str(owner)
        self._plumbing = plumbing
        self._refs = LedgerRefs(owner, plumbing, remote=remote)
        self._is_dead = is_dead
        self._lined_up: dict[str, str] = {}

    def read(self) -> LedgerState:
        """Return the present state."""
        with _as_ledger_error():
            return self._refs.present().state

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        with _as_ledger_error():
            head = self._refs.present().ledger
            entries = self._entries(head, limit)
            if entries and entries[-1].previous and len(entries) < limit:
                self._refs.deepen(limit)
                entries = self._entries(head, limit)
        return iter(entries)

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it; costs one round trip while nothing changes."""
        with _as_ledger_error():
            hold, queue = self._refs.sight()
            waiting = (waiter for _, waiter in queue.values())
            return Sight(hold=hold, waiting=in_line(waiting, clock.now(), self._is_dead))

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with _as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._refs.present()
                hold = here.hold
                if hold and hold.mark != over and not self._is_dead(hold.holder):
                    raise locked(self._subject, hold)
                lock = self._lock_commit(holder, at=holder.since, mark=holder.token)
                if self._refs.move_lock(here, lock):
                    return Lock(holder=holder, succeeded=hold)
        raise self._refs.restless()

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with _as_ledger_error():
            for here in self._views():
                if not _holds(here, lock.holder):
                    raise lost_lock(self._subject, here.hold.holder if here.hold else None)
                if (
                    here.state.head == entry.id
                ):  # recorded, but the answer to an earlier try was lost
                    return here.state
                if entry.previous != here.state.head:
                    raise out_of_order(self._subject)
                state = fold(here.state, entry)
                beat = self._lock_commit(lock.holder, at=entry.at, mark=entry.id)
                commit = self._entry_commit(here, entry, state)
                if self._recorded(here, entry, lock=beat, ledger=commit):
                    return state
        raise self._refs.restless()

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""
        with _as_ledger_error():
            for here in self._views():
                if not _holds(here, lock.holder):
                    raise lost_lock(self._subject, here.hold.holder if here.hold else None)
                commit = self._lock_commit(lock.holder, at=at, mark=uuid.uuid4().hex)
                if self._refs.move_lock(here, commit):
                    return
        raise self._refs.restless()

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        with _as_ledger_error():
            for here in self._views():
                if not _holds(here, lock.holder) or self._refs.move_lock(here, ""):
                    return
        raise self._refs.restless()

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder, with a ``mark`` only while it gave no heartbeat since."""
        with _as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._refs.present()
                if not _holds(here, expected) or mark not in {"", here.lock}:
                    return False
                if self._refs.move_lock(here, ""):
                    return True
        raise self._refs.restless()

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; who died in it is removed."""
        with _as_ledger_error():
            for commit, other in self._refs.sight()[1].values():
                if not in_line((other,), clock.now(), self._is_dead):
                    self._refs.move_waiter(other.holder.token, old=commit, new="")
            commit = self._waiter_commit(waiter)
            if self._refs.move_waiter(waiter.holder.token, old="", new=commit):
                self._lined_up[waiter.holder.token] = commit

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        with _as_ledger_error():
            if commit := self._lined_up.pop(waiter.holder.token, ""):
                self._refs.move_waiter(waiter.holder.token, old=commit, new="")

    def _views(self) -> Iterator[Here]:
        """Yield what this clone knows; then, each time that the refs stood elsewhere, what the remote says.

        The remote may have taken what an earlier push brought whose answer never came.
        """
        yield self._refs.here()
        for _ in range(_ATTEMPTS):
            yield self._refs.present()

    def _recorded(self, here: Here, entry: Entry, *, lock: str, ledger: str) -> bool:
        try:
            return self._refs.append(here, lock=lock, ledger=ledger)
        except RepositoryError as error:
            if entry.kind is Kind.STARTED:  # nothing has happened yet: nothing is to be kept
                raise
            self._refs.keep(here, ledger=ledger)
            raise LedgerError(
                f"{error.message}; what was done is recorded in this clone alone",
                hint="the next run from this clone brings it there; until then, run from no other place",
                detail=error.detail,
            ) from error

    def _entry_commit(self, here: Here, entry: Entry, state: LedgerState) -> str:
        parents = (here.ledger, entry.run.revision.commit)
        return self._plumbing.commit(
            {ENTRY: encode_entry(entry), STATE: encode_state(state)},
            parents=tuple(parent for parent in parents if parent),
            message=f"{_one_line(entry.message)}\n",
            author=entry.run.who,
            at=entry.at,
        )

    def _lock_commit(self, holder: Holder, *, at: datetime, mark: str) -> str:
        # The mark makes each of them another commit: a ref that keeps its value is left out of a push, and
        # its lease is then not a part of the transaction.
        return self._plumbing.commit(
            {HOLDER: encode_hold(holder, beat=at)},
            parents=(),
            message=f"lock {self._subject} for {_one_line(str(holder))}\n\n{mark}\n",
            author=holder.user,
            at=at,
        )

    def _waiter_commit(self, waiter: Waiter) -> str:
        return self._plumbing.commit(
            {WAITER: encode_waiter(waiter)},
            parents=(),
            message=f"wait for {self._subject}: {_one_line(str(waiter.holder))}\n\n{waiter.holder.token}\n",
            author=waiter.holder.user,
            at=waiter.holder.since,
        )

    def _entries(self, head: str, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        commits = self._plumbing.log(head, limit=limit) if head else ()
        for found in self._plumbing.read(tuple(f"{commit}:{ENTRY}" for commit in commits)):
            # The first entry's parent is the revision that was applied, not an entry.
            if found is None or (entries and not entries[-1].previous):
                break
            entries.append(decode_entry(found[1]))
        return entries


def _holds(here: Here, holder: Holder) -> bool:
    return here.hold is not None and here.hold.holder.token == holder.token


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "no message"


@contextmanager
def _as_ledger_error() -> Iterator[None]:
    try:
        yield
    except RepositoryError as error:
        raise LedgerError(error.message, hint=error.hint, detail=error.detail) from error
