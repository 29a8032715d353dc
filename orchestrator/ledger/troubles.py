"""The errors that every store raises alike."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from shlex import quote

from orchestrator.errors import (
    ClusterError,
    ClusterUnreachable,
    LedgerError,
    LedgerLost,
    LedgerUnreachable,
    LockLost,
    OrchestratorError,
    RemoteUnreachable,
    RepositoryError,
    StorageError,
    storage_error,
)
from orchestrator.ledger.entry import Entry, LedgerState, Moved
from orchestrator.ledger.holder import Holder

_AWAY = (ClusterUnreachable, LedgerUnreachable, RemoteUnreachable)


class Kept(Enum):
    """Where an outcome is kept that did not reach its ledger, and what comes of it, each as people are told."""

    AHEAD = (
        "what was done is recorded in this clone alone",
        "the next run from this clone brings it there; until then, run from no other place",
    )
    BESIDE = (
        "what was done is kept in this clone beside the ledger",
        "the next run records it",
    )
    APART = (
        "what was done is kept in this clone, apart from the ledger",
        "the next run from this clone records it first; until then, run from no other place",
    )


class Unrecorded(LedgerError):
    """An outcome did not reach the ledger.

    ``away`` says that its place does not answer, as far as ``why`` tells, and may take it in a moment.
    """

    def __init__(self, cause: OrchestratorError, *, where: str, hints: Iterable[str]) -> None:
        """Take what kept it from being recorded, where it is instead, and what to do."""
        hint = "; ".join(filter(None, hints))
        super().__init__(f"{cause.message}; {where}", hint=hint, detail=cause.detail)
        self.why = cause.message
        self.away = isinstance(cause, _AWAY)


class NotShared(Unrecorded):
    """An outcome that did not reach the ledger is kept in this clone; ``state`` is the one after it."""

    def __init__(self, cause: OrchestratorError, *, state: LedgerState, kept: Kept) -> None:
        """Take what kept it from being recorded, and where it is."""
        where, hint = kept.value
        first = "" if kept is Kept.AHEAD else cause.hint
        super().__init__(cause, where=where, hints=(first, hint))
        self.state = state


class EntryRefused(LedgerError):
    """An entry that does not go with what the ledger says: it is recorded neither now nor later."""


class LedgerReplaced(LedgerLost):
    """Another ledger is where one was seen before, and a repair goes on with one of them.

    ``state`` is what the other one says, None where that cannot be told.
    """

    def __init__(self, lost: LedgerLost, *, state: LedgerState | None) -> None:
        """Take what is known of the one that is gone."""
        super().__init__(lost.message, hint=lost.hint)
        self.state = state


def moved_away(subject: str, moved: Moved) -> EntryRefused:
    """Return the error for a ledger that ends where it is asked for, since it goes on in another place."""
    stack, _, environment = subject.partition("/")
    return EntryRefused(
        f"the ledger of {subject} was moved to {moved.to}, by {moved.by} on {moved.at:%Y-%m-%d %H:%M:%S} UTC:"
        " nothing is recorded here any more",
        hint="take the commit that says so (git pull), and run again; or bring it back here:"
        f" orchestrator ledger export {stack} --env {environment} | orchestrator ledger import -",
    )


def lost_lock(subject: str, holder: Holder | None) -> LockLost:
    """Return the error for a writer whose lock is no longer its own."""
    now = (
        f"{holder} has it since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
        if holder
        else "nobody has it now"
    )
    return LockLost(
        f"the lock on {subject} was taken away from this run: {now}",
        hint="nothing more is done or recorded; see orchestrator status for what is open, then run again",
    )


def expired_lease(subject: str, lease: float) -> LockLost:
    """Return the error for a writer that gave no heartbeat for as long as its lease."""
    return LockLost(
        f"the lease on {subject} is over: no heartbeat of this run was recorded for {lease:g} seconds,"
        " and others may have gone on since",
        hint="nothing more is done or recorded; see orchestrator status for what is open, then run again",
    )


def unreadable_lock(subject: str, place: str) -> LedgerError:
    """Return the error for a lock of which nobody can tell who holds it."""
    return LedgerError(
        f"the lock on {subject} cannot be read: {place}",
        hint="it was changed by other means; when nobody is at work there, delete it, and run again",
    )


def out_of_order(subject: str) -> EntryRefused:
    """Return the error for an entry that does not follow the ledger's last one."""
    return EntryRefused(
        f"the ledger of {subject} moved on since this run read it",
        hint="nothing was recorded; run again, so that it plans from what is there now",
    )


