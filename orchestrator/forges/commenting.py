"""One comment on a request, whoever runs beside us: found again, changed in place, and never one of an older commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from orchestrator.errors import ForgeError, ForgeUnanswered
from orchestrator.forges.forge import Comment, Forge
from orchestrator.forges.patience import insist
from orchestrator.processes import Stop

_MOST_LOST: Final = 2


class Ending(StrEnum):
    """What became of a comment."""

    WRITTEN = "written"
    CHANGED = "changed"
    KEPT = "kept"
    OVERTAKEN = "overtaken"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a comment, and the comment itself; None when the request moved on, or none was written.

    ``before`` is what it said until then, empty for one that was not there; where there were several, that is what the
    best said, and ``beside`` what each did. ``kept`` says why the forge keeps another one of ours beside it, None where
    there is none.
    """

    ending: Ending
    comment: Comment | None = None
    before: str = ""
    beside: tuple[str, ...] = ()
    kept: ForgeError | None = None


@dataclass(slots=True, kw_only=True)
class Text:
    """What a comment is to say, and for which commit of the request, merged into which branch.

    ``make`` returns the text, given the one that is there; ``is_newer`` says whether that is of a later run for the
    same commit. Where several are there, ``worth`` tells by their texts which of them is meant: the one that is
    worth most. ``last`` is what was made, so that it is known again where an answer got lost, and ``before`` in place
    of what.
    """

    marker: str
    head: str
    base: str
    make: Callable[[str], str]
    is_newer: Callable[[str], bool] = lambda _text: False
    worth: Callable[[str], tuple[bool, int]] = lambda _text: (False, 0)
    last: str = ""
    before: str = ""

    def after(self, before: str) -> str:
        """Return what the comment says in place of ``before``."""
        if not self.last or before.strip() != self.last.strip():
            self.last, self.before = self.make(before), before
        return self.last


def publish(forge: Forge, text: Text, *, stop: Stop | None = None) -> Published:
    """Bring the comment that begins with the text's marker to what it is to say, or write one.

    Nothing is written when the request stands at another commit or is for another branch by now, a later run wrote
    about the same ones, or the request is closed: what became of it is told then, not what it would have done. That is
    looked at each time before something is written, also after waiting for a limit. Of several comments with the
    marker, the oldest stays: two runs at once may both have found none. Raises ForgeError.
    """
    lost, stop = 0, stop or Stop()
    while True:
        try:
            done = insist(lambda: _published(forge, text, stop), stop)
        except ForgeUnanswered:  # nobody can tell whether it is there: whoever looks, sees
            lost += 1
            if lost > _MOST_LOST or not text.last:
                raise
            continue
        if lost and done.ending is Ending.KEPT:
            return replace(done, ending=Ending.WRITTEN)
        return done


def stands(forge: Forge, text: str, *, marker: str, stop: Stop) -> bool:
    """Whether this is what our comment says now."""

    def attempt() -> bool:
        found = marked(forge, marker)
        return found is not None and says(found, text)

    return insist(attempt, stop, lost=_MOST_LOST)


def says(comment: Comment, text: str) -> bool:
    """Whether a comment has this text, but for what a forge may change of it."""
    return _plain(comment.text) == _plain(text)


def rewrite(forge: Forge, before: Comment, text: str, *, marker: str, stop: Stop) -> bool:
    """Change a comment that is still as it was read; return False when somebody else wrote meanwhile."""

    def attempt() -> bool:
        found = marked(forge, marker)
        return found is not None and found.text == before.text and forge.edit(found, text)

    return insist(attempt, stop, lost=_MOST_LOST)


def marked(forge: Forge, marker: str) -> Comment | None:
    """Return our oldest comment that begins with a marker, None when there is none."""
    return next(iter(_ours(forge, marker)), None)


def marked_alone(
    forge: Forge, marker: str, *, worth: Callable[[str], tuple[bool, int]], stop: Stop
) -> Comment | None:
    """Return our oldest comment that begins with a marker, and leave none beside it.

    A run that was killed may have left a second one, or one that could not tell who it was; nobody would ever call that
    stale. The text that is worth most stays, of several the oldest. What the forge refuses of this is told by who
    writes.
    """
    ours = _ours(forge, marker)
    if len(ours) <= 1:
        return next(iter(ours), None)
    oldest, best = ours[0], _best(ours, worth)

    def attempt() -> bool:
        # A run may have written its answer meanwhile.
        return _ours(forge, marker) == ours and forge.edit(oldest, best.text)

    try:
        is_best = best is oldest or insist(attempt, stop)
    except ForgeError:
        return oldest
    if is_best:  # else somebody changed or deleted one of them meanwhile
        _tidied(forge, ours)
    return oldest if best is oldest else marked(forge, marker)


def _published(forge: Forge, text: Text, stop: Stop) -> Published:
    ours = _ours(forge, text.marker)
    found = next(iter(ours), None)
    before = _best(ours, text.worth).text if ours else ""
    now = text.after(before)
    request = forge.request()
    stands = (request.head, request.base) == (text.head, text.base)
    if not stands:
        return Published(ending=Ending.OVERTAKEN)
    if any(text.is_newer(each.text) for each in ours):
        alone, kept = _alone(forge, text, now, ours)
        return Published(ending=Ending.OVERTAKEN, comment=alone, kept=kept)
    if not request.is_open:
        ending = Ending.MERGED if request.merged_as else Ending.CLOSED
        return Published(ending=ending, comment=found)
    is_said = found is not None and found.text.strip() == now.strip()
    if found and (is_said or forge.edit(found, now)):
        kept = _tidied(forge, ours)
        ending = Ending.KEPT if is_said else Ending.CHANGED
        beside = tuple(each.text for each in ours)
        return Published(ending=ending, comment=found, before=text.before, beside=beside, kept=kept)
    return _written(forge, text, now, stop)


def _written(forge: Forge, text: Text, now: str, stop: Stop) -> Published:
    written = forge.write(now)
    # The list of a forge may be behind: what it answered is there all the same.
    alone, kept = insist(lambda: _alone(forge, text, now, _ours(forge, text.marker)), stop)
    said = alone or written
    if not says(said, now):  # another run found none either
        return _published(forge, text, stop)
    return Published(ending=Ending.WRITTEN, comment=said, before=text.before, kept=kept)


def _ours(forge: Forge, marker: str) -> Sequence[Comment]:
    return [each for each in forge.comments() if each.text.startswith(marker)]


def _best(ours: Sequence[Comment], worth: Callable[[str], tuple[bool, int]]) -> Comment:
    """Return the comment whose text is worth most, of several the oldest."""
    return max(ours, key=lambda each: worth(each.text))


def _tidied(forge: Forge, ours: Sequence[Comment]) -> ForgeError | None:
    """Leave the oldest of our comments alone; return why the forge keeps others: what was to be said is there."""
    try:
        for each in ours[1:]:
            forge.delete(each)
    except ForgeError as error:
        return error
    return None


def _plain(text: str) -> str:
    """Return a text without what a forge may change of it."""
    return text.replace("\r\n", "\n").strip()


def _alone(
    forge: Forge, text: Text, now: str, ours: Sequence[Comment]
) -> tuple[Comment | None, ForgeError | None]:
    """Leave one comment of those with a marker: the oldest, with our text where none is of a later run."""
    if len(ours) <= 1:
        return (ours[0] if ours else None), None
    said = next((each.text for each in ours if text.is_newer(each.text)), now)
    if not forge.edit(ours[0], said):  # somebody deleted it meanwhile
        return _alone(forge, text, now, ours[1:])
    return replace(ours[0], text=said), _tidied(forge, ours)
