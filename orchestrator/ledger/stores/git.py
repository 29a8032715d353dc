"""The default store: two refs of the repository that the stack lies in.

``refs/orchestrator/STACK/ENVIRONMENT`` is a chain of commits, one for each entry. Its subject is the audit
sentence; its tree holds the entry and the state after it; its parents are the entry before and the revision
that was applied, which therefore is never garbage-collected. ``refs/orchestrator-lock/STACK/ENVIRONMENT``
is the lock: a commit that names the holder. A new one is made for every entry and both refs move in one
step, each from where this writer knows it: a writer that lost the lock can record nothing. Between entries
it is made anew as a heartbeat. ``refs/orchestrator-queue/STACK/ENVIRONMENT/…`` are those who wait for it.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from orchestrator import clock
from orchestrator.errors import (
    LedgerError,
    LedgerLost,
    LockLost,
    NewerFormat,
    OrchestratorError,
    RepositoryError,
)
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.holder import Holder, Lock, Sight, Waiter, in_line, locked
from orchestrator.ledger.stores.commits import chain_of, entries_of
from orchestrator.ledger.stores.late import to_record, worth_keeping
from orchestrator.ledger.stores.plumbing import ALL, Draft, Plumbing
from orchestrator.ledger.stores.refs import LedgerRefs
from orchestrator.ledger.stores.standing import Here
from orchestrator.ledger.stores.writing import Writing, draft_of
from orchestrator.ledger.troubles import (
    EntryRefused,
    Kept,
    NotShared,
    as_ledger_error,
    lost_lock,
    moved_away,
    no_such_entry,
    out_of_order,
    recorded_nowhere,
)
from orchestrator.ledger.verification import Link
from orchestrator.plans.objects import Owner

_ATTEMPTS = 20  # a heartbeat may come between any two of them
_RECENT = 64  # entries among which one is that was recorded though nobody heard of it


class GitStore:
    """The ledger of one stack in one environment, in a Git repository and its remote."""

    def __init__(
        self,
        owner: Owner,
        plumbing: Plumbing,
        *,
        remote: str | None,
        is_dead: Callable[[Holder], bool],
        listed: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Take whose ledger, the repository, and the remote to share it through (None: not at all).

        ``is_dead`` says of a holder that its process has ended for certain. ``listed`` tells where the remote's refs
        stood a moment ago, which is enough to read what this clone knows anyway.
        """
        self._subject = str(owner)
        self._plumbing = plumbing
        self._refs = LedgerRefs(owner, plumbing, remote=remote)
        self._writing = Writing(subject=self._subject, plumbing=plumbing)
        self._is_dead = is_dead
        self._listed = listed
        self._shared = remote is not None
        self._waits_as = Kept.APART if self._shared else Kept.BESIDE
        self.title = f"{self._refs.ledger} {f'on {remote}' if remote else 'of this clone'}"
        self._beside: LedgerState | None = None  # after entries of this run that were set aside
        self._hindrance: OrchestratorError = out_of_order(self._subject)  # and why they were
        self._lined_up: dict[str, str] = {}
        self._holding = False
        # The lock that was taken with the ledger standing where this clone knows it.
        self._sole = ""

    def rooted(self) -> bool:
        """Whether a ledger that is read here has been on this remote, or with no remote in this clone alone."""
        with as_ledger_error():
            return self._refs.rooted()

    def read(self) -> LedgerState:
        """Return the present state; asks the remote, unless nobody but us can have moved it."""
        with as_ledger_error():
            here = self._refs.here() if self._sole else None
            if here is None or here.hold is None or here.hold.holder.token != self._sole:
                known = self._refs.as_listed(self._listed()) if self._listed else None
                here = known or self._refs.present()
            return self._refs.state(here)

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield up to ``limit`` entries, newest first."""
        with as_ledger_error():
            head = self._refs.present().ledger
            entries = self._entries(head, limit)
            if entries and entries[-1].previous and len(entries) < limit:
                self._refs.deepen(limit)
                entries = self._entries(head, limit)
        return iter(entries)

    def links(self) -> Iterator[Link]:
        """Yield the entries as they are kept, oldest first; of those that a remote lost, what this clone has."""
        with as_ledger_error():
            tip = self._refs.known()
            if self._plumbing.shallow:
                self._refs.deepen(ALL)
            commits = self._plumbing.log(tip, limit=ALL) if tip else ()
            return iter(chain_of(self._plumbing, commits))

    def sight(self) -> Sight:
        """Return who holds the lock and who waits for it; costs one round trip while nothing changes."""
        with as_ledger_error():
            hold, queue = self._refs.sight()
            waiting = (waiter for _, waiter in queue.values())
            return Sight(
                hold=hold,
                waiting=in_line(waiting, clock.now(), self._is_dead),
                unsettled=self._refs.unsettled(),
            )

    def acquire(self, holder: Holder, *, over: str = "") -> Lock:
        """Take the lock; raises Locked when a holder that may be alive has it."""
        with as_ledger_error():
            for here, settled in self._views_of_lock():
                hold = here.hold
                if hold and hold.mark != over and not self._is_dead(hold.holder):
                    raise locked(self._subject, hold)
                self._refs.rehearse(here)
                lock = self._writing.lock(holder, at=holder.since, mark=holder.token)
                if self._refs.take_lock(here, lock, settled=settled):
                    self._sole, self._holding = holder.token if settled else "", True
                    return self._up_to_date(Lock(holder=holder, succeeded=hold))
        raise self._refs.restless()

    def append(
        self, entry: Entry, *, lock: Lock, last: bool = False, meant: bool = False
    ) -> LedgerState:
        """Record an entry; raises LedgerError when the lock was lost or the entry does not follow."""
        keep = worth_keeping(entry, meant=meant)
        with as_ledger_error():
            if self._beside is not None and not self._caught_up(lock):
                if self._beside.head == entry.id:  # it is said again, and kept already
                    raise NotShared(self._hindrance, state=self._beside, kept=self._waits_as)
                if not keep:
                    raise self._hindrance
                raise self._set_aside(entry, fold(self._beside, entry), self._hindrance)
            state = self._append(entry, lock, last=last, keep=keep)
        self._holding = self._holding and not last
        return state

    def _append(
        self, entry: Entry, lock: Lock, *, last: bool = False, keep: bool, waited: bool = False
    ) -> LedgerState:
        """Record an entry; one that cannot reach the ledger is kept, if it is to be.

        One that ``waited`` may be of a commit that is gone by now.
        """
        for here in self._seeing(lock, self._views()):
            before = self._refs.state(here)
            known = before.head == entry.id
            if known and self._refs.settled(here):  # but the answer to an earlier try was lost
                return before
            self._check(here, before, entry, lock)
            state = before if known else fold(before, entry)
            drafts = [] if known else [draft_of(entry, state)]
            drafts = self._without_the_gone(drafts) if waited else drafts
            beat = "" if last else self._writing.lock(lock.holder, at=entry.at, mark=entry.id)
            commit = self._plumbing.chain(drafts, parent=here.ledger)
            try:
                if self._refs.append(here, lock=beat, ledger=commit):
                    return state
            except (LedgerError, RepositoryError) as error:
                if not keep:
                    raise
                raise self._kept(here, entry, error, ledger=commit, state=state) from error
        raise self._refs.restless()

    def beat(self, lock: Lock, *, at: datetime) -> None:
        """Record a heartbeat; raises LockLost when the lock is no longer ours."""
        with as_ledger_error():
            for here in self._seeing(lock, self._locks()):
                if not _holds(here, lock.holder):
                    raise lost_lock(self._subject, here.hold.holder if here.hold else None)
                commit = self._writing.lock(lock.holder, at=at, mark=uuid.uuid4().hex)
                if self._refs.move_lock(here, commit):
                    return
        raise self._refs.restless()

    def release(self, lock: Lock) -> None:
        """Give the lock back, if it is still ours."""
        with as_ledger_error():
            for here in self._seeing(lock, self._locks()):
                if not _holds(here, lock.holder) or self._refs.move_lock(here, ""):
                    self._holding = False
                    return
        raise self._refs.restless()

    def break_lock(self, expected: Holder, *, mark: str = "") -> bool:
        """Take the lock away from that holder, with a ``mark`` only while it gave no heartbeat since."""
        with as_ledger_error():
            for _ in range(_ATTEMPTS):
                here = self._refs.present_lock()
                if not _holds(here, expected) or mark not in {"", here.lock}:
                    return False
                if self._refs.move_lock(here, ""):
                    return True
        raise self._refs.restless()

    def rewrite(self, entries: Sequence[Entry], *, lock: Lock, base: LedgerState) -> LedgerState:
        """Make entries follow a state, which its last entry led to, whatever follows that now; all or none.

        What followed it stays in this clone, under ``refs/orchestrator-replaced/``.
        """
        with as_ledger_error():
            commit, state = self._commit_of(base.head), base
            drafts = []
            for entry in entries:
                if entry.previous != state.head:
                    raise out_of_order(self._subject)
                state = fold(state, entry)
                drafts.append(draft_of(entry, state))
            ledger = self._plumbing.chain(self._without_the_gone(drafts), parent=commit)
            here = self._refs.present_lock()
            if not _holds(here, lock.holder):
                raise lost_lock(self._subject, here.hold.holder if here.hold else None)
            beat = self._writing.lock(lock.holder, at=clock.now(), mark=uuid.uuid4().hex)
            if not self._refs.replace(here, lock=beat, ledger=ledger):
                raise lost_lock(self._subject, None)
            return state

    def line_up(self, waiter: Waiter) -> None:
        """Be seen in the queue; who died in it is removed."""
        with as_ledger_error():
            for commit, other in self._refs.sight()[1].values():
                if not in_line((other,), clock.now(), self._is_dead):
                    self._refs.move_waiter(other.holder.token, old=commit, new="")
            commit = self._writing.waiter(waiter)
            if self._refs.move_waiter(waiter.holder.token, old="", new=commit):
                self._lined_up[waiter.holder.token] = commit

    def leave(self, waiter: Waiter) -> None:
        """Be seen no more."""
        with as_ledger_error():
            if commit := self._lined_up.pop(waiter.holder.token, ""):
                self._refs.move_waiter(waiter.holder.token, old=commit, new="")

    def _views(self) -> Iterator[Here]:
        """Yield what this clone knows; then, each time that the refs stood elsewhere, what the remote says.

        The remote may have taken what an earlier push brought whose answer never came.
        """
        yield self._refs.here()
        for _ in range(_ATTEMPTS):
            yield self._refs.present()

    def _views_of_lock(self) -> Iterator[tuple[Here, bool]]:
        """Yield what this clone knows if it knows a ledger and no lock, then what the remote says.

        With each comes whether the ledger stood on the remote as it does here. Where it or the lock have moved since,
        such a view takes no lock.
        """
        here = self._refs.here()
        if here.hold is None and self._refs.settled(here):
            yield here, True
        for _ in range(_ATTEMPTS):
            try:
                here = self._refs.present()
                yield here, self._refs.settled(here)
            except LedgerLost:  # there is a lock all the same, for whoever repairs it
                yield self._refs.present_lock(), False

    def _seeing(self, lock: Lock, views: Iterator[Here]) -> Iterator[Here]:
        """Yield views of our lock, without a first one that forgot it: a look at another remote makes a clone do so."""
        for number, here in enumerate(views):
            if number or not self._holding or _holds(here, lock.holder):
                yield here

    def _locks(self) -> Iterator[Here]:
        """Yield views as ``_views`` does, for what is about the lock alone."""
        yield self._refs.here()
        for _ in range(_ATTEMPTS):
            yield self._refs.present_lock()

    def _commit_of(self, entry: str) -> str:
        """Return the commit that holds an entry, empty for none; raises LedgerError when it cannot be reached."""
        if not entry:
            return ""
        for link in self.links():
            if link.entry is not None and link.entry.id == entry:
                return link.place
        raise no_such_entry(self._subject, entry)

    def _without_the_gone(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Return drafts without those parents that are not in this repository: what they tell may be older."""
        wanted = sorted({parent for draft in drafts for parent in draft.parents})
        found = zip(wanted, self._plumbing.read(wanted), strict=True)
        there = {parent for parent, each in found if each is not None}
        return [
            replace(draft, parents=tuple(one for one in draft.parents if one in there))
            for draft in drafts
        ]

    def _check(self, here: Here, before: LedgerState, entry: Entry, lock: Lock) -> None:
        """Raise LedgerError when an entry cannot be recorded, RepositoryError when what it intends could not be."""
        if not _holds(here, lock.holder):
            raise lost_lock(self._subject, here.hold.holder if here.hold else None)
        if before.moved:
            raise moved_away(self._subject, before.moved)
        if before.head not in {entry.previous, entry.id}:
            raise out_of_order(self._subject)
        if entry.kind is Kind.STARTED:
            self._refs.rehearse(here)

    def _kept(
        self,
        here: Here,
        entry: Entry,
        cause: OrchestratorError,
        *,
        ledger: str,
        state: LedgerState,
    ) -> NotShared:
        """Keep an entry that cannot reach the ledger: in this clone's, or aside where that takes nothing either."""
        if self._shared and self._refs.keep(here, ledger=ledger):
            return NotShared(cause, state=state, kept=Kept.AHEAD)
        return self._set_aside(entry, state, cause)

    def _set_aside(self, entry: Entry, state: LedgerState, cause: OrchestratorError) -> NotShared:
        try:
            self._refs.aside.keep(entry)
        except RepositoryError as error:
            raise recorded_nowhere(cause, error) from error
        self._beside, self._hindrance = state, cause
        return NotShared(cause, state=state, kept=self._waits_as)

    def _caught_up(self, lock: Lock) -> bool:
        """Record what this run could not until now; return whether that is done."""
        try:
            self._bring(lock)
        except (LockLost, EntryRefused):
            raise
        except (LedgerError, RepositoryError) as error:
            self._hindrance = error
            return False
        self._beside = None
        return True

    def _up_to_date(self, lock: Lock) -> Lock:
        """Record what earlier runs could not, under a lock that was taken; given back where that fails."""
        try:
            return replace(lock, brought=self._bring(lock) if self._takes_what_waits() else ())
        except OrchestratorError:
            with suppress(OrchestratorError):
                self.release(lock)
            raise

    def _takes_what_waits(self) -> bool:
        """Whether something waits, and the ledger is here to take it: a repair goes first, and what brings it here."""
        if not self._refs.here().aside:
            return False
        try:
            state = self._refs.state(self._refs.present())
        except NewerFormat:
            raise
        except LedgerError:
            return False
        return bool(state.head) and not state.moved and self._refs.rooted()

    def _bring(self, lock: Lock) -> tuple[str, ...]:
        """Record the entries that wait in this clone, in order, and return their sentences."""
        here = self._refs.present()
        recorded = self._entries(here.ledger, _RECENT)
        head = self._refs.state(here).head
        told = to_record(self._refs.aside.entries(here.aside), recorded, head=head)
        for entry in told:
            self._append(entry, lock, keep=False, waited=True)
        self._refs.aside.forget(here.aside)
        return tuple(each.message for each in told)

    def _entries(self, head: str, limit: int) -> list[Entry]:
        return entries_of(self._plumbing, self._plumbing.log(head, limit=limit)) if head else []


def _holds(here: Here, holder: Holder) -> bool:
    return here.hold is not None and here.hold.holder.token == holder.token