def cut_short(subject: str, place: str, *, seen: int, now: int, accepted: str = "") -> LedgerLost:
    """Return the error for a ledger that does not hold any more what this clone saw in it; numbers of entries.

    ``accepted`` says how to go on with it all the same, where that may be meant.
    """
    if now == 0:
        happened = f"is gone: this clone saw {_entries(seen)} there, and now there is none"
    elif now < seen:
        happened = f"was cut short: this clone saw {_entries(seen)} there, and now it ends with entry {now}"
    else:
        happened = f"was replaced by another one: entry {seen} is not the one that this clone saw"
    hint = f"{restore(subject)}{accepted}"
    return LedgerLost(f"the ledger of {subject} in {place} {happened}", hint=hint)


def repaired_by(number: int, note: Entry, *, memory: str) -> str:
    """Return how to go on after somebody's repair, whose entry has that number, for the end of a hint.

    ``memory`` is the file in which this clone has what it saw last.
    """
    who = note.run.who.partition(" <")[0]
    return (
        f"; entry {number} is a repair by {who} on {note.at:%Y-%m-%d %H:%M:%S} UTC: if that is why, go on with it here"
        f" after rm {quote(memory)}"
    )


def forgotten(subject: str, memory: str) -> str:
    """Return the sentence about a clone's memory of a ledger that cannot be read."""
    return (
        f"what this clone saw last of the ledger of {subject} cannot be read ({memory}): whether entries were lost"
        " since cannot be told, and what is there now is gone on with"
    )


def lost_entries(subject: str, happened: str, *, seen: str, now: str, forget: str) -> LedgerLost:
    """Return the error for a remote's ledger that does not lead back to what was seen there.

    ``happened`` is where and what; ``now`` is what is there, empty for nothing; ``forget`` is how this clone
    forgets what it saw.
    """
    stack, _, environment = subject.partition("/")
    there = f"now it ends with {now}" if now else "now nothing is there"
    return LedgerLost(
        f"the ledger of {subject} {happened}: the last entry that this clone saw was {seen}, and {there}",
        hint=f"to put back what this clone knows: orchestrator ledger repair {stack} --env {environment};"
        f" if it was meant: {forget}",
    )


def unkept(
    subject: str, commit: str, cause: OrchestratorError, *, give_up: str = ""
) -> LedgerError:
    """Return the error for what stands in a ledger's place and would be lost with a repair: nothing is replaced."""
    return LedgerError(
        f"nothing is repaired: what stands in the place of the ledger of {subject} now ({commit[:10]}) cannot be kept"
        f" in this clone: {cause.message}",
        hint=f"{cause.hint or 'see to it, and repair again'}{give_up}",
        detail=cause.detail,
    )


def unreadable_aside(subject: str, ref: str, cause: OrchestratorError) -> LedgerError:
    """Return the error for entries that wait in this clone, at a ref, and cannot all be read."""
    stack, _, environment = subject.partition("/")
    return LedgerError(
        f"what waits in this clone to be recorded in the ledger of {subject} cannot be read: {ref}: {cause.message}",
        hint=f"put it back from a backup; or give it up, with what it tells: git update-ref -d {ref}, and then"
        f" orchestrator ledger repair {stack} --env {environment}, which finds what exists",
    )


def recorded_nowhere(cause: OrchestratorError, why: OrchestratorError) -> Unrecorded:
    """Return the error for an outcome that neither its ledger nor this clone can take."""
    return Unrecorded(
        cause,
        where=f"what was done is recorded nowhere, since this clone cannot keep it either: {why.message}",
        hints=(cause.hint, "the next run finds this one unfinished, and looks at all of it"),
    )


def gone_after(subject: str, place: str, *, found: bool) -> LedgerError:
    """Return the error for a part of a ledger that is missing, or was ``found`` not to be what it was."""
    return damaged(subject, place, "was changed by other means" if found else "is missing")


def damaged(subject: str, place: str, why: str) -> LedgerError:
    """Return the error for a ledger with a part that is not as it should be, with why for the end of a sentence."""
    return LedgerError(f"the ledger of {subject} is damaged: {place} {why}", hint=restore(subject))


def no_such_entry(subject: str, entry: str) -> LedgerError:
    """Return the error for an entry to go on from that cannot be reached."""
    return LedgerError(f"the ledger of {subject} holds no entry {entry} that can be reached")


def restore(subject: str) -> str:
    """Return what to do about a ledger that is damaged."""
    stack, _, environment = subject.partition("/")
    words = f"{stack} --env {environment}"
    return (
        f"put it back from a backup; or see what is left with orchestrator ledger verify {words},"
        f" and go on from there with orchestrator ledger repair {words}"
    )


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


@contextmanager
def as_ledger_error() -> Iterator[None]:
    """Tell what a cluster, Git or the file system refuses as trouble with the ledger that is in it."""
    try:
        yield
    except (ClusterError, RepositoryError, StorageError, OSError) as error:
        told = storage_error(error) if isinstance(error, OSError) else error
        raise LedgerError(told.message, hint=told.hint, detail=told.detail) from error
