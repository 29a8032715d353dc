"""A preview in Markdown: each fence and each ``<details>`` is opened and closed by the same function."""

import html
from collections import Counter
from collections.abc import Iterable, Iterator

from orchestrator.reports.preview.blocks import Block, Document, Group
from orchestrator.reports.preview.budget import LeftOut
from orchestrator.reports.preview.harmless import code, code_in_html, fenced
from orchestrator.reports.preview.words import counted


def render(document: Document, left_out: LeftOut) -> str:
    """Return a document without what is left out, which is counted in its place; ends in a newline."""
    lines = [*document.opening]
    for place, block in enumerate(document.blocks):
        if place not in left_out.blocks:
            _add_paragraph(lines, _block(block, place, left_out))
    blocks = left_out.of(document)
    if blocks:
        told = f"**Left out, since a comment is only so long: {counted(blocks)}.**"
        _add_paragraph(lines, [told])
    _add_paragraph(lines, document.closing)
    return "\n".join(lines) + "\n"


def _add_paragraph(lines: list[str], more: Iterable[str]) -> None:
    if lines[-1]:
        lines.append("")
    lines.extend(more)


def _block(block: Block, place: int, left_out: LeftOut) -> Iterator[str]:
    if not block.folded:
        yield f"**{code(block.name)} {block.summary}**"
        yield ""
        yield from _within(block, place, left_out)
        return
    summary = f"{code_in_html(block.name)} {html.escape(block.summary)}"
    yield f"<details><summary>{summary}</summary>"
    yield ""
    yield from _within(block, place, left_out)
    yield "</details>"


def _within(block: Block, place: int, left_out: LeftOut) -> Iterator[str]:
    """Yield paragraphs, each with an empty line after it."""
    for reason in block.reasons:
        yield f"- {code(reason)}"
    if block.reasons:
        yield ""
    lines = [*_lines(block, place, left_out)]
    if lines:
        yield from fenced(lines, block.language)
        yield ""
    if block.digest:
        yield f"Digest {code(block.digest)}"
        yield ""
    if block.commands:
        yield from fenced(block.commands, "sh")
        yield ""


def _lines(block: Block, place: int, left_out: LeftOut) -> Iterator[str]:
    """Yield the lines of a block's pieces, with what is left out counted where the first of it stood."""
    missing = left_out.within(place, block)
    index = 0
    for group in block.groups:
        kept = [(index + step, piece) for step, piece in enumerate(group.pieces)]
        index += len(group.pieces)
        yield from _group(
            group, [(place, number) in left_out.pieces for number, _ in kept], missing
        )


def _group(group: Group, gone: list[bool], missing: Counter[str]) -> Iterator[str]:
    if group.heading and not all(gone):
        yield group.heading
    for piece, is_gone in zip(group.pieces, gone, strict=True):
        if not is_gone:
            yield from piece.lines
        elif missing:
            yield f"# left out: {counted(missing)}"
            missing.clear()
