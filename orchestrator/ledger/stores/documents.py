"""The documents of a ledger that is kept as single ones: what each holds, and its bytes. Pure.

An entry's document names the one before it with its digest, so that none of them can be changed, left out or put
in later without the digests after it going wrong; the head names the last.
"""

import hashlib
from dataclasses import dataclass

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.ledger.encoding import decode_entry, encode_entry
from orchestrator.ledger.entry import Entry
from orchestrator.ledger.fields import Fields, decode, encode
from orchestrator.ledger.holder import Hold
from orchestrator.ledger.lock_encoding import decode_hold, encode_hold
from orchestrator.stack.model import Json

HEAD, LOCK, ENTRY, STATE, WAITER = "head", "lock", "entry", "state", "waiter"
_ANY_BYTES = "surrogateescape"
_LETTERS = 16  # of a digest in a name: enough to tell documents of one number apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A document that is never changed: its name, and the digest of its content."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a ledger stands: its last entry with its number and id, the state after it, and who may go on.

    ``token`` is that of the one lock whose holder may append. ``mark`` makes each writing of it another document.
    ``lost`` is what stood in its place where nobody can tell that, nothing where a head was missing beside entries:
    such a one is kept, and says who may go on, but nothing follows it before a repair.
    """

    number: int = 0
    id: str = ""
    entry: Reference | None = None
    state: Reference | None = None
    token: str = ""
    mark: str = ""
    lost: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An entry as it is kept: its number, counted from 1, and the document before it."""

    number: int
    before: Reference | None
    entry: Entry


def referred(kind: str, number: int, content: bytes) -> Reference:
    """Return the reference to a document of a kind, which names it."""
    digest = hashlib.sha256(content).hexdigest()
    return Reference(name=f"{kind}-{number:08d}-{digest[:_LETTERS]}", digest=digest)


def holds(reference: Reference, content: bytes) -> bool:
    """Whether a document is the one that is meant, unchanged."""
    return hashlib.sha256(content).hexdigest() == reference.digest


def encode_head(head: Head) -> bytes:
    """Return a head's bytes, of a lost one such as no version takes for one that it could read."""
    if head.lost is not None:
        kept = head.lost.decode(errors=_ANY_BYTES)
        return encode({"lost": kept, "token": head.token, "mark": head.mark})
    return encode(
        {
            "number": head.number,
            "id": head.id,
            "entry": _reference(head.entry),
            "state": _reference(head.state),
            "token": head.token,
            "mark": head.mark,
        }
    )


def lenient_head(content: bytes) -> Head:
    """Return the head that bytes hold, or that it is lost; raises NewerFormat."""
    for read in (_read_head, _read_lost):
        try:
            return decode(content, read)
        except NewerFormat:
            raise
        except LedgerError:
            continue
    return Head(lost=content)


def encode_numbered(numbered: Numbered) -> bytes:
    """Return the bytes of an entry that is kept: a line about its place, and a line that is the entry."""
    place = encode({"number": numbered.number, "before": _reference(numbered.before)})
    return place + encode_entry(numbered.entry)


def decode_numbered(content: bytes) -> Numbered:
    """Return the entry that bytes hold; raises LedgerError when they hold none that this version reads."""
    place, _, entry = content.partition(b"\n")
    number, before = decode(
        place, lambda fields: (fields.number("number"), _read(fields, "before"))
    )
    return Numbered(number=number, before=before, entry=decode_entry(entry))


def encode_lock(hold: Hold) -> bytes:
    """Return the bytes of a lock: a line that is the holder, and one with the mark of this heartbeat."""
    return encode_hold(hold.holder, beat=hold.beat) + encode({"mark": hold.mark})


def decode_lock(content: bytes) -> Hold:
    """Return the lock that bytes hold; raises LedgerError when they hold none that this version reads."""
    holder, _, mark = content.partition(b"\n")
    return decode_hold(holder, mark=decode(mark, lambda fields: fields.text("mark")))


def readable(content: bytes) -> tuple[Numbered | None, str]:
    """Return the entry that bytes hold, or why there is none, for the end of a sentence; raises NewerFormat."""
    try:
        return decode_numbered(content), ""
    except NewerFormat:
        raise
    except LedgerError as error:
        return None, f"cannot be read: {error.message}"


def _reference(reference: Reference | None) -> Json:
    return {"name": reference.name, "digest": reference.digest} if reference else None


def _read_head(fields: Fields) -> Head:
    return Head(
        number=fields.number("number"),
        id=fields.text("id"),
        entry=_read(fields, "entry"),
        state=_read(fields, "state"),
        token=fields.text("token"),
        mark=fields.text("mark"),
    )


def _read_lost(fields: Fields) -> Head:
    lost = fields.text("lost").encode(errors=_ANY_BYTES)
    return Head(token=fields.text("token"), mark=fields.text("mark"), lost=lost)


def _read(fields: Fields, name: str) -> Reference | None:
    found = fields.optional(name)
    return Reference(name=found.text("name"), digest=found.text("digest")) if found else None
