"""A ledger's commits as the links of its chain."""

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.ledger.encoding import StateEncoder, decode_entry, decode_kept
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold
from orchestrator.ledger.stores.plumbing import Plumbing
from orchestrator.ledger.stores.standing import ENTRY, STATE
from orchestrator.ledger.verification import Link

_AT_ONCE = 500
_ID_OF_SHA1 = 40  # letters

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a commit holds: its entry, or what is wrong with that, and the id of its state, empty for none."""

    commit: str
    entry: Entry | None
    trouble: str
    state: str = ""


def chain_of(plumbing: Plumbing, commits: Sequence[str]) -> list[Link]:
    """Return the links that commits hold, oldest first.

    ``commits`` are a ledger's, newest first, and what its first parents lead to behind the very first entry: the
    revision that was applied. Raises NewerFormat.
    """
    with _uncollected():
        kept: list[_Kept] = []
        for found in _kept(plumbing, commits):
            kept.append(found)
            if found.entry is not None and not found.entry.previous:
                break
        while kept and kept[-1].entry is None and len(kept) > 1:
            kept.pop()  # no entry leads there: these are the revisions behind a first one that is gone
        return [*_links(plumbing, kept[::-1])]


def entries_of(plumbing: Plumbing, commits: Sequence[str]) -> list[Entry]:
    """Return the entries that commits hold, which are given as ``chain_of`` takes them: newest first.

    Raises LedgerError for one that cannot be read.
    """
    entries: list[Entry] = []
    with _uncollected():
        for some in _batches(commits):
            for found in plumbing.read([f"{commit}:{ENTRY}" for commit in some]):
                # The first entry's parent is the revision that was applied, not an entry.
                if found is None or (entries and not entries[-1].previous):
                    return entries
                entries.append(decode_entry(found[1]))
    return entries


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles while the block lasts: decoding makes millions of objects, and none of them is in one."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _kept(plumbing: Plumbing, commits: Sequence[str]) -> Iterator[_Kept]:
    for some in _batches(commits):
        states = plumbing.identify([f"{commit}:{STATE}" for commit in some])
        entries = plumbing.read([f"{commit}:{ENTRY}" for commit in some])
        for commit, found, state in zip(some, entries, states, strict=True):
            entry, why = _tried(ENTRY, found, decode_entry)
            yield _Kept(commit=commit, entry=entry, trouble=why, state=state)


def _links(plumbing: Plumbing, kept: Sequence[_Kept]) -> Iterator[Link]:
    """Yield links; a state whose id is that of what the entries say together need not be read to be known."""
    told, encoder = LedgerState(), StateEncoder()
    for some in _batches(kept):
        known: dict[str, LedgerState] = {}
        for each in some:
            if each.entry is not None:
                told = fold(told, each.entry)
                known |= {each.commit: told} if _is(each.state, encoder.encode(told)) else {}
        others = [each.commit for each in some if each.commit not in known]
        contents = plumbing.read([f"{commit}:{STATE}" for commit in others])
        read = dict(zip(others, contents, strict=True))
        for each in some:
            yield _link(each, known.get(each.commit), read.get(each.commit))


def _link(kept: _Kept, known: LedgerState | None, found: tuple[str, bytes] | None) -> Link:
    told, wrong = (None, "") if known else _tried(STATE, found, decode_kept)
    state, lacks = told or (known, frozenset())
    return Link(
        place=kept.commit,
        entry=kept.entry,
        state=state,
        lacks=lacks,
        trouble=kept.trouble or wrong,
        proven=known is not None,
    )


def _is(blob: str, content: bytes) -> bool:
    """Whether an object of Git has a content, by its id."""
    kind = hashlib.sha1 if len(blob) == _ID_OF_SHA1 else hashlib.sha256
    return kind(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest() == blob


def _tried(
    name: str, found: tuple[str, bytes] | None, decode: Callable[[bytes], T]
) -> tuple[T | None, str]:
    if found is None:
        return None, f"holds no {name}"
    try:
        return decode(found[1]), ""
    except NewerFormat:
        raise
    except LedgerError as error:
        return None, f"holds a {name} that cannot be read: {error.message}"
