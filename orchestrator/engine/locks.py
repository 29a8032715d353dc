"""The lock of a stack for people: who has it, who waits for it, and releasing it with proof."""

from datetime import timedelta

from orchestrator import clock
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.session import Session
from orchestrator.engine.state_locks import free_states
from orchestrator.engine.turns import is_dead, pause_between_looks
from orchestrator.errors import Interrupted, Locked, OrchestratorError, UsageError
from orchestrator.ledger.holder import Hold, Holder
from orchestrator.ledger.presence import surely_alive
from orchestrator.ledger.store import Store
from orchestrator.ledger.watch import Watch
from orchestrator.plans.events import Notice
from orchestrator.plans.history import LockStatus, Occupant
from orchestrator.stack.written.durations import written


def read_lock(session: Session) -> LockStatus:
    """Return who holds the lock of the session's stack and environment, and who waits; raises LedgerError."""
    sight = open_store(session).sight()
    hold = sight.hold
    return LockStatus(
        stack=session.stack.name,
        environment=session.stack.environment,
        holder=_occupant(hold.holder) if hold else None,
        beat=hold.beat if hold else None,
        lease=hold.holder.lease if hold else 0.0,
        ended=hold is not None and is_dead(session, hold.holder),
        waiting=tuple(_occupant(waiter.holder) for waiter in sight.waiting),
    )


def release_lock(session: Session, *, force: str | None) -> str:
    """Release a lock and return a sentence about it.

    Without ``force`` only one whose holder is proven dead: its process ended on this machine, or it gave no
    heartbeat while it was watched from here. With that proof, locks that it left on Terraform's states are
    released too. ``force`` is the token of a holder, who may be alive; it proves nothing, and frees no state.
    Raises Locked when the holder may be alive, UsageError when ``force`` names another one.
    """
    store = open_store(session)
    hold = store.sight().hold
    if hold is None:
        return f"{session.owner} is not locked"
    if force is not None:
        return _released(store, hold, _forced(hold.holder, force))
    proof = _proven(session, store, hold)
    told = _released(store, hold, proof, mark=hold.mark)
    return "\n".join((told, *free_states(session, store.read(), hold)))


def _released(store: Store, hold: Hold, why: str, *, mark: str = "") -> str:
    if store.break_lock(hold.holder, mark=mark):
        return f"released the lock of {hold.holder}, {why}"
    raise _changed_hands()


def _changed_hands() -> OrchestratorError:
    return OrchestratorError(
        "the lock changed hands meanwhile", hint="look again: run it once more"
    )


def _occupant(holder: Holder) -> Occupant:
    return Occupant(
        id=holder.token,
        who=holder.user,
        host=holder.host,
        process=holder.process,
        command=holder.command,
        since=holder.since,
        ci_run=holder.ci_run,
    )


def _forced(holder: Holder, force: str) -> str:
    if force != holder.token:
        raise UsageError(
            f"the holder is not {force}", hint=f"it is {holder.token}: {holder}; is that the one?"
        )
    return "by force"


def _proven(session: Session, store: Store, hold: Hold) -> str:
    """Return what proves that the holder is dead, after watching it as long as that takes; raises Locked."""
    watch = Watch(is_dead=lambda holder: is_dead(session, holder))
    if proof := watch.proof(hold):
        return proof
    left = watch.remaining(hold)
    if left is None:
        raise _refused(session, hold, "it has no heartbeat that could be missed")
    if _beats_here(session, hold):
        raise _refused(session, hold, "its process runs on this machine")
    holder = hold.holder
    text = (
        f"watching {holder} for a heartbeat, {written(round(left))} at most;"
        f" to release it at once: --force {holder.token}"
    )
    session.surroundings.on_event(Notice(text=text))
    return _watched(session, store, hold, watch)


def _beats_here(session: Session, hold: Hold) -> bool:
    """Return whether the holder is a process of this machine within its lease; both read the same clock."""
    holder, host = hold.holder, session.surroundings.settings.host
    return surely_alive(holder, host=host) and (
        clock.now() < hold.beat + timedelta(seconds=holder.lease)
    )


def _watched(session: Session, store: Store, hold: Hold, watch: Watch) -> str:
    stop = session.surroundings.stop
    pause = pause_between_looks(session)
    while not (proof := watch.proof(hold)):
        if stop.wait(min(pause, watch.remaining(hold) or 0.0)):
            raise Interrupted(f"stopped while watching the lock of {session.owner}")
        now = store.sight().hold
        if now is None or now.holder.token != hold.holder.token:
            raise _changed_hands()
        if now.mark != hold.mark:
            raise _refused(session, hold, "it gave a heartbeat a moment ago")
    return proof


def _refused(session: Session, hold: Hold, why: str) -> Locked:
    holder = hold.holder
    message = f"{session.owner} is locked by {holder} since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    hint = f"{why}; if you know that it is dead all the same: --force {holder.token}"
    return Locked(message, hint=hint)
