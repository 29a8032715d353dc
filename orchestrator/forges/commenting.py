"""One comment on a request, whoever runs beside us: found again, changed in place, and never one of an older commit."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.errors import ForgeUnanswered
from orchestrator.forges.forge import Comment, Forge


class Ending(StrEnum):
    """What became of a comment."""

    WRITTEN = "written"
    CHANGED = "changed"
    KEPT = "kept"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a comment, and the comment itself; None when another commit overtook ours."""

    ending: Ending
    comment: Comment | None = None


def publish(forge: Forge, *, marker: str, head: str, make: Callable[[str], str]) -> Published:
    """Bring the comment that begins with ``marker`` to what ``make`` returns of the text that it has, or write one.

    Nothing is written when the request stands at another commit than ``head`` by now: who plans that one comments.
    Of several comments with the marker, the oldest stays: two runs at once may both have found none. Raises
    ForgeError.
    """
    found = marked(forge, marker)
    text = make(found.text if found else "")
    if forge.request().head != head:
        return Published(ending=Ending.OVERTAKEN)
    if found and found.text.strip() == text.strip():
        return Published(ending=Ending.KEPT, comment=found)
    if found and forge.edit(found, text):
        return Published(ending=Ending.CHANGED, comment=found)
    _write(forge, marker, text)
    return Published(ending=Ending.WRITTEN, comment=_alone(forge, marker, text))


def marked(forge: Forge, marker: str) -> Comment | None:
    """Return our oldest comment that begins with a marker, None when there is none."""
    return next((each for each in forge.comments() if _carries(each, marker)), None)


def _carries(comment: Comment, marker: str) -> bool:
    return comment.text.startswith(marker)


def _write(forge: Forge, marker: str, text: str) -> None:
    """Write a comment; when the answer got lost, look whether it is there before it is written again."""
    try:
        forge.write(text)
    except ForgeUnanswered:
        if marked(forge, marker) is None:
            forge.write(text)


def _alone(forge: Forge, marker: str, text: str) -> Comment | None:
    """Leave one comment of those with a marker: the oldest, with our text."""
    ours = [each for each in forge.comments() if _carries(each, marker)]
    if len(ours) > 1:
        forge.edit(ours[0], text)
        for each in ours[1:]:
            forge.delete(each)
    return ours[0] if ours else None
