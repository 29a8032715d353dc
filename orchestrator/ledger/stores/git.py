"""The default store: two refs of the repository that the stack lies in.

``refs/orchestrator/STACK/ENVIRONMENT`` is a chain of commits, one for each entry. Its subject is the audit
sentence; its tree holds the entry and the state after it; its parents are the entry before and the revision
that was applied, which therefore is never garbage-collected. ``refs/orchestrator-lock/STACK/ENVIRONMENT``
is the lock: a commit that names the holder. A new one is made for every entry and both refs move in one
step, each from where this writer knows it: a writer that lost the lock can record nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.encoding import decode_entry, encode_entry, encode_holder, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Holder, Lock, locked
from orchestrator.ledger.stores.refs import ENTRY, HOLDER, STATE, Here, LedgerRefs, Plumbing
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

    def holder(self) -> Holder | None:
        """Return who holds the lock."""
        with _as_ledger_error():
            return self._refs.present().holder

    def acquire(self, holder: Holder) -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with _as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._refs.present()
                if here.holder is not None and not self._is_dead(here.holder):
                    raise locked(self._subject, here.holder)
                lock = self._lock_commit(holder, at=holder.since, mark=holder.token)
                if self._refs.move_lock(here, lock):
                    return Lock(holder=holder, succeeded=here.holder)
        raise self._refs.restless()

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with _as_ledger_error():
            here = self._refs.here()
            if not _holds(here, lock.holder):
                raise lost_lock(self._subject, here.holder)
            if entry.previous != here.state.head:
                raise out_of_order(self._subject)
            state = fold(here.state, entry)
            beat = self._lock_commit(lock.holder, at=entry.at, mark=entry.id)
            self._record(here, entry, lock=beat, ledger=self._entry_commit(here, entry, state))
            return state

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        with _as_ledger_error():
            here = self._refs.here()
            if _holds(here, lock.holder):
                self._refs.move_lock(here, "")

    def break_lock(self, expected: Holder) -> bool:
        """Take the lock away from that holder."""
        with _as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._refs.present()
                if not _holds(here, expected):
                    return False
                if self._refs.move_lock(here, ""):
                    return True
        raise self._refs.restless()

    def _record(self, here: Here, entry: Entry, *, lock: str, ledger: str) -> None:
        try:
            recorded = self._refs.append(here, lock=lock, ledger=ledger)
        except RepositoryError as error:
            if entry.kind is Kind.STARTED:  # nothing has happened yet: nothing is to be kept
                raise
            self._refs.keep(here, ledger=ledger)
            raise LedgerError(
                f"{error.message}; what was done is recorded in this clone alone",
                hint="the next run from this clone brings it there; until then, run from no other place",
                detail=error.detail,
            ) from error
        if not recorded:
            raise self._overtaken(entry)

    def _overtaken(self, entry: Entry) -> LedgerError:
        now = self._refs.present()
        if now.state.head != entry.previous:
            return out_of_order(self._subject)
        return lost_lock(self._subject, now.holder)

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
            {HOLDER: encode_holder(holder)},
            parents=(),
            message=f"lock {self._subject} for {_one_line(str(holder))}\n\n{mark}\n",
            author=holder.user,
            at=at,
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
    return here.holder is not None and here.holder.token == holder.token


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "no message"


@contextmanager
def _as_ledger_error() -> Iterator[None]:
    try:
        yield
    except RepositoryError as error:
        raise LedgerError(error.message, hint=error.hint, detail=error.detail) from error
