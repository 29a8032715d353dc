"""Whether a ledger is whole: its chain, and what is kept beside it, against what its entries say. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.ledger.comparing import PARTS, differing
from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One entry as a store keeps it; ``place`` is what people find it by.

    ``entry`` is None where it cannot be read. ``state`` is what the store keeps beside it as the state after it, if it
    keeps one. ``trouble`` says what is wrong with either, for the end of a sentence. ``proven`` says that the state is
    what this entry and those before it say together: nobody has to find that out again. ``lacks`` are the parts of a
    state that its document says nothing of, as it was written by a version that knew of none. ``ends`` says that it is
    what names the last entry, and not an entry.
    """

    place: str
    entry: Entry | None = None
    state: LedgerState | None = None
    trouble: str = ""
    proven: bool = False
    lacks: frozenset[str] = frozenset()
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where a chain breaks first, and what is wrong there, as the end of a sentence."""

    place: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of looking at a chain from its beginning.

    ``entries`` are those that follow one another, oldest first, and ``state`` is what they say together. The first
    ``sound`` of them have the right state beside them, too. ``broken`` is the first place where anything is wrong;
    ``cut`` says that another one came after them, which is gone, cannot be read or does not follow.
    """

    entries: tuple[Entry, ...] = ()
    state: LedgerState = field(default_factory=LedgerState)
    sound: int = 0
    broken: Broken | None = None
    cut: bool = False


def verify(links: Iterable[Link]) -> Verdict:
    """Follow a chain, oldest entry first, to its end or to the first entry that does not follow the one before."""
    entries: list[Entry] = []
    beside, sound = _Beside(), 0
    broken: Broken | None = None
    cut = False
    for link in links:
        why = _out_of_chain(link, beside.told)
        if why or link.entry is None:
            broken = broken or Broken(place=link.place, why=why)
            cut = not link.ends
            break
        beside = beside.after(link, link.entry)
        entries.append(link.entry)
        if wrong := link.trouble or beside.wrong:
            broken = broken or Broken(place=link.place, why=wrong)
        sound += broken is None
    return Verdict(entries=tuple(entries), state=beside.told, sound=sound, broken=broken, cut=cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What the states beside the entries up to here have to be.

    ``told`` is what all entries say. ``grown`` is what became of states of earlier versions, which lacked the parts
    ``lacking`` as long as these wrote: what was done then is in none of them later. None of it is lacking any more once
    a state had it, since those versions do not go on from there. ``wrong`` is the end of a sentence, or empty.
    """

    told: LedgerState = field(default_factory=LedgerState)
    grown: LedgerState | None = None
    lacking: frozenset[str] | None = None
    wrong: str = ""

    def after(self, link: Link, entry: Entry) -> "_Beside":
        """Return the same after one more entry."""
        kept, before = link.state, self.told
        told = kept if link.proven and kept else fold(before, entry)
        if kept is None:
            return replace(self, told=told, grown=self.grown and fold(self.grown, entry), wrong="")
        if kept is told:
            return _Beside(told=told, lacking=frozenset())
        lacking = link.lacks if self.lacking is None else self.lacking & link.lacks
        grown = fold(self.grown or before, entry) if self.grown or lacking else None
        if grown:
            grown = replace(grown, **{name: getattr(kept, name) for name in lacking})
        wrong = differing(kept, told)
        if not wrong:
            grown = None
        elif grown:
            wrong = differing(kept, grown)
        return _Beside(told=told, grown=grown, lacking=lacking, wrong=_said(wrong))


def _said(wrong: Sequence[str]) -> str:
    parts = " and ".join(PARTS[name] for name in wrong)
    return f"does not give the state beside it: {parts} differ" if wrong else ""


def _out_of_chain(link: Link, before: LedgerState) -> str:
    if link.entry is None:
        return link.trouble or "holds no entry"
    if link.entry.previous == before.head:
        return ""
    follows = link.entry.previous or "nothing"
    return f"says that it follows {follows}, and the entry before it is {before.head or 'none'}"
