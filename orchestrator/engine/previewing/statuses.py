"""The statuses of a commit: one for each stack and environment, and one for all, each with what there is to know.

One that is stale is pending: nothing failed, and nobody may take it for an answer. So is one that people have to
approve; one that guards refuse is a failure until somebody approved just this plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from orchestrator.forges.forge import Forge, State, Status
from orchestrator.forges.patience import insist
from orchestrator.plans.preview import Preview, Ruling, StackPreview
from orchestrator.processes import Stop
from orchestrator.reports.preview.harmless import line
from orchestrator.reports.preview.memory import Memory, Remembered
from orchestrator.reports.preview.standing import EVERYTHING
from orchestrator.reports.preview.words import headline, outlook

_NAME: Final = "orchestrator"
_MOST_LOST: Final = 3
_LONGEST_NAME: Final = 255
_HASH: Final = 10  # characters of a hash that tell names apart
_UNCUT: Final = 12  # as many characters as one is written out in at most

_STATES: Final = {
    Ruling.PASSES: State.SUCCESS,
    Ruling.WAITS: State.PENDING,
    Ruling.REFUSED: State.FAILURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """Sets the statuses of one commit, which lead to ``address`` where that is known.

    ``other_base`` is the branch that it would be merged into, empty for the default one. Requests with one head share
    its statuses: what merging into another branch would do is none of those that decide about the default one.
    """

    forge: Forge
    commit: str
    configuration: str
    stop: Stop
    other_base: str = ""
    address: str = ""

    def planning(self, names: Iterable[str] = ("",)) -> None:
        """Say that these are being planned; the empty name is all of it."""
        for name in names:
            self._set(name, State.PENDING, "planning")

    def failed(self, names: Iterable[str], why: str) -> None:
        """Say that these, and all of it, could not be planned."""
        for name in (*names, ""):
            self._set(name, State.FAILURE, why)

    def planned(self, made: Preview) -> None:
        """Say what became of each plan, and of all."""
        self._each(made)
        states = [State.FAILURE] if made.error else [_state(each) for each in made.stacks]
        self._set("", _gravest(states), headline(made))

    def uncommented(self, made: Preview) -> None:
        """Say what became of each plan; all of it fails, since nobody would find out that one is stale."""
        self._each(made)
        self._set("", State.FAILURE, "the comment could not be written, so plan again")

    def untouched(self, names: Iterable[str]) -> None:
        """Say that merging does not touch these, for which there was a plan of the same commit before."""
        for name in names:
            self._set(name, State.SUCCESS, "not touched any more")

    def outdated(
        self, memory: Memory, *, stale: Mapping[str, str], was: Mapping[str, str] | None
    ) -> None:
        """Say which plans are stale by now, and of those that were what they are again.

        ``was`` is what was said of that before, None where nobody can tell: then each is said.
        One that could not even be made stays a failure: that it may be repaired is found by planning alone.
        """
        for name, plan in memory.plans.items():
            why = _why(stale, name)
            if plan.digest and (was is None or why != _why(was, name)):
                self._set(name, *_standing(plan, why))
        all_ = _together(memory, stale)
        if (was is None or all_ != _together(memory, was)) and (stale or memory.whole):
            self._set("", *all_)

    def _each(self, made: Preview) -> None:
        for each in made.stacks:
            self._set(each.name, _state(each), outlook(each))

    def _set(self, name: str, state: State, description: str) -> None:
        longest = self.forge.longest_description
        shown = line(description, longest=10 * longest)
        if len(shown) > longest:
            shown = f"{shown[: longest - 1]}…"
        context = self._context(name)
        status = Status(name=context, state=state, description=shown, address=self.address)
        insist(lambda: self.forge.set_status(self.commit, status), self.stop, lost=_MOST_LOST)

    def _context(self, name: str) -> str:
        told = [] if self.configuration == "default" else [self.configuration]
        told += [f"into {self.other_base}"] if self.other_base else []
        own = f" ({', '.join(told)})" if told else ""
        return _shortened(f"{_NAME}{own}: {name}" if name else f"{_NAME}{own}")


def _state(made: StackPreview) -> State:
    return State.FAILURE if made.error else _STATES[made.ruling]


def _remembered(plan: Remembered) -> State:
    return _STATES[plan.ruling] if plan.digest else State.FAILURE


def _gravest(states: Iterable[State]) -> State:
    found = {*states}
    return next((each for each in (State.FAILURE, State.PENDING) if each in found), State.SUCCESS)


def _shortened(context: str) -> str:
    """Return the name of a status in one line that a forge takes; of two that begin alike, each has its own."""
    shown = line(context, longest=_UNCUT * len(context))
    if len(shown) <= _LONGEST_NAME:
        return shown
    hashed = sha256(context.encode(errors="surrogatepass")).hexdigest()[:_HASH]
    return f"{shown[: _LONGEST_NAME - _HASH - 2]}… {hashed}"


def _why(stale: Mapping[str, str], name: str) -> str | None:
    return stale.get(name, stale.get(EVERYTHING))


def _standing(plan: Remembered, why: str | None) -> tuple[State, str]:
    """Return how a plan stands that is stale for a reason, or None; with what there is to say."""
    if why is None or not plan.digest:
        return _remembered(plan), plan.outlook
    return State.PENDING, f"stale: {why or 'plan again'}"


def _together(memory: Memory, stale: Mapping[str, str]) -> tuple[State, str]:
    """Return how all plans stand: what may not be merged whatever was planned again comes before what is stale."""
    states = [_standing(plan, _why(stale, name))[0] for name, plan in memory.plans.items()]
    if stale and State.FAILURE not in states:
        named = ", ".join(sorted(stale.keys() - {EVERYTHING}))
        return State.PENDING, f"stale: {named or stale.get(EVERYTHING) or 'plan again'}"
    told = ", ".join(f"{name}: {plan.outlook}" for name, plan in memory.plans.items())
    return _gravest(states), told or "Merging touches no stack"
