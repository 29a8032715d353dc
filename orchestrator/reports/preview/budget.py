"""Making a preview fit: its parts are left out by their rank, and counted, until what is left is short enough."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from orchestrator.reports.preview.blocks import Block, Document, Piece, Rank

_LEAST_FRAME: Final = 50  # tags and fences
_MOST_PIECES: Final = 10_000_000
SMALLEST: Final = 4_000
"""How many characters a limit has at least: below that, what always stands there has no room."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Which blocks are left out of a document, and which pieces of the others, by their places."""

    blocks: frozenset[int] = frozenset()
    pieces: frozenset[tuple[int, int]] = frozenset()

    def of(self, document: Document) -> Counter[str]:
        """Count the blocks that are left out by what they are counted as."""
        return Counter(
            block.counted for place, block in enumerate(document.blocks) if place in self.blocks
        )

    def within(self, place: int, block: Block) -> Counter[str]:
        """Count the pieces that are left out of one block by what they are counted as."""
        return Counter(
            piece.counted
            for index, piece in enumerate(block.pieces)
            if (place, index) in self.pieces
        )


@dataclass(slots=True)
class _Cutter:
    """What may go, the last of it first; takes away as much as is asked for."""

    candidates: list["_Candidate"]
    blocks: set[int] = field(default_factory=set)
    pieces: set[tuple[int, int]] = field(default_factory=set)

    def cut(self, excess: int) -> bool:
        """Leave out more, by about so many characters; return whether there was anything left."""
        if not self.candidates:
            return False
        while excess > 0 and self.candidates:
            candidate = self.candidates.pop()
            if candidate.block in self.blocks:
                continue
            excess -= candidate.size
            if candidate.piece is None:
                self.blocks.add(candidate.block)
            else:
                self.pieces.add((candidate.block, candidate.piece))
        return True

    @property
    def left_out(self) -> LeftOut:
        return LeftOut(frozenset(self.blocks), frozenset(self.pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A block, or a piece of one, that may go; ``order`` is smaller for what goes earlier."""

    order: tuple[int, int]
    block: int
    piece: int | None = None
    size: int


def size(text: str) -> int:
    """Return the length of a text as the strictest forge counts it: in UTF-16 code units."""
    return len(text) + sum(sign > "\uffff" for sign in text) if not text.isascii() else len(text)


def fitted(document: Document, limit: int, render: Callable[[Document, LeftOut], str]) -> str:
    """Return a document rendered, with as little left out as makes it no longer than ``limit`` characters.

    Raises ValueError for a limit below the smallest one.
    """
    if limit < SMALLEST:
        message = f"a comment needs {SMALLEST} characters at least, not {limit}"
        raise ValueError(message)
    text = render(document, LeftOut())
    if size(text) <= limit:
        return text
    cutter = _Cutter(sorted(_candidates(document), key=lambda each: each.order, reverse=True))
    while (excess := size(text) - limit) > 0 and cutter.cut(excess):
        text = render(document, cutter.left_out)
    return text


def _candidates(document: Document) -> Iterator[_Candidate]:
    for place, block in enumerate(document.blocks):
        pieces = tuple(block.pieces)
        # Before what is of its rank within it: no section is left without what it is about.
        turn = -(place * _MOST_PIECES + _MOST_PIECES - 1)
        yield _Candidate(order=(block.rank, turn), block=place, size=_least(block))
        for index, piece in enumerate(pieces):
            order = (piece.rank, _turn(piece, place, index, len(pieces)))
            yield _Candidate(order=order, block=place, piece=index, size=_length(piece))


def _least(block: Block) -> int:
    """Return about how long a block is when all of its pieces are gone that go before it does."""
    around = (block.name, block.summary, block.digest, *block.reasons, *block.commands)
    kept = (_length(piece) for piece in block.pieces if piece.rank >= block.rank)
    return _LEAST_FRAME + sum(map(size, around)) + sum(kept)


def _length(piece: Piece) -> int:
    return sum(size(text) + 1 for text in piece.lines)


def _turn(piece: Piece, place: int, index: int, of: int) -> int:
    """Return when a piece goes among its like: the last one first, but the middle of an error's detail."""
    if piece.rank is Rank.DETAIL_OF_ERROR:
        return -min(index, of - index)
    return -(place * _MOST_PIECES + index)
