"""Taking a ledger from one place to another: all its entries, as one file in between.

The place that it leaves is told where it goes, under its lock and before the new one has anything: whoever comes there
with an older stack file records nothing more. Its last entry is part of the new ledger too, so that the old one is
always how the new one began, and can be gone on with when the ledger comes back.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.engine.ledgers.notes import note
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import Place, places_of, sentence_of, unsealed
from orchestrator.engine.session import Session
from orchestrator.engine.turns import locked
from orchestrator.errors import LedgerError, StorageError, UsageError
from orchestrator.ledger.archive import Archive, encode_archive
from orchestrator.ledger.entry import Entry, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.store import Store
from orchestrator.ledger.verification import verify
from orchestrator.plans.events import Notice


def export_ledger(session: Session) -> bytes:
    """Return the session's ledger as one file; raises LedgerError when it is empty, or not whole.

    Where the stack file names a place that has none yet, it is the ledger of the place where it was before.
    """
    store = _where_it_is(session)
    state = store.read()
    verdict = verify(store.links())
    stack, environment = session.stack.name, session.stack.environment
    if verdict.broken or verdict.state.head != state.head:
        where = f": {verdict.broken.place} {verdict.broken.why}" if verdict.broken else ""
        raise LedgerError(
            f"the ledger of {session.owner} is damaged, and not exported{where}",
            hint=f"orchestrator ledger repair {stack} --env {environment} shows what it would do about it",
        )
    if not verdict.entries:
        raise LedgerError(f"the ledger of {session.owner} is empty: there is nothing to export")
    return encode_archive(Archive(owner=session.owner, entries=verdict.entries))


def _where_it_is(session: Session) -> Store:
    """Return the session's store, or the one place where its ledger was left, or went to."""
    store = open_store(session)
    state = store.read()
    if state.head and not state.moved and store.rooted():
        return store
    match unsealed(places_of(session, store)):
        case []:
            return store
        case [place]:
            text = f"exporting from {place.store.title}, where it is now"
            session.surroundings.on_event(Notice(text=text))
            return place.store
        case several:
            titles = " and in ".join(place.store.title for place in several)
            hint = "name the one that is meant in the stack file, and export from there"
            raise LedgerError(f"there are ledgers of {session.owner} in {titles}", hint=hint)


def save_export(file: Path, content: bytes) -> None:
    """Write an export into a file of our own, all of it or nothing; raises StorageError."""
    draft = ""
    try:
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        Path(draft).replace(file)
    except OSError as error:
        if draft:
            Path(draft).unlink(missing_ok=True)
        reason = str(error.strerror or error).lower()
        hint = "make room or choose another place; nothing was kept of it"
        raise StorageError(f"cannot write {file}: {reason}", hint=hint) from error


def import_ledger(session: Session, archive: Archive, *, patience: float) -> str:
    """Put the entries of an archive into the session's ledger, which has to be empty; return a sentence about it.

    One that moved away from here, and now comes back, goes on where it ended. Other places that have the ledger are
    told where it is now. Raises UsageError for another stack's, LedgerError for a ledger that is not empty or when
    another place has entries that the archive lacks, Locked.
    """
    if archive.owner != session.owner:
        raise UsageError(f"this is the ledger of {archive.owner}, not of {session.owner}")
    store = open_store(session)
    _begun(session, store, archive.entries)
    # One lock after the other: places in Git share what this clone knows of them.
    entries = (*archive.entries, *_closed(session, store, archive.entries, patience=patience))
    with locked(session, store, Operation.IMPORT, patience=patience) as lease:
        entries, had = _begun(session, store, entries)
        told = f"import {session.owner}: {len(archive.entries)} entries of another place"
        noted = note(session, Operation.IMPORT, told, previous=entries[-1].id)
        lease.rewrite((*entries[had:], noted), base=fold_all(entries[:had]))
    return f"imported {len(archive.entries)} entries into the ledger of {session.owner}"


def _begun(
    session: Session, store: Store, entries: tuple[Entry, ...]
) -> tuple[tuple[Entry, ...], int]:
    """Return what the ledger is to be, and how many entries of that it has already.

    Raises LedgerError when it has others than those that the archive begins with.
    """
    present = store.read()
    if not present.head:
        return entries, 0
    last = next(iter(store.history(1)))
    if last.moved and last.previous == entries[-1].id:  # it comes back before it arrived
        entries = (*entries, last)
    ids = [each.id for each in entries]
    if present.head in ids and (present.moved or not store.rooted()):
        return entries, ids.index(present.head) + 1
    raise LedgerError(
        f"the ledger of {session.owner} is not empty: nothing was imported",
        hint="entries of two ledgers are never mixed; see what it holds: "
        f"orchestrator history {session.stack.name} --env {session.stack.environment}",
    )


def _closed(
    session: Session, store: Store, entries: Sequence[Entry], *, patience: float
) -> tuple[Entry, ...]:
    """Tell the other places that have the ledger where it goes, and return the entry that says so, if there is one."""
    around = session.surroundings

    def unread(error: LedgerError) -> None:
        text = f"{error.message}; whether it has entries that are not in this file is not known"
        around.on_event(Notice(text=text))

    closing: tuple[Entry, ...] = ()
    for place in places_of(session, store, unread=unread):
        closed = _close(place, store, entries, patience=patience)
        closing = closing or closed
    return closing


def _close(
    place: Place, store: Store, entries: Sequence[Entry], *, patience: float
) -> tuple[Entry, ...]:
    """End the ledger of a place, if that is where the entries are from; raises LedgerError when it has others."""
    ids = {each.id for each in entries}
    if place.state.moved and place.last.id in ids:  # it left from there before
        return ()
    if place.state.moved and place.last.previous == entries[-1].id:
        return (place.last,)
    owner = place.session.owner
    with locked(place.session, place.store, Operation.IMPORT, patience=patience) as lease:
        if place.store.read().head != entries[-1].id:
            last = next(iter(place.store.history(1)))
            raise LedgerError(
                f"the ledger of {owner} in {place.store.title} has entries that are not in this file: the last one"
                f" is {sentence_of(last)}; nothing was imported",
                hint=f"export it again: orchestrator ledger export {owner.stack} --env {owner.environment} FILE",
            )
        told = f"move {owner}: it goes on in {store.title}"
        noted = note(place.session, Operation.MOVE, told, previous=entries[-1].id)
        noted = replace(noted, moved=store.title)
        lease.append(noted)
        return (noted,)
