"""Whether what a child is to bring about is older than what somebody else applied meanwhile. Pure.

Several replicas read a repository, each at its own pace. One that takes a stack over may not have read yet what the
one before it applied, and would bring back what was left: an older revision, or one that the branch went back from or
never led to.
"""

from collections.abc import Callable, Sequence
from typing import Protocol


class History(Protocol):
    """What a clone knows of commits."""

    def descends(self, commit: str, *, ancestor: str) -> bool | None:
        """Return whether ``ancestor`` is the commit or in its history; None where that cannot be told."""

    def beyond(self, commit: str, others: Sequence[str]) -> bool:
        """Whether any of the others that are known is neither the commit nor in its history."""


def overtaken_by(
    wanted: str, applied: Sequence[str], history: History, *, tip: Callable[[], str]
) -> str:
    """Return the commit that was applied last where the wanted one would take it back; else an empty text.

    ``applied`` are those of the last runs, newest first. It would not where it leads on from the last, and brings back
    nothing of those before that were left for it; else that is meant where the branch stands at it, as ``tip`` tells.
    """
    last = next(iter(applied), wanted)
    if last == wanted:
        return ""
    onwards = history.descends(wanted, ancestor=last) is True
    if onwards and not _brings_back(wanted, last, applied, history):
        return ""
    return "" if tip() == wanted else last


def _brings_back(wanted: str, last: str, applied: Sequence[str], history: History) -> bool:
    """Whether somebody left a revision for the last one, and the wanted one is that revision or leads on from it."""
    before = tuple(dict.fromkeys(each for each in applied if each != last))
    if not before or not history.beyond(last, before):
        return False
    left = (each for each in before if history.descends(last, ancestor=each) is False)
    return any(history.descends(wanted, ancestor=each) for each in left)
