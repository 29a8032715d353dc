"""The default store: two refs of the repository that the stack lies in.

``refs/orchestrator/STACK/ENVIRONMENT`` is a chain of commits, one for each entry. Its subject is the audit
sentence; its tree holds the entry and the state after it; its parents are the entry before and the revision
that was applied, which therefore is never garbage-collected. ``refs/orchestrator-lock/STACK/ENVIRONMENT``
is the lock: a commit that names the holder. A new one is made for every entry and both refs move in one
step, each from where this writer knows it: a writer that lost the lock can record nothing.

With a remote, the remote's refs decide, and this clone's follow them. ``refs/orchestrator-remote/…`` says
where the remote's ledger stood when it was seen last: this clone is ahead of it while an outcome could not
be pushed, or since the ledger was kept here alone, and the next entry brings everything there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.errors import LedgerError, RepositoryError
from orchestrator.ledger.encoding import (
    decode_entry,
    decode_holder,
    decode_state,
    encode_entry,
    encode_holder,
    encode_state,
)
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Holder, Lock, locked
from orchestrator.ledger.troubles import lost_lock, out_of_order
from orchestrator.plans.objects import Owner

_ATTEMPTS = 5
_STATE, _ENTRY, _HOLDER = "state.json", "entry.json", "holder.json"

Moves = Mapping[str, tuple[str, str]]


class Plumbing(Protocol):
    """What the store needs of Git; an empty id stands for a ref that does not exist."""

    def read(self, names: Sequence[str]) -> tuple[tuple[str, bytes] | None, ...]:
        """Return id and content of each named object, None where there is none."""

    def commit(
        self,
        files: Mapping[str, bytes],
        *,
        parents: Sequence[str],
        message: str,
        author: str,
        at: datetime,
    ) -> str:
        """Write a commit of these files and return its id."""

    def move(self, moves: Moves) -> bool:
        """Move local refs from one id to another, all or none; return whether each stood where it had to."""

    def descends(self, commit: str, *, ancestor: str) -> bool:
        """Return whether ``ancestor`` is the commit itself or in its history."""

    def log(self, name: str, *, limit: int) -> tuple[str, ...]:
        """Return the ids of a commit and of its first parents, newest first."""

    def list_remote(self, remote: str, refs: Sequence[str]) -> Mapping[str, str]:
        """Return where these refs stand on a remote."""

    def fetch(self, remote: str, refs: Sequence[str], *, depth: int) -> bool:
        """Fetch the objects behind these refs; False when one is gone."""

    def push(self, remote: str, moves: Moves) -> bool:
        """Move refs of a remote, all or none; return whether each stood where it had to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    """What this clone knows: where its refs stand, and what the ledger and the lock say."""

    ledger: str
    state: LedgerState
    lock: str
    holder: Holder | None
    seen: str


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
        self._plumbing = plumbing
        self._subject = str(owner)
        self._remote = remote
        self._is_dead = is_dead
        self._ledger = f"refs/orchestrator/{owner}"
        self._lock = f"refs/orchestrator-lock/{owner}"
        self._seen = f"refs/orchestrator-remote/{remote}/{owner}"

    def read(self) -> LedgerState:
        """Return the present state."""
        with _as_ledger_error():
            return self._present().state

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        with _as_ledger_error():
            head = self._present().ledger
            entries = self._entries(head, limit)
            truncated = len(entries) < limit and bool(entries) and bool(entries[-1].previous)
            if truncated and self._remote is not None:  # a shallow clone holds the last entry alone
                self._plumbing.fetch(self._remote, (self._ledger,), depth=limit)
                entries = self._entries(head, limit)
        return iter(entries)

    def holder(self) -> Holder | None:
        """Return who holds the lock."""
        with _as_ledger_error():
            return self._present().holder

    def acquire(self, holder: Holder) -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with _as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._present()
                if here.holder is not None and not self._is_dead(here.holder):
                    raise locked(self._subject, here.holder)
                lock = self._lock_commit(holder, at=holder.since, mark=holder.token)
                if self._move_lock(here.lock, lock):
                    return Lock(holder=holder, succeeded=here.holder)
        raise self._restless()

    def append(self, entry: Entry, *, lock: Lock) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        with _as_ledger_error():
            here = self._here()
            if not _holds(here, lock.holder):
                raise lost_lock(self._subject, here.holder)
            if entry.previous != here.state.head:
                raise out_of_order(self._subject)
            state = fold(here.state, entry)
            beat = self._lock_commit(lock.holder, at=entry.at, mark=entry.id)
            self._record(here, entry, state=state, lock=beat)
            return state

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        with _as_ledger_error():
            here = self._here()
            if _holds(here, lock.holder):
                self._move_lock(here.lock, "")

    def break_lock(self, expected: Holder) -> bool:
        """Take the lock away from that holder."""
        with _as_ledger_error():
            here = self._present()
            return _holds(here, expected) and self._move_lock(here.lock, "")

    def _present(self) -> _Here:
        """Return what is known here after it was brought in line with the remote."""
        for _ in range(_ATTEMPTS):
            here = self._here()
            if self._remote is None:
                return here
            moves = self._to_follow(here, self._remote)
            if moves is not None and (not moves or self._plumbing.move(moves)):
                return self._here() if moves else here
        raise self._restless()

    def _here(self) -> _Here:
        ledger, state, lock, holder, seen = self._plumbing.read(
            (
                self._ledger,
                f"{self._ledger}:{_STATE}",
                self._lock,
                f"{self._lock}:{_HOLDER}",
                self._seen,
            )
        )
        if ledger and not state:
            raise LedgerError(f"{self._ledger} is no ledger: its commit holds no {_STATE}")
        return _Here(
            ledger=ledger[0] if ledger else "",
            state=decode_state(state[1]) if state else LedgerState(),
            lock=lock[0] if lock else "",
            holder=decode_holder(holder[1]) if holder else None,
            seen=seen[0] if seen else "",
        )

    def _to_follow(self, here: _Here, remote: str) -> Moves | None:
        """Return the moves that bring this clone in line with the remote; None when that moved meanwhile."""
        there = self._plumbing.list_remote(remote, (self._ledger, self._lock))
        ledger, lock = there.get(self._ledger, ""), there.get(self._lock, "")
        if not self._bring(remote, here, ledger=ledger, lock=lock):
            return None
        follow = bool(ledger) and ledger != here.ledger and self._behind(here, ledger)
        return {
            ref: (old, new)
            for ref, old, new in (
                (self._lock, here.lock, lock),
                (self._seen, here.seen, ledger),
                (self._ledger, here.ledger, ledger if follow else here.ledger),
            )
            if old != new
        }

    def _bring(self, remote: str, here: _Here, *, ledger: str, lock: str) -> bool:
        wanted = {}
        if ledger not in {"", here.ledger, here.seen}:
            wanted[self._ledger] = ledger
        if lock not in {"", here.lock}:
            wanted[self._lock] = lock
        if not wanted:
            return True
        fetched = self._plumbing.fetch(remote, tuple(wanted), depth=1)
        return fetched and None not in self._plumbing.read(tuple(wanted.values()))

    def _behind(self, here: _Here, ledger: str) -> bool:
        """Return whether the remote's ledger has all of ours and more; False when it is the other way round."""
        if here.ledger in {"", here.seen}:  # by names alone: a shallow clone cannot tell by history
            return True
        if ledger == here.seen or self._plumbing.descends(here.ledger, ancestor=ledger):
            return False
        if self._plumbing.descends(ledger, ancestor=here.ledger):
            return True
        raise LedgerError(
            f"the ledger of {self._subject} in this clone and the one on {self._remote} went separate ways",
            hint=f"compare them: git log {self._ledger} and git log {ledger[:10]}; to go on with the remote's: "
            f"git update-ref {self._ledger} {ledger[:10]}",
        )

    def _move_lock(self, old: str, new: str) -> bool:
        moves = {self._lock: (old, new)}
        if self._remote is None:
            return self._plumbing.move(moves)
        moved = self._plumbing.push(self._remote, moves)
        if moved:
            self._plumbing.move(
                moves
            )  # another process of this clone may have followed the remote already
        return moved

    def _record(self, here: _Here, entry: Entry, *, state: LedgerState, lock: str) -> None:
        parents = (here.ledger, entry.run.revision.commit)
        ledger = self._plumbing.commit(
            {_ENTRY: encode_entry(entry), _STATE: encode_state(state)},
            parents=tuple(parent for parent in parents if parent),
            message=f"{_one_line(entry.message)}\n",
            author=entry.run.who,
            at=entry.at,
        )
        moves = {self._lock: (here.lock, lock), self._ledger: (here.ledger, ledger)}
        if self._remote is None:
            if not self._plumbing.move(moves):
                raise self._overtaken(entry)
            return
        self._share(
            self._remote, {**moves, self._ledger: (here.seen, ledger)}, entry=entry, here=here
        )
        self._plumbing.move({**moves, self._seen: (here.seen, ledger)})

    def _share(self, remote: str, moves: Moves, *, entry: Entry, here: _Here) -> None:
        try:
            if self._plumbing.push(remote, moves) or self._arrived(remote, moves):
                return
        except RepositoryError as error:
            if self._arrived(remote, moves):  # the push got there, its answer did not come back
                return
            if entry.kind is Kind.STARTED:
                raise
            self._plumbing.move({self._ledger: (here.ledger, moves[self._ledger][1])})
            raise LedgerError(
                f"{error.message}; what was done is recorded in this clone alone",
                hint="the next run from this clone brings it there; until then, run from no other place",
                detail=error.detail,
            ) from error
        raise self._overtaken(entry)

    def _arrived(self, remote: str, moves: Moves) -> bool:
        try:
            there = self._plumbing.list_remote(remote, tuple(moves))
        except RepositoryError:
            return False
        return all(there.get(ref, "") == new for ref, (_, new) in moves.items())

    def _overtaken(self, entry: Entry) -> LedgerError:
        now = self._present()
        if now.state.head != entry.previous:
            return out_of_order(self._subject)
        return lost_lock(self._subject, now.holder)

    def _lock_commit(self, holder: Holder, *, at: datetime, mark: str) -> str:
        # The mark makes each of them another commit: a ref that keeps its value is left out of a push, and
        # its lease is then not a part of the transaction.
        return self._plumbing.commit(
            {_HOLDER: encode_holder(holder)},
            parents=(),
            message=f"lock {self._subject} for {_one_line(str(holder))}\n\n{mark}\n",
            author=holder.user,
            at=at,
        )

    def _entries(self, head: str, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        commits = self._plumbing.log(head, limit=limit) if head else ()
        for found in self._plumbing.read(tuple(f"{commit}:{_ENTRY}" for commit in commits)):
            # The first entry's parent is the revision that was applied, not an entry.
            if found is None or (entries and not entries[-1].previous):
                break
            entries.append(decode_entry(found[1]))
        return entries

    def _restless(self) -> LedgerError:
        return LedgerError(
            f"the ledger of {self._subject} kept moving while it was read",
            hint="run again in a moment",
        )


def _holds(here: _Here, holder: Holder) -> bool:
    return here.holder is not None and here.holder.token == holder.token


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "no message"


@contextmanager
def _as_ledger_error() -> Iterator[None]:
    try:
        yield
    except RepositoryError as error:
        raise LedgerError(error.message, hint=error.hint, detail=error.detail) from error
