"""A ledger that is set aside, as a repair tells of it and records its units."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.engine.ledgers.aside import Source, known_otherwise, source_in, told_of
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.taking_in import Later, taken_in
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import BadRevision, Suspension
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards, Window, Windows
from tests.ledger.builders import NOON, record

A, B = Revision(commit="a" * 40), Revision(commit="b" * 40)
BASE, OTHER = UnitId("modules.network"), UnitId("modules.other")
LATER = NOON + timedelta(hours=1)
KEPT = LedgerState(
    units={BASE: replace(record(revision=A), applied=A)},
    guards=Guards(windows=Windows(allow=(Window(cron="0 9 * * *", seconds=60.0),))),
)
ASIDE = LedgerState(
    units={
        BASE: replace(record(revision=B, protect=True), applied=B, at=LATER),
        OTHER: replace(record("modules.other", revision=B), applied=B),
    },
    guards=Guards(
        approvals=1,
        windows=Windows(zone="Europe/Berlin", allow=(Window(cron="0 9 * * *", seconds=60.0),)),
    ),
    suspended=Suspension(who="Ada <ada@example.org>", at=NOON, why="the pumps", entry="e1"),
    bad={"b" * 40: BadRevision(revision=B, at=NOON, by="Ada", why="no image", entry="e2")},
)


def _told(kept: LedgerState, aside: LedgerState) -> list[tuple[str, str]]:
    taken = taken_in(kept, aside, (), now=LATER)
    return [(each.kind.value, each.told) for each in told_of(kept, aside, taken)]


def test_all_that_is_taken_in_is_told() -> None:
    """Each by its kind, with what people need to know it by; what needs no telling is not there."""
    assert _told(KEPT, ASIDE) == [
        ("suspension", "by Ada at 2025-03-14 12:00:00 UTC: the pumps"),
        (
            "bad revision",
            "bbbbbbbbbb failed when Ada applied it at 2025-03-14 12:00:00 UTC: no image",
        ),
        ("guard", "guards.approvals: 0 → 1"),
        (
            "guard",
            "guards.windows: allow '0 9 * * *' for 1m (UTC) → allow '0 9 * * *' for 1m (Europe/Berlin)",
        ),
        (
            "guard",
            "guards.windows: the two cannot be said together, and those of there are newer",
        ),
        ("protection", "modules.network"),
        (
            "source",
            f"modules.network: {B} at 2025-03-14 13:00:00 UTC, later than {A} at 2025-03-14 12:00:00 UTC here",
        ),
    ]
    assert _told(KEPT, LedgerState()) == []
    unknown = replace(KEPT, guards=None)
    assert ("guard", "those that were applied there, since none are known here") in _told(
        unknown, ASIDE
    )


def test_a_unit_is_recorded_from_the_ledger_that_recorded_it_later() -> None:
    """The one that is set aside gives the source too; where nobody can tell, the reason says so."""
    assert source_in(BASE, KEPT, ASIDE, Later.ASIDE) == Source(revision=B, applied=B)
    assert source_in(BASE, KEPT, ASIDE, Later.KEPT) == Source(revision=A)
    untold = source_in(BASE, KEPT, ASIDE, Later.UNTOLD)
    assert untold is not None
    assert (untold.revision, "nobody can tell" in untold.why) == (A, True)
    assert source_in(OTHER, KEPT, ASIDE, None) == Source(revision=B)
    assert source_in(UnitId("modules.new"), KEPT, ASIDE, None) is None


def test_units_are_recorded_anew_where_the_other_ledger_says_more() -> None:
    """What is protected there, or was recorded there later, or cannot be told; nothing else of what both know."""
    plain = replace(ASIDE, units={BASE: replace(ASIDE.units[BASE], protect=False)})
    assert [*known_otherwise(KEPT, ASIDE, {})] == [BASE]
    assert [*known_otherwise(KEPT, plain, {BASE: Later.KEPT})] == []
    assert [*known_otherwise(KEPT, plain, {BASE: Later.ASIDE})] == [BASE]
    assert [*known_otherwise(KEPT, plain, {BASE: Later.UNTOLD})] == [BASE]
