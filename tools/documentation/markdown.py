"""The little of Markdown that the generated parts need."""

from __future__ import annotations

import re
from collections.abc import Sequence


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(_line(cells) for cells in lines)


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def _line(cells: Sequence[str]) -> str:
    inside = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {inside} |"


def anchor(heading: str) -> str:
    """Return the name under which a heading is linked to, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")
