"""A ledger that a repair sets aside: what is recorded of its units, and what people are told of the rest. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.ledger.entry import LedgerState, UnitRecord
from orchestrator.ledger.taking_in import Later, TakenIn, by_age, source_of
from orchestrator.plans.failed import failure_of
from orchestrator.plans.loosening import loosened
from orchestrator.plans.plan import Revision
from orchestrator.plans.repairs import Kept, Taken
from orchestrator.plans.strictest import windows_go_together
from orchestrator.stack.model import UnitId

FOUND: Final = "found by a repair of the ledger"
_UNTOLD: Final = "known to two ledgers, and nobody can tell which of them recorded it later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a repair knows of where a unit stands; ``applied`` is None where that is what it goes on with."""

    revision: Revision
    applied: Revision | None = None
    why: str = FOUND


def known_otherwise(
    kept: LedgerState, aside: LedgerState, sources: Mapping[UnitId, Later]
) -> Iterator[UnitId]:
    """Yield the units of both of which the other ledger says what has to be recorded."""
    for unit, record in aside.units.items():
        ours = kept.units.get(unit)
        if ours is None:
            continue
        differs = (ours.protect, ours.risks) != (record.protect, record.risks)
        if differs or sources.get(unit) in {Later.ASIDE, Later.UNTOLD}:
            yield unit


def source_in(
    unit: UnitId, kept: LedgerState, aside: LedgerState, later: Later | None
) -> Source | None:
    """Return where a unit stands, by the ledger that recorded it later; None for one that neither knows."""
    ours, theirs = kept.units.get(unit), aside.units.get(unit)
    if theirs is None:
        return Source(revision=source_of(ours)) if ours else None
    if ours is None:
        return Source(revision=source_of(theirs))
    if later is Later.ASIDE:
        return Source(revision=source_of(theirs), applied=theirs.applied)
    return Source(revision=source_of(ours), why=_UNTOLD if later is Later.UNTOLD else FOUND)


def told_of(kept: LedgerState, aside: LedgerState, found: TakenIn) -> Iterator[Taken]:
    """Yield what is taken in of a ledger that is set aside, beside its units and objects."""
    if gone := found.suspended:
        by = f"by {gone.who.partition(' <')[0]} at {gone.at:%Y-%m-%d %H:%M:%S} UTC"
        yield Taken(kind=Kept.SUSPENSION, told=f"{by}: {gone.why}")
    for bad in found.bad:
        yield Taken(kind=Kept.BAD_REVISION, told=failure_of(bad))
    yield from (Taken(kind=Kept.GUARD, told=each) for each in _guards(kept, aside, found))
    for unit, record in aside.units.items():
        if record.protect and unit in kept.units and not kept.units[unit].protect:
            yield Taken(kind=Kept.PROTECTION, told=unit)
    for unit, later in found.sources.items():
        ours, theirs = _at(kept.units[unit]), _at(aside.units[unit])
        if later is Later.ASIDE:
            yield Taken(kind=Kept.SOURCE, told=f"{unit}: {theirs}, later than {ours} here")
        elif later is Later.UNTOLD:
            told = (
                f"{unit}: {ours} here, {theirs} there, and nobody can tell which was later:"
                " the first is kept, and the next plan looks at all of it"
            )
            yield Taken(kind=Kept.SOURCE, told=told)


def _guards(kept: LedgerState, aside: LedgerState, found: TakenIn) -> Iterator[str]:
    if found.guards and kept.guards is None:
        yield "those that were applied there, since none are known here"
    elif found.guards:
        for each in loosened(found.guards, kept.guards or found.guards):
            yield f"guards.{each.guard}: {each.after} → {each.before}"
    older, newer = by_age(kept, aside)
    if older and newer and not windows_go_together(older, newer):
        whose = "here" if newer == kept.guards else "there"
        yield f"guards.windows: the two cannot be said together, and those of {whose} are newer"


def _at(record: UnitRecord) -> str:
    return f"{source_of(record)} at {record.at:%Y-%m-%d %H:%M:%S} UTC"
