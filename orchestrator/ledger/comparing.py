"""Whether the state that is kept beside an entry is what the entries say together, and in what it is not. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from orchestrator.ledger.entry import Entry, LedgerState, UnitRecord

PARTS: Final[Mapping[str, str]] = {
    "head": "the last entry",
    "units": "the units",
    "inventory": "the inventory",
    "cluster": "the cluster",
    "open": "the open run",
    "bad": "the bad revisions",
    "approvals": "the approvals",
    "healthy": "the last healthy revision",
    "runs": "the last runs",
    "suspended": "the suspension",
    "guards": "the guards",
    "moved": "where it goes on",
    "owed": "what is owed",
}
"""All that a state holds, by field, as people are told of it."""


def differing(kept: LedgerState, told: LedgerState) -> tuple[str, ...]:
    """Return the parts in which a state is not what the entries say, in the order of ``PARTS``."""
    return tuple(name for name in PARTS if not _alike(name, kept, told))


def _alike(name: str, kept: LedgerState, told: LedgerState) -> bool:
    match name:
        case "units":
            return _same_units(tuple(kept.units.values()), tuple(told.units.values()))
        case "open":
            return _same_run(kept.open, told.open)
        case _:
            return bool(getattr(kept, name) == getattr(told, name))


def _same_run(kept: Entry | None, told: Entry | None) -> bool:
    if kept is None or told is None:
        return kept is told
    doubts = kept.inventory in {(), told.inventory}  # not all versions keep them
    return doubts and _same_units(kept.units, told.units) and _alone(kept) == _alone(told)


def _alone(entry: Entry) -> Entry:
    return replace(entry, units=(), inventory=(), deleted=(), plan=None)


def _same_units(kept: tuple[UnitRecord, ...], told: tuple[UnitRecord, ...]) -> bool:
    return len(kept) == len(told) and all(map(_same_unit, kept, told))


def _same_unit(kept: UnitRecord, told: UnitRecord) -> bool:
    """Whether a record is the same but for what versions leave out that do not know of it, to which no harm comes."""
    known = replace(
        told,
        seal=told.seal if kept.seal else "",
        why=told.why if kept.why else "",
        drift=told.drift if kept.drift else 0,
        seconds=kept.seconds,  # one is rounded, the other may be not
    )
    return kept == known
