"""The pages of the documentation, and what in them can be held against the product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.documentation.markdown import anchor

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
}

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE
)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: its language, the words after that, where it begins, and its text."""

    page: str
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        """Return what names the block in a test."""
        return f"{self.page}:{self.line}"


def blocks(page: str) -> tuple[Block, ...]:
    """Return the fenced blocks of a page, in order."""
    return tuple(_blocks(page, _text(page)))


def every_block(language: str) -> list[Block]:
    """Return the blocks of a language in all pages."""
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def inline(page: str) -> tuple[str, ...]:
    """Return what stands as code inside the sentences of a page."""
    return tuple(" ".join(found.split()) for found in _INLINE.findall(_prose(page)))


def links(page: str) -> tuple[str, ...]:
    """Return where a page links to, other sites left out."""
    found = (match["target"] for match in _LINK.finditer(_prose(page)))
    return tuple(target for target in found if "://" not in target)


def anchors(text: str) -> frozenset[str]:
    """Return the names under which the headings of a page are linked to."""
    return frozenset(anchor(heading) for heading in _HEADING.findall(_FENCE.sub("", text)))


def _blocks(page: str, text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        language, *marks = found["info"].split() or [""]
        lines = (line.removeprefix(found["indent"]) for line in found["text"].splitlines())
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=language,
            marks=tuple(marks),
            text="\n".join(lines) + "\n",
        )


def _prose(page: str) -> str:
    return _FENCE.sub("", _text(page))


def _text(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")
