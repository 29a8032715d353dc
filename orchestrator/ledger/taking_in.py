"""What a repair takes in of a ledger that it sets aside, beside the units and objects that it alone knows. Pure.

What keeps production safe outlives either ledger: a suspension, bad revisions, the stricter guards. Of a unit that both
know, the one that was recorded later has the source.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from orchestrator.ledger.entry import Entry, LedgerState, UnitRecord
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import BadRevision, Suspension
from orchestrator.plans.strictest import strictest_of
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards

_SKEW: Final = timedelta(minutes=5)  # by which a clock may go ahead and be believed all the same


class Later(StrEnum):
    """Which of two ledgers recorded a unit later."""

    KEPT = "kept"
    ASIDE = "aside"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What is taken in; ``guards`` are those that hold from here on, None where nothing changes.

    ``sources`` says of each unit that the two ledgers know otherwise which of them recorded it later.
    """

    suspended: Suspension | None = None
    bad: tuple[BadRevision, ...] = ()
    guards: Guards | None = None
    sources: Mapping[UnitId, Later] = field(default_factory=dict)


def taken_in(
    kept: LedgerState, aside: LedgerState, entries: Sequence[Entry], *, now: datetime
) -> TakenIn:
    """Return what a ledger that is gone on with takes in of another one; ``entries`` are those that it holds.

    What they had and ended stays ended: the ledgers may have a beginning in common.
    """
    had = {entry.id for entry in entries}
    suspended = aside.suspended if kept.suspended is None else None
    return TakenIn(
        suspended=suspended if suspended and suspended.entry not in had else None,
        bad=tuple(
            each for key, each in aside.bad.items() if key not in kept.bad and each.entry not in had
        ),
        guards=_guards(kept, aside),
        sources=dict(_sources(kept, aside, _recorded(entries), now)),
    )


def source_of(record: UnitRecord) -> Revision:
    """Return the revision that a unit is destroyed from."""
    return record.applied or record.revision


def by_age(kept: LedgerState, aside: LedgerState) -> tuple[Guards | None, Guards | None]:
    """Return the guards of both, those that were applied later last."""
    pair = (kept.guards, aside.guards)
    later = kept.healthy and aside.healthy and kept.healthy.at > aside.healthy.at
    return pair[::-1] if later else pair


def _guards(kept: LedgerState, aside: LedgerState) -> Guards | None:
    older, newer = by_age(kept, aside)
    found = strictest_of(older, newer) if older and newer else older or newer
    return None if found == kept.guards else found


def _recorded(entries: Iterable[Entry]) -> frozenset[tuple[UnitId, datetime, str, Revision]]:
    return frozenset(_told(record) for entry in entries for record in entry.units)


def _told(record: UnitRecord) -> tuple[UnitId, datetime, str, Revision]:
    return record.unit, record.at, record.by, record.revision


def _sources(
    kept: LedgerState,
    aside: LedgerState,
    had: frozenset[tuple[UnitId, datetime, str, Revision]],
    now: datetime,
) -> Iterator[tuple[UnitId, Later]]:
    for unit, theirs in aside.units.items():
        ours = kept.units.get(unit)
        if ours is None or source_of(ours) == source_of(theirs):
            continue
        if _told(theirs) in had:  # the ledger that is kept went on from there
            yield unit, Later.KEPT
        else:
            yield unit, _later(ours.at, theirs.at, now)


def _later(ours: datetime, theirs: datetime, now: datetime) -> Later:
    """Return what two times tell; one that is yet to come is of a clock that nobody can trust."""
    if ours == theirs or max(ours, theirs) > now + _SKEW:
        return Later.UNTOLD
    return Later.ASIDE if theirs > ours else Later.KEPT
