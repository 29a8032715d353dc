"""What became of a comment's plans since it was written: told below its headline, or in its last line; pure.

The rest of the comment stays as it is, so that nothing has to be planned for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from orchestrator.reports.preview.budget import size
from orchestrator.reports.preview.harmless import code

ROOM: Final = 1_000
"""How many characters a comment leaves free for what is told later."""
EVERYTHING: Final = "*"
"""The name under which a comment is stale as a whole."""

_HEADLINES: Final = 2  # the marker, and the line that is read first
_BEGIN: Final = "<!-- orchestrator-stale"
_END: Final = "<!-- orchestrator-stale-end -->"
_APPLIED: Final = "<!-- orchestrator-applied -->"
_LONGEST_BLOCK: Final = 2  # lines between begin and end
_MOST_TOLD: Final = 8


def with_stale(comment: str, stale: Mapping[str, str], *, limit: int, most: int = 0) -> str:
    """Return a comment that says which of its plans are stale, and why, in place of what it said of that before.

    It is not longer than ``limit`` characters: where there is no room for reasons, it goes without them. That it is
    stale is said all the same in one that was longer before, as far as ``most``, which is all that a forge takes.
    """
    lines = [*_without_stale(_lines(comment))]
    if not stale:
        return "\n".join(lines)
    names, alone = dict.fromkeys(stale, ""), {EVERYTHING: ""}
    for kept, longest in ((stale, limit), (names, limit), (alone, max(limit, most))):
        block = [f"{_BEGIN} -->", f"**Out of date:** {_told(kept)}.", _END]
        made = "\n".join([*lines[:_HEADLINES], *block, *lines[_HEADLINES:]])
        if size(made) <= longest:
            return made
    return "\n".join(lines)


def with_last_line(comment: str, sentences: Iterable[str], *, limit: int) -> str:
    """Return a comment that ends in these sentences, in place of those that it ended in before.

    It is not longer than ``limit`` characters: the last sentences go when there is no room.
    """
    lines = _lines(comment)
    if _APPLIED in lines:
        last = len(lines) - 1 - lines[::-1].index(_APPLIED)
        lines = lines[:last]
    before = "\n".join(lines).rstrip("\n")
    told = [*sentences]
    while told:
        made = f"{before}\n{_APPLIED}\n{' '.join(told)}\n"
        if size(made) <= limit:
            return made
        told.pop()
    return f"{before}\n"


def _told(stale: Mapping[str, str]) -> str:
    if EVERYTHING in stale:
        why = stale[EVERYTHING]
        return f"{code(why)}, so plan again" if why else "plan again to see what holds by now"
    return "; ".join(_some(sorted(stale.items())))


def _some(stale: list[tuple[str, str]]) -> Iterator[str]:
    for name, why in stale[:_MOST_TOLD]:
        yield f"{code(name)}, since {code(why)}" if why else code(name)
    if len(stale) > _MOST_TOLD:
        yield f"{len(stale) - _MOST_TOLD} more"


def _without_stale(lines: list[str]) -> list[str]:
    block = lines[_HEADLINES : _HEADLINES + _LONGEST_BLOCK + 1]
    if block and block[0].startswith(_BEGIN) and _END in block:
        return lines[:_HEADLINES] + lines[_HEADLINES + block.index(_END) + 1 :]
    return lines


def _lines(comment: str) -> list[str]:
    return comment.replace("\r\n", "\n").split("\n")
