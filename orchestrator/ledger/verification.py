"""Whether a ledger is whole: its chain, and what is kept beside it, against what its entries say. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.ledger.entry import Entry, LedgerState
from orchestrator.ledger.fold import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One entry as a store keeps it; ``place`` is what people find it by.

    ``entry`` is None where it cannot be read. ``state`` is what the store keeps beside it as the state after it, if it
    keeps one. ``trouble`` says what is wrong with either, for the end of a sentence. ``proven`` says that the state is
    what this entry and those before it say together: nobody has to find that out again.
    """

    place: str
    entry: Entry | None = None
    state: LedgerState | None = None
    trouble: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where a chain breaks first, and what is wrong there, as the end of a sentence."""

    place: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of looking at a chain from its beginning.

    ``entries`` are those that follow one another, oldest first, and ``state`` is what they say together. The first
    ``sound`` of them have the right state beside them, too. ``broken`` is the first place where anything is wrong.
    """

    entries: tuple[Entry, ...] = ()
    state: LedgerState = field(default_factory=LedgerState)
    sound: int = 0
    broken: Broken | None = None


def verify(links: Iterable[Link]) -> Verdict:
    """Follow a chain, oldest entry first, to its end or to the first entry that does not follow the one before."""
    entries: list[Entry] = []
    state, sound = LedgerState(), 0
    broken: Broken | None = None
    for link in links:
        why = _out_of_chain(link, state)
        if why or link.entry is None:
            broken = broken or Broken(place=link.place, why=why)
            break
        state = link.state if link.proven and link.state else fold(state, link.entry)
        entries.append(link.entry)
        if wrong := link.trouble or _differs(link.state, state):
            broken = broken or Broken(place=link.place, why=wrong)
        sound += broken is None
    return Verdict(entries=tuple(entries), state=state, sound=sound, broken=broken)


def _out_of_chain(link: Link, before: LedgerState) -> str:
    if link.entry is None:
        return link.trouble or "holds no entry"
    if link.entry.previous == before.head:
        return ""
    follows = link.entry.previous or "nothing"
    return f"says that it follows {follows}, and the entry before it is {before.head or 'none'}"


def _differs(kept: LedgerState | None, told: LedgerState) -> str:
    if kept is None or kept is told or _told(kept) == _told(told):
        return ""
    parts = ("the last entry", "the units", "the inventory", "the cluster", "the open run")
    pairs = zip(parts, _told(kept), _told(told), strict=True)
    wrong = [part for part, one, other in pairs if one != other]
    return f"does not give the state beside it: {' and '.join(wrong)} differ"


def _told(state: LedgerState) -> tuple[object, ...]:
    """Return what states of every version say alike; what later ones added is not in those of earlier ones."""
    units = tuple(
        (record.unit, record.outcome, record.revision, record.applied, record.protect)
        for record in state.units.values()
    )
    opened = state.open.id if state.open else ""
    return state.head, units, state.inventory, state.cluster, opened
