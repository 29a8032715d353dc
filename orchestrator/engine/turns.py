"""Taking turns on a stack: the lock of a run, waiting for it in line, and its lease while the run lasts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

from orchestrator import clock
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import bring_along
from orchestrator.engine.recording import who
from orchestrator.engine.remotes import remote_of
from orchestrator.engine.session import Session
from orchestrator.engine.state_locks import free_states
from orchestrator.errors import Interrupted, LedgerError, Locked, LockLost
from orchestrator.ledger.entry import Operation
from orchestrator.ledger.holder import Hold, Holder, Lock, Sight, Waiter
from orchestrator.ledger.holder import locked as is_locked
from orchestrator.ledger.lease import Lease, lease_of
from orchestrator.ledger.presence import surely_dead, this_process
from orchestrator.ledger.store import Store
from orchestrator.ledger.watch import Watch
from orchestrator.plans.events import Notice
from orchestrator.stack.written.durations import written

_POLL_SECONDS = 2.0
_LOOKS = 20  # at a lock, in the time of its lease, at the least
_LOOKS_LEFT = 3
"""Looks of ours at a free lock for each who came earlier, since theirs may take longer on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a run gets its turn: how long it waits, in seconds, and the lease that it has already, if any.

    One that is not ``eager`` leaves a free stack unlocked until it has something to do there.
    """

    patience: float = 0.0
    lease: Lease | None = None
    eager: bool = True


def take_turn(
    session: Session, operation: Operation, turn: Turn, resources: ExitStack, *, attended: bool
) -> Turn:
    """Return the turn of a run that is about to plan; what it holds is left with ``resources``.

    A run that waits in line without a person holds the lock from here on, so that it plans from what those
    before it did. One whose plan a person is going to look at waits until the stack is free, and takes the lock
    when it executes; one that does not wait does so too. What a dead holder left is taken over at once.
    Raises Locked, Interrupted, LedgerError.
    """
    store = open_store(session)
    bring_along(session)
    sight = store.sight()
    hold = sight.hold
    if sight.unsettled and (hold is None or is_dead(session, hold.holder)):
        # It records what could not be: the plan starts from there.
        with locked(session, store, operation):
            hold = None
    if hold is None and not turn.eager:
        return turn
    if (turn.patience and not attended) or (hold and is_dead(session, hold.holder)):
        lease = resources.enter_context(locked(session, store, operation, patience=turn.patience))
        return replace(turn, lease=lease)
    if hold is not None:
        waiter = Waiter(holder=_holder(session, operation), patience=turn.patience)
        claiming = _claiming(session, waiter, hold) if turn.patience else waiter
        with _lined_up(store, claiming) if claiming.overtakes else nullcontext():
            await_free(session, patience=turn.patience)
    return turn


def await_free(session: Session, *, patience: float) -> None:
    """Wait until nobody holds the session's stack and environment; raises Locked when that takes too long."""
    for sight, proof in _Line(session, open_store(session), patience).looks():
        if sight.hold is None or proof:
            return


def is_dead(session: Session, holder: Holder) -> bool:
    """Return whether a holder is a process of this machine that has ended."""
    return surely_dead(holder, host=session.surroundings.settings.host)


def pause_between_looks(session: Session) -> float:
    """Return how many seconds there are between two looks at a lock."""
    return min(_POLL_SECONDS, lease_of(session.surroundings.settings) / _LOOKS)


@contextmanager
def locked(
    session: Session, store: Store, operation: Operation, *, patience: float = 0.0
) -> Iterator[Lease]:
    """Hold the lock of the session's stack and environment, with heartbeats while the block lasts.

    When the lease ends, the session's ``stop`` counts as requested: what looks at it begins nothing more.
    Raises Locked when somebody else has the lock after ``patience`` seconds.
    """
    stop, tell = session.surroundings.stop, session.surroundings.on_event

    def on_end(error: LockLost) -> None:
        tell(Notice(text=f"stopping: {error.message}"))
        stop.wait(0)  # wakes whoever waits for the request

    def on_trouble(error: LedgerError) -> None:
        left = written(lock.holder.lease)
        text = f"a heartbeat failed: {error.message}; the run goes on while the lease lasts, {left} at most"
        tell(Notice(text=text))

    lock = _acquired(session, store, _holder(session, operation), patience)
    lease = Lease(store, lock, subject=str(session.owner), on_end=on_end, on_trouble=on_trouble)
    try:
        with stop.unless(lambda: lease.holds), lease.beating():
            if lock.succeeded is not None:
                for told in free_states(session, store.read(), lock.succeeded):
                    tell(Notice(text=told))
            yield lease
    finally:
        _release(session, store, lock)


def _holder(session: Session, operation: Operation) -> Holder:
    settings = session.surroundings.settings
    command = f"orchestrator {operation} {session.stack.name} --env {session.stack.environment}"
    holder = this_process(settings, user=who(session), command=command, lease=lease_of(settings))
    comparable = operation is Operation.APPLY and not session.revision.dirty
    return replace(holder, revision=session.revision.commit if comparable else "")


def _acquired(session: Session, store: Store, holder: Holder, patience: float) -> Lock:
    try:
        return _told(session, store.acquire(holder), proof="whose process has ended")
    except Locked:
        if not patience:
            raise
    waiter = _claiming(session, Waiter(holder=holder, patience=patience), store.sight().hold)
    with _lined_up(store, waiter):
        return _in_turn(session, store, waiter)


