"""A ledger's commits as the links of its chain."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.ledger.encoding import decode_entry, decode_state
from orchestrator.ledger.stores.plumbing import Plumbing
from orchestrator.ledger.stores.standing import ENTRY, STATE
from orchestrator.ledger.verification import Link

_AT_ONCE = 500

T = TypeVar("T")


def chain_of(plumbing: Plumbing, commits: Sequence[str]) -> list[Link]:
    """Return the links that commits hold, oldest first.

    ``commits`` are a ledger's, newest first, and what its first parents lead to behind the very first entry: the
    revision that was applied. Raises NewerFormat.
    """
    links: list[Link] = []
    for found in _links(plumbing, commits):
        links.append(found)
        if found.entry is not None and not found.entry.previous:
            break
    while links and links[-1].entry is None and len(links) > 1:
        links.pop()  # no entry leads there: these are the revisions behind a first one that is gone
    return links[::-1]


def _links(plumbing: Plumbing, commits: Sequence[str]) -> Iterator[Link]:
    for start in range(0, len(commits), _AT_ONCE):
        some = commits[start : start + _AT_ONCE]
        contents = plumbing.read([f"{commit}:{name}" for commit in some for name in (ENTRY, STATE)])
        for index, commit in enumerate(some):
            yield _link(commit, *contents[2 * index : 2 * index + 2])


def _link(commit: str, entry: tuple[str, bytes] | None, state: tuple[str, bytes] | None) -> Link:
    told, why = _tried(ENTRY, entry, decode_entry)
    kept, wrong = _tried(STATE, state, decode_state)
    return Link(place=commit, entry=told, state=kept, trouble=why or wrong)


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
