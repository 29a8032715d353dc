"""The statuses of a commit: one for each stack and environment, and one for all, each with what there is to know.

``verdicts.py`` decides what they have to be.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Final

from orchestrator.engine.previewing.verdicts import Verdict, is_due, verdict
from orchestrator.forges.forge import Forge, State, Status
from orchestrator.forges.patience import insist
from orchestrator.plans.preview import Preview
from orchestrator.processes import Stop
from orchestrator.reports.preview.harmless import line
from orchestrator.reports.preview.memory import Memory, memory_of
from orchestrator.reports.preview.standing import EVERYTHING
from orchestrator.reports.preview.words import cause, headline

_NAME: Final = "orchestrator"
_OF_A_STACK: Final = re.compile(r"[a-z0-9-]{1,40}/([a-z0-9-]{1,40}|\*)")
# So the address of a comment ends, whichever forge it is.
_OF_A_REQUEST: Final = re.compile(r"/(\d+)#")
_MOST_LOST: Final = 3
_LONGEST_NAME: Final = 255
_HASH: Final = 10  # characters of a hash that tell names apart
_UNCUT: Final = 12  # as many characters as one is written out in at most
_UNCOMMENTED: Final = "the comment could not be written, so plan again"


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
            self._set(name, Verdict(state=State.PENDING, words="planning"))

    def planned(self, made: Preview, *, redact: Callable[[str], str] = str) -> None:
        """Say what became of each plan, of what was planned for this commit before and is not touched, and of all.

        ``redact`` takes secrets out of the cause, where nothing could be planned.
        """
        memory = memory_of(made)
        for name in memory.plans:
            self._set(name, verdict(memory, {}, name))
        for name, said in self._each(memory):
            owed = verdict(memory, {}, name)
            if name and name not in memory.plans and _verdict(said) != self._shown(owed):
                self._set(name, owed)
        words = f"{headline(made)}: {redact(cause(made.error))}" if made.error else headline(made)
        self._set("", replace(verdict(memory, {}, ""), words=words))

    def uncommented(self, made: Preview) -> None:
        """Say what each plan would do, and that nobody would find out when it is stale: there is no comment of it."""
        memory = memory_of(made)
        for name in memory.plans:
            owed = verdict(memory, {}, name)
            passes = owed.state is State.SUCCESS
            self._set(name, replace(owed, state=State.PENDING) if passes else owed)
        self._set("", Verdict(state=State.FAILURE, words=_UNCOMMENTED))

    def settle(self, memory: Memory, stale: Mapping[str, str], *, anew: bool = False) -> bool:
        """Bring all to what they have to be by the comment of an open request; return whether some were not so.

        What leads to the comment of another open request with this head is that one's.
        ``anew`` says those of the comment whatever they are.
        """
        due: dict[str, Verdict] = {}
        are_open, own = cache(self.forge.open_requests), _OF_A_REQUEST.search(self.address)
        for name, said in self._each(memory):
            owed = verdict(memory, stale, name)
            known = anew and (name in memory.plans or not name)
            if known or (
                is_due(_verdict(said), self._shown(owed), memory, name)
                and not (said and own and _is_of_another(said, int(own[1]), are_open, lambda: True))
            ):
                due[name] = owed
        self._say(due)
        return bool(due)

    def withdraw(
        self,
        memory: Memory,
        why: str,
        *,
        of: int,
        left: Callable[[], bool] = lambda: False,
        unasked: bool = False,
    ) -> bool:
        """Take back what the comment of request ``of`` gave, which holds no more; return whether there was something.

        Two requests may have one head: what leads to the comment of another one is that one's; where ``left`` says so,
        as long as that is open. ``unasked`` says of all that nothing holds, also where nobody said anything of it yet.
        """
        due: dict[str, Verdict] = {}
        are_open, left = cache(self.forge.open_requests), cache(left)
        for name, said in self._each(memory):
            owed = verdict(memory, {EVERYTHING: why}, name)
            if said is None:
                wanted = unasked and not name
            else:
                wanted = is_due(_verdict(said), self._shown(owed), memory, name)
                wanted = wanted and not _is_of_another(said, of, are_open, left)
            if wanted:
                due[name] = owed
        self._say(due)
        return bool(due)

    def _say(self, due: Mapping[str, Verdict]) -> None:
        """Set some; the one for all comes last when it lets the request pass, and else first: it is what decides."""
        passes = "" in due and due[""].state is State.SUCCESS
        for name in sorted(due, key=lambda each: (not each) is passes):
            self._set(name, due[name])

    def _each(self, memory: Memory) -> Iterator[tuple[str, Status | None]]:
        """Yield how the status of each plan of a comment stands, those of other stacks, and at last that of all."""
        all_ = self._context("")
        found = insist(lambda: self.forge.statuses(self.commit), self.stop, lost=_MOST_LOST)
        said = {each.name: each for each in found}
        own = f"{all_}: "
        rest = (name.removeprefix(own) for name in sorted(said) if name.startswith(own))
        others = filter(_OF_A_STACK.fullmatch, rest)
        for name in dict.fromkeys((*memory.plans, *others)):
            yield name, said.get(self._context(name))
        yield "", said.get(all_)

    def _set(self, name: str, owed: Verdict) -> None:
        status = Status(
            name=self._context(name),
            state=owed.state,
            description=self._shown(owed).words,
            address=self.address,
        )
        insist(lambda: self.forge.set_status(self.commit, status), self.stop, lost=_MOST_LOST)

    def _shown(self, owed: Verdict) -> Verdict:
        """Return what is said as it fits into a status."""
        longest = self.forge.longest_description
        shown = line(owed.words, longest=10 * longest)
        if len(shown) > longest:
            shown = f"{shown[: longest - 1]}…"
        return replace(owed, words=shown)

    def _context(self, name: str) -> str:
        told = [] if self.configuration == "default" else [self.configuration]
        told += [f"into {self.other_base}"] if self.other_base else []
        own = f" ({', '.join(told)})" if told else ""
        return _shortened(f"{_NAME}{own}: {name}" if name else f"{_NAME}{own}")


def _is_of_another(
    said: Status, of: int, are_open: Callable[[], Collection[int]], left: Callable[[], bool]
) -> bool:
    leads = _OF_A_REQUEST.search(said.address)
    if leads is None or int(leads[1]) == of:
        return False
    return not left() or int(leads[1]) in are_open()


def _verdict(said: Status | None) -> Verdict | None:
    return Verdict(state=said.state, words=said.description) if said else None


def _shortened(context: str) -> str:
    """Return the name of a status in one line that a forge takes; of two that begin alike, each has its own."""
    shown = line(context, longest=_UNCUT * len(context))
    if len(shown) <= _LONGEST_NAME:
        return shown
    hashed = sha256(context.encode(errors="surrogatepass")).hexdigest()[:_HASH]
    return f"{shown[: _LONGEST_NAME - _HASH - 2]}… {hashed}"
