"""Taking a ledger from one place to another: all its entries, as one file in between."""

import os
import tempfile
from pathlib import Path

from orchestrator.engine.ledgers.notes import note
from orchestrator.engine.recording import open_store
from orchestrator.engine.session import Session
from orchestrator.engine.turns import locked
from orchestrator.errors import LedgerError, StorageError, UsageError
from orchestrator.ledger.archive import Archive, encode_archive
from orchestrator.ledger.entry import LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.verification import verify


def export_ledger(session: Session) -> bytes:
    """Return the session's ledger as one file; raises LedgerError when it is empty, or not whole."""
    store = open_store(session)
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

    Raises UsageError for another stack's, LedgerError for a ledger that is not empty, Locked.
    """
    if archive.owner != session.owner:
        raise UsageError(f"this is the ledger of {archive.owner}, not of {session.owner}")
    store = open_store(session)
    with locked(session, store, Operation.IMPORT, patience=patience) as lease:
        present = store.read()
        if present.head:
            raise LedgerError(
                f"the ledger of {session.owner} is not empty: nothing was imported",
                hint="entries of two ledgers are never mixed; see what it holds: "
                f"orchestrator history {session.stack.name} --env {session.stack.environment}",
            )
        told = f"import {session.owner}: {len(archive.entries)} entries of another place"
        head = fold_all(archive.entries).head
        noted = note(session, Operation.IMPORT, told, previous=head)
        lease.rewrite((*archive.entries, noted), base=LedgerState())
    return f"imported {len(archive.entries)} entries into the ledger of {session.owner}"
