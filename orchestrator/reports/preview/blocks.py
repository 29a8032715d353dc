"""The parts of a preview: blocks of lines, each line with the rank by which it goes when there is no room."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """What goes first when a preview is too long, and what last."""

    ASIDE = 1
    FIELDS_OF_CREATED = 2
    CREATED = 3
    FIELDS_OF_UPDATED = 4
    UPDATED = 5
    FIELDS_OF_REPLACED = 6
    REPLACED = 7
    DELETED = 8
    VERDICT = 9
    STACK = 10
    DETAIL_OF_ERROR = 11
    HINT = 12
    MORE_OF_ERROR = 13
    ERROR = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Lines that are shown or left out together; ``counted`` is what they are counted as then (``to create``)."""

    rank: Rank
    lines: tuple[str, ...]
    counted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pieces below a heading of their own, which goes when the last of them does; it may be empty."""

    pieces: tuple[Piece, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A section of a preview: a summary, sentences in Markdown, a block of code, and what follows it.

    ``name`` is what the section is about; ``folded`` says whether it has to be opened to be read. ``rank`` and
    ``counted`` are those of the section as a whole. ``commands`` are lines for a shell.
    """

    name: str
    summary: str
    groups: tuple[Group, ...]
    language: str
    rank: Rank
    counted: str
    folded: bool = True
    reasons: tuple[str, ...] = ()
    digest: str = ""
    commands: tuple[str, ...] = ()

    @property
    def pieces(self) -> Iterable[Piece]:
        """Return all pieces in their order."""
        return (piece for group in self.groups for piece in group.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A preview in parts; ``opening`` and ``closing`` are lines that always stand there."""

    opening: tuple[str, ...]
    blocks: tuple[Block, ...]
    closing: tuple[str, ...] = ()
