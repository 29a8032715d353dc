"""Entries that could not be recorded when it was time, as they follow what others recorded meanwhile. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestrator.ledger.entry import Entry, Kind


def worth_keeping(entry: Entry, *, meant: bool) -> bool:
    """Whether something is lost with an entry that is not recorded: what is merely ``meant`` can be said again."""
    return not (meant or entry.kind is Kind.STARTED or entry.moved)


def come_late(entry: Entry, *, after: str) -> Entry:
    """Return an entry as it follows the one that others recorded meanwhile."""
    message = f"{entry.message} (recorded late)"
    return replace(entry, previous=after, late=True, message=message)


def to_record(
    waiting: Sequence[Entry], recorded: Iterable[Entry], *, head: str
) -> tuple[Entry, ...]:
    """Return the entries that wait and are not ``recorded`` yet, in order, as they follow the last one, ``head``.

    From the first one on that others outran all are late: what was begun before theirs takes nothing of theirs back.
    """
    known = {each.id: each.late for each in recorded}
    following: list[Entry] = []
    late = False
    for entry in waiting:
        if entry.id in known:
            late = late or known[entry.id]
            continue
        late = late or entry.previous != head
        following.append(come_late(entry, after=head) if late else entry)
        head = entry.id
    return tuple(following)
