"""Which statuses a request has to have; pure.

One rule decides: a status is a success only while the comment holds that says so. That is the one about the commit at
which the request is open now, and about the branch that it is for, as long as nothing moved on of what its plan was
made of. Else it is pending, which is no answer and no failure, or stays the failure that it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.forges.forge import State
from orchestrator.plans.preview import Ruling
from orchestrator.reports.preview.memory import Memory, Remembered
from orchestrator.reports.preview.standing import EVERYTHING

_STALE: Final = "stale: "
_STATES: Final = {
    Ruling.PASSES: State.SUCCESS,
    Ruling.WAITS: State.PENDING,
    Ruling.REFUSED: State.FAILURE,
}
_UNPLANNED: Final = "could not be planned"
_UNTOUCHED: Final = "not touched any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one status stands, and what it says."""

    state: State
    words: str

    @property
    def is_stale(self) -> bool:
        """Return whether it says that a plan holds no more: what is said without planning, and taken back so, too."""
        return self.state is State.PENDING and self.words.startswith(_STALE)


def no_comment(head: str) -> Memory:
    """Return what is remembered of a commit that no comment is about: neither plans, nor that there are none."""
    return Memory(head=head, whole=False, dropped=True)


def verdict(memory: Memory, stale: Mapping[str, str], name: str) -> Verdict:
    """Return how the status called ``name`` has to stand, by what a comment remembers and what of it is stale.

    The empty name is all of it. One that could not even be made stays a failure: that it may be repaired is found by
    planning alone. What the comment does not name is not touched by the merge, unless that cannot be told.
    """
    if not name:
        return _together(memory, stale)
    if plan := memory.plans.get(name):
        return _standing(plan, _why(stale, name))
    if EVERYTHING in stale or not memory.whole:
        return _outdated(stale.get(EVERYTHING, ""))
    # Where the file of a stack cannot be read, nobody knows what the merge touches of it.
    if unread := memory.plans.get(f"{name.partition('/')[0]}/*"):
        return Verdict(state=State.FAILURE, words=unread.outlook)
    return Verdict(state=State.SUCCESS, words=_UNTOUCHED)


def is_due(said: Verdict | None, owed: Verdict, memory: Memory, name: str) -> bool:
    """Whether a status is to be set to what is ``owed`` by somebody who did not plan; ``said`` is how it stands.

    No success stays where none is owed, and what was said without planning is taken back. What a run says that plans,
    or failed to, is left to it: the comment is older.
    """
    if said is None:
        return True
    if said.state is owed.state and said.is_stale is owed.is_stale:
        return owed.is_stale and said.words != owed.words
    planned = None if memory.dropped else verdict(memory, {}, name).state
    return said.is_stale or said.state in {State.SUCCESS, planned}


def _standing(plan: Remembered, why: str | None) -> Verdict:
    """Return how a plan stands that is stale for a reason, or None."""
    if why is not None and plan.digest:
        return _outdated(why)
    state = _STATES[plan.ruling] if plan.digest else State.FAILURE
    return Verdict(state=state, words=plan.outlook)


def _together(memory: Memory, stale: Mapping[str, str]) -> Verdict:
    """Return how all plans stand: what may not be merged whatever was planned again comes before what is stale."""
    states = [_standing(plan, _why(stale, name)).state for name, plan in memory.plans.items()]
    if stale and State.FAILURE not in states:
        named = ", ".join(sorted(stale.keys() - {EVERYTHING}))
        return _outdated(named or stale.get(EVERYTHING, ""))
    if not memory.whole:
        return Verdict(state=State.FAILURE, words=_UNPLANNED)
    told = ", ".join(f"{name}: {plan.outlook}" for name, plan in memory.plans.items())
    return Verdict(state=_gravest(states), words=told or "Merging touches no stack")


def _outdated(why: str) -> Verdict:
    return Verdict(state=State.PENDING, words=f"{_STALE}{why or 'plan again'}")


def _gravest(states: Iterable[State]) -> State:
    found = {*states}
    return next((each for each in (State.FAILURE, State.PENDING) if each in found), State.SUCCESS)


def _why(stale: Mapping[str, str], name: str) -> str | None:
    return stale.get(name, stale.get(EVERYTHING))
