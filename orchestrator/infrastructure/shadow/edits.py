"""Editing a text at several places at once, and keeping its lines where they are; pure."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from orchestrator.infrastructure.reading.structure import Span

Edit: TypeAlias = tuple[Span, str]
"""A piece of a text, and what takes its place; an empty piece is where something is inserted."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; no two of them overlap."""
    parts: list[str] = []
    position = 0
    for span, replacement in sorted(edits, key=lambda edit: edit[0].start):
        parts += [text[position : span.start], replacement]
        position = span.end
    return "".join([*parts, text[position:]])


def blank(text: str, span: Span) -> Edit:
    """Return the edit that takes a piece away and leaves its lines."""
    return span, "\n" * span.of(text).count("\n")


def only(text: str, kept: Sequence[Span], edits: Iterable[Edit]) -> str:
    """Return some pieces of a text alone, on the lines where they stand, with those edits that are inside."""
    starts = [0, *(span.end for span in kept)]
    ends = [*(span.start for span in kept), len(text)]
    gaps = (Span(start=start, end=end) for start, end in zip(starts, ends, strict=True))
    own = [edit for edit in edits if inside(edit[0], kept)]
    return edited(text, [*(blank(text, gap) for gap in gaps), *own])


def inside(span: Span, pieces: Iterable[Span]) -> bool:
    """Whether a span begins in one of these."""
    return any(piece.start <= span.start < piece.end for piece in pieces)


def lines_added(text: str, edits: Iterable[Edit]) -> list[tuple[int, int]]:
    """Return after which lines of a text its edits add lines, and how many, in order."""
    return sorted(
        (text.count("\n", 0, span.start) + 1, added)
        for span, replacement in edits
        if (added := replacement.count("\n") - span.of(text).count("\n")) > 0
    )
