"""Whether a child would take back what somebody else applied: by a history that is written down here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from orchestrator.agent.decisions.going_back import overtaken_by
from orchestrator.errors import RepositoryError

PARENTS = {"a": "", "b": "a", "c": "b", "d": "c", "x": "b", "y": "x"}
"""A branch from a to d, and another one that leaves it at b."""


@dataclass(slots=True)
class Remote:
    """A history of which a clone has some, and a remote that may be away; ``asked`` counts how often it was."""

    at: str | None
    lacks: str = ""
    asked: int = field(default=0, init=False)

    def tip(self) -> str:
        """Return where the branch stands."""
        self.asked += 1
        if self.at is None:
            raise RepositoryError("the remote does not answer")
        return self.at

    def descends(self, commit: str, *, ancestor: str) -> bool | None:
        """Return what Git does in a clone that is not shallow."""
        return ancestor in self._history(commit) if commit not in self.lacks else None

    def beyond(self, commit: str, others: Sequence[str]) -> bool:
        """Return what Git does."""
        here = {each for each in others if each not in self.lacks}
        return not here <= self._history(commit)

    def _history(self, commit: str) -> set[str]:
        found = {each for each in commit if each not in self.lacks}
        return found | self._history(PARENTS[commit]) if found else found


@pytest.mark.parametrize(
    ("wanted", "applied"), [("b", ""), ("b", "b"), ("b", "bcb"), ("d", "ba"), ("y", "bcba")]
)
def test_what_leads_on_is_brought_about(wanted: str, applied: str) -> None:
    """What nobody applied yet takes nothing back, and nobody asks where the branch stands."""
    remote = Remote(at=None)
    assert overtaken_by(wanted, applied, remote, tip=remote.tip) == ""
    assert remote.asked == 0


@pytest.mark.parametrize(
    ("wanted", "applied", "lacks"),
    [
        ("b", "d", ""),  # it is older than what was applied
        ("b", "d", "d"),  # what was applied was not fetched yet
        ("c", "yx", ""),  # it is where the branch never went on
        ("c", "bcb", ""),  # the branch went back from it
        ("d", "abca", ""),  # or from what it leads on from
        ("d", "xc", ""),  # or went elsewhere
    ],
)
def test_what_was_gone_on_from_is_not_brought_back(wanted: str, applied: str, lacks: str) -> None:
    """Unless the branch stands there: then somebody went back on purpose. A branch that is gone stands nowhere."""
    for tip, found in ((applied[0], applied[0]), ("", applied[0]), (wanted, "")):
        remote = Remote(at=tip, lacks=lacks)
        assert overtaken_by(wanted, applied, remote, tip=remote.tip) == found
        assert remote.asked == 1


def test_while_nobody_says_where_the_branch_stands_nothing_is_taken_back() -> None:
    """A remote that is away is a failure, which is told and tried again."""
    remote = Remote(at=None)
    with pytest.raises(RepositoryError):
        overtaken_by("b", "c", remote, tip=remote.tip)


def test_what_the_clone_has_no_more_is_brought_back_by_nobody() -> None:
    """A revision that was left, and that nobody has any more, is in no history."""
    remote = Remote(at=None, lacks="y")
    assert overtaken_by("c", "by", remote, tip=remote.tip) == ""