def _claiming(session: Session, waiter: Waiter, hold: Hold | None) -> Waiter:
    """Return a waiter that says whether its commit is newer than the one that the holder applies."""
    ours, theirs = waiter.holder.revision, hold.holder.revision if hold else ""
    newer = ours and theirs and ours != theirs
    if hold is None or not newer or not _follows(session, ours, theirs):
        return replace(waiter, overtakes="")
    return replace(waiter, overtakes=hold.holder.token)


def _follows(session: Session, ours: str, theirs: str) -> bool:
    """Return whether our commit has theirs in its history; where that cannot be told, it is told that it cannot."""
    around = session.surroundings
    remote = remote_of(session)
    found = session.repository.descends(ours, ancestor=theirs, remote=remote, stop=around.stop)
    if found is None:
        text = (
            f"this shallow clone does not tell whether {ours[:10]} is newer than {theirs[:10]}, which is being"
            " applied: it is waited for to its end; with the whole history (in CI: a fetch depth of 0) it would not be"
        )
        around.on_event(Notice(text=text))
    return found is True


def _in_turn(session: Session, store: Store, waiter: Waiter) -> Lock:
    """Take the lock when it is free and nobody who came earlier wants it.

    Each of those in front has the time of some looks at the free lock before this one takes it, so that one of
    them that died, or lost its connection, holds up nobody for long.
    """
    looks, holder = 0, waiter.overtakes
    for sight, proof in _Line(session, store, waiter.patience, waiter).looks():
        if sight.hold and sight.hold.holder.token != holder:
            holder = sight.hold.holder.token
            waiter = _seen_as(_claiming(session, waiter, sight.hold), store, before=waiter)
        free = sight.hold is None or bool(proof)
        looks = looks + 1 if free else 0
        if looks > _LOOKS_LEFT * len(sight.ahead_of(waiter)):
            with suppress(Locked):  # somebody was quicker
                over = sight.hold.mark if sight.hold else ""
                lock = store.acquire(replace(waiter.holder, since=clock.now()), over=over)
                return _told(session, lock, proof=proof or "whose process has ended")
    raise AssertionError("a line is looked at until it is given up")


def _seen_as(waiter: Waiter, store: Store, *, before: Waiter) -> Waiter:
    """Be seen in the queue as what this has become since ``before``."""
    if waiter != before:
        store.leave(before)
        store.line_up(waiter)
    return waiter


def _told(session: Session, lock: Lock, *, proof: str) -> Lock:
    if lock.succeeded is not None:
        text = f"took the lock over from {lock.succeeded.holder}, {proof}"
        session.surroundings.on_event(Notice(text=text))
    for each in lock.brought:
        text = f"recorded what could not be when it was done: {each}"
        session.surroundings.on_event(Notice(text=text))
    return lock


@contextmanager
def _lined_up(store: Store, waiter: Waiter) -> Iterator[None]:
    store.line_up(waiter)
    try:
        yield
    finally:
        with suppress(LedgerError):  # it is no longer counted when its patience is over
            store.leave(waiter)


class _Line:
    """Waiting for a lock: looks at it again and again, and tells what has changed."""

    def __init__(
        self, session: Session, store: Store, patience: float, waiter: Waiter | None = None
    ) -> None:
        self._session = session
        self._store = store
        self._patience = patience
        self._waiter = waiter
        self._deadline = clock.seconds() + patience
        self._watch = Watch(is_dead=lambda holder: is_dead(session, holder))
        self._pause = pause_between_looks(session)
        self._told = ""

    def looks(self) -> Iterator[tuple[Sight, str]]:
        """Yield what is seen, each time with what proves that the holder is dead, if anything does.

        Raises Locked when the patience is over, and Interrupted when somebody asks to stop.
        """
        stop = self._session.surroundings.stop
        seen: Hold | None = None
        while True:
            sight = self._sight()
            if sight is not None:
                yield sight, self._watch.proof(sight.hold) if sight.hold else ""
                self._tell(sight)
                seen = sight.hold
            if clock.seconds() > self._deadline:
                raise self._too_long(seen)
            if stop.wait(self._pause):
                raise Interrupted(f"stopped while waiting for the lock of {self._session.owner}")

    def _sight(self) -> Sight | None:
        """Take a look; a remote that does not answer for a moment is asked again."""
        try:
            return self._store.sight()
        except LedgerError as error:
            if clock.seconds() > self._deadline:
                raise
            self._say(f"waiting for {self._session.owner}: {error.message}")
            return None

    def _tell(self, sight: Sight) -> None:
        if sight.hold is None or not self._patience:
            return
        ahead = len(sight.ahead_of(self._waiter)) if self._waiter else 0
        place = f", number {ahead + 1} in line" if self._waiter else ""
        patience = written(self._patience)
        self._say(
            f"waiting for {self._session.owner}, up to {patience}{place}: locked by {sight.hold.holder}"
        )

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._session.surroundings.on_event(Notice(text=text))

    def _too_long(self, hold: Hold | None) -> Locked:
        if hold is not None:
            return is_locked(str(self._session.owner), hold, waited=self._patience)
        message = (
            f"{self._session.owner} was not free for this run within {written(self._patience)}"
        )
        return Locked(message, hint="others were quicker each time; wait longer, or run again")


def _release(session: Session, store: Store, lock: Lock) -> None:
    try:
        store.release(lock)
    except (
        LedgerError
    ) as error:  # what the run did counts; a lock that stays is told, with the way out
        hint = f"orchestrator unlock {session.stack.name} --env {session.stack.environment}"
        text = f"the lock could not be released: {error.message}; later: {hint}"
        session.surroundings.on_event(Notice(text=text))
