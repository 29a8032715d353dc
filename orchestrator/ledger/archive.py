"""A whole ledger as one file: what moves it from one place to another. Pure.

Each line is canonical JSON with the format's number: whose ledger it is and how many entries follow, the entries,
oldest first, and the digest of all lines before.
"""

import hashlib
from dataclasses import dataclass

from orchestrator.errors import LedgerError
from orchestrator.ledger.encoding import decode_entry, encode_entry
from orchestrator.ledger.entry import Entry
from orchestrator.ledger.fields import Fields, decode, encode
from orchestrator.ledger.verification import Link, verify
from orchestrator.plans.objects import Owner
from orchestrator.stack.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A ledger: whose it is, and its entries, oldest first."""

    owner: Owner
    entries: tuple[Entry, ...]


def encode_archive(archive: Archive) -> bytes:
    """Return an archive's bytes; the same ledger has the same ones wherever it is kept."""
    whose: Json = {"stack": archive.owner.stack, "environment": archive.owner.environment}
    head = encode({"ledger": whose, "entries": len(archive.entries)})
    told = head + b"".join(encode_entry(entry) for entry in archive.entries)
    return told + encode({"digest": _digest(told)})


def decode_archive(content: bytes) -> Archive:
    """Return the archive that bytes hold; raises LedgerError when it is none, or not whole."""
    lines = content.splitlines(keepends=True)
    if not lines:
        raise _not_whole("it is empty")
    owner, count = decode(lines[0], _read_head)
    if len(lines) != count + 2:
        raise _not_whole(f"{count} entries should be in it, and there are {max(0, len(lines) - 2)}")
    digest = decode(lines[-1], lambda fields: fields.text("digest"))
    if digest != _digest(b"".join(lines[:-1])):
        raise _not_whole("it was changed: its digest is another one")
    entries = tuple(map(decode_entry, lines[1:-1]))
    links = (Link(place=f"line {number}", entry=each) for number, each in enumerate(entries, 2))
    if broken := verify(links).broken:
        raise _not_whole(f"{broken.place} {broken.why}")
    return Archive(owner=owner, entries=entries)


def _read_head(fields: Fields) -> tuple[Owner, int]:
    whose = fields.inner("ledger")
    owner = Owner(stack=whose.text("stack"), environment=whose.text("environment"))
    return owner, fields.number("entries")


def _digest(told: bytes) -> str:
    return hashlib.sha256(told).hexdigest()


def _not_whole(why: str) -> LedgerError:
    return LedgerError(
        f"this is not the whole of a ledger: {why}",
        hint="export it again: orchestrator ledger export STACK > FILE",
    )
