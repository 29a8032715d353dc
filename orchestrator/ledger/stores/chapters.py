"""Old entries of a chain, bound: many of them in one document, so that what a place keeps stays small.

A chapter holds the documents of entries byte by byte. Each is still known by its digest, which the one after it names:
the chain is as whole as before, and a chapter that was changed is noticed like an entry. One is written, and read back,
before the single documents go; who reads asks for those first, and finds what is gone in a chapter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.errors import LedgerError, NewerFormat
from orchestrator.ledger.fields import decode, encode
from orchestrator.ledger.stores.documents import ENTRY, Reference, readable, referred
from orchestrator.ledger.stores.shelf import Document, Shelf

CHAPTER: Final = "chapter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """How old entries are bound: so many to a chapter, while the newest ones stay single."""

    pages: int = 200
    single: int = 100

    def due(self, number: int, *, before: int) -> bool:
        """Whether to look for entries to bind now that there are so many: seldom, since it lists them."""
        step = max(1, self.pages // 2)
        return number // step != before // step


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An entry's document that is in a chapter, and that chapter's name."""

    content: bytes
    chapter: str


def bound(shelf: Shelf) -> dict[str, Bound]:
    """Return the entries' documents that are in chapters, by their own names; raises what the shelf raises."""
    return {
        referred(ENTRY, _number(page), page).name: Bound(content=page, chapter=name)
        for name, document in sorted(shelf.find(CHAPTER).items())
        for page in _pages(document.content)
    }


def entries_of(shelf: Shelf) -> dict[str, Document]:
    """Return all entries' documents by name, single or bound.

    Single ones are looked for first: whatever is bound meanwhile is in a chapter by then.
    """
    single = shelf.find(ENTRY)
    known = {
        name: Document(content=each.content, version=each.chapter)
        for name, each in bound(shelf).items()
    }
    return {**known, **single}


def bind(shelf: Shelf, last: Reference | None, binding: Binding) -> None:
    """Bind the oldest entries that stand single in the chain to ``last``, as many as fill whole chapters.

    Nothing is removed that was not read back before. Whoever is interrupted leaves documents twice, which the next
    one clears. Raises what the shelf raises.
    """
    single, known = shelf.find(ENTRY), bound(shelf)
    _drop(shelf, {name: each for name, each in single.items() if name in known})
    left = [*_back(single, known, last)][::-1]
    while len(left) >= binding.pages + binding.single:
        chapter, left = left[: binding.pages], left[binding.pages :]
        if not _kept(shelf, [content.content for _, content in chapter]):
            return
        _drop(shelf, dict(chapter))


def _back(
    single: Mapping[str, Document], known: Mapping[str, Bound], last: Reference | None
) -> Iterator[tuple[str, Document]]:
    """Yield the entries of a chain that stand single, the last one first, as far back as one leads to the next."""
    reference = last
    while reference is not None and reference.name in single and reference.name not in known:
        document = single[reference.name]
        numbered, _ = readable(document.content)
        if numbered is None or referred(ENTRY, numbered.number, document.content) != reference:
            return
        yield reference.name, document
        reference = numbered.before


def _kept(shelf: Shelf, pages: Sequence[bytes]) -> bool:
    """Keep a chapter, and return whether it is there as it was meant."""
    content = encode({"pages": len(pages)}) + b"".join(pages)
    name = referred(CHAPTER, _number(pages[-1]), content).name
    shelf.write(name, content, over="")
    found = shelf.read(name)
    return found is not None and found.content == content


def _drop(shelf: Shelf, documents: Mapping[str, Document]) -> None:
    for name, document in documents.items():
        shelf.remove(name, over=document.version)


def _pages(content: bytes) -> Iterator[bytes]:
    """Yield the documents in a chapter: two lines each; nothing of one that cannot be read. Raises NewerFormat."""
    try:
        head, *lines = content.splitlines(keepends=True)
        decode(head, lambda fields: fields.number("pages"))
        yield from (b"".join(pair) for pair in zip(lines[::2], lines[1::2], strict=True))
    except NewerFormat:
        raise
    except (LedgerError, ValueError):
        return


def _number(page: bytes) -> int:
    """Return the number of an entry's document, 0 for what is none: nothing leads to it then."""
    try:
        return decode(page.partition(b"\n")[0], lambda fields: fields.number("number"))
    except LedgerError:
        return 0
