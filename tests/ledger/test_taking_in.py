"""What a repair takes in of a ledger that it sets aside: what keeps production safe is in neither lost."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orchestrator.ledger.encoding import decode_entry, decode_state, encode_entry, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, UnitRecord
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.ledger.taking_in import Later, TakenIn, taken_in
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import BadRevision
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards
from tests.ledger.builders import NOON, entry, record, run

A, B = Revision(commit="a" * 40), Revision(commit="b" * 40)
BASE = UnitId("modules.network")
SUSPEND = replace(entry(1, Kind.NOTED, of=run(operation=Operation.SUSPEND)), why="the pumps")
RESUME = entry(2, Kind.NOTED, of=run(operation=Operation.RESUME))
FAILED = replace(entry(1, Kind.FINISHED, of=run(revision=A), outcome=Outcome.FAILED), id="theirs")
LATER = NOON + timedelta(days=1)


def _taken(kept: list[Entry], aside: list[Entry], now: datetime = LATER) -> TakenIn:
    return taken_in(fold_all(kept), fold_all(aside), kept, now=now)


def _repaired(kept: list[Entry], taken: TakenIn, units: tuple[UnitRecord, ...] = ()) -> LedgerState:
    """Return the state after the note of a repair, as a store keeps it."""
    noted = replace(
        entry(9, Kind.NOTED, of=run(operation=Operation.REPAIR), units=units),
        suspended=taken.suspended,
        bad=taken.bad,
        guards=taken.guards,
    )
    assert decode_entry(encode_entry(noted)) == noted
    state = fold(fold_all(kept), noted)
    assert decode_state(encode_state(state)) == state
    return state


def test_a_stack_that_is_suspended_stays_suspended() -> None:
    """Who suspended it, when and why stay known, in the entry of the repair."""
    after = _repaired([], _taken([], [SUSPEND])).suspended
    assert after is not None
    assert (after.who, after.at, after.why) == (SUSPEND.run.who, SUSPEND.at, "the pumps")
    assert after.entry == "entry-9"


def test_a_suspension_that_was_ended_does_not_come_back() -> None:
    """The ledgers may begin alike: what the one that is kept had, and ended, is not taken in; its own stays."""
    assert _taken([SUSPEND, RESUME], [SUSPEND]).suspended is None
    assert _taken([SUSPEND], [replace(SUSPEND, id="theirs", why="")]).suspended is None


def test_a_bad_revision_stays_bad() -> None:
    """Until it was applied with success in the ledger that goes on; of its own ones it knows better."""
    after = _repaired([], _taken([], [FAILED])).bad[A.commit]
    assert (after.at, after.entry) == (FAILED.at, "entry-9")
    mended = [FAILED, replace(entry(2, Kind.FINISHED, of=run(revision=A)), previous="theirs")]
    assert _taken(mended, [FAILED]).bad == ()
    own = replace(FAILED, id="ours")
    assert _taken([own], [FAILED]).bad == ()


def test_bad_revisions_are_in_the_order_of_their_times() -> None:
    """Of too many the oldest are forgotten, whichever ledger had them."""
    own = replace(FAILED, run=run(revision=B), id="ours", at=NOON)
    bad: list[BadRevision] = [*_repaired([own], _taken([own], [FAILED])).bad.values()]
    assert [each.revision for each in bad] == [B, A]


@pytest.mark.parametrize(
    ("kept", "aside", "after"),
    [
        (None, Guards(approvals=1), Guards(approvals=1)),
        (Guards(approvals=1), None, Guards(approvals=1)),
        (Guards(approvals=1, destroys=9), Guards(destroys=3), Guards(approvals=1, destroys=3)),
    ],
)
def test_the_stricter_guards_hold(kept: Guards | None, aside: Guards | None, after: Guards) -> None:
    """Those of either ledger, and of one that knows none the other's."""
    ours = [replace(entry(1, Kind.FINISHED), guards=kept)]
    theirs = [replace(entry(1, Kind.FINISHED), id="theirs", guards=aside)]
    assert _repaired(ours, _taken(ours, theirs)).guards == after


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (1, {BASE: Later.ASIDE}),
        (-1, {BASE: Later.KEPT}),
        (0, {BASE: Later.UNTOLD}),
        (60 * 24 + 6, {BASE: Later.UNTOLD}),
    ],
)
def test_the_later_record_of_a_unit_gives_its_source(
    minutes: int, expected: dict[UnitId, Later]
) -> None:
    """Told by their times, where these differ and are not of a clock that goes far ahead of this one."""
    ours = [entry(1, Kind.FINISHED, units=[record(revision=A)])]
    moved = replace(record(revision=B), at=NOON + timedelta(minutes=minutes))
    theirs = [replace(entry(1, Kind.FINISHED, units=[moved]), id="theirs")]
    assert _taken(ours, theirs).sources == expected
    alike = replace(moved, revision=A)
    assert _taken(ours, [replace(theirs[0], units=(alike,))]).sources == {}


def test_what_both_had_is_older_than_what_followed_in_the_one_that_is_kept() -> None:
    """Whatever the clocks said: the order of a chain can be trusted."""
    first = entry(1, Kind.FINISHED, units=[replace(record(revision=A), at=LATER)])
    then = entry(2, Kind.FINISHED, units=[record(revision=B)])
    assert _taken([first, then], [first]).sources == {BASE: Later.KEPT}


def test_a_repair_may_say_what_a_unit_was_brought_to() -> None:
    """Nothing else but its success does: a record of a repair with an applied revision outweighs the one before."""
    ours = [entry(1, Kind.FINISHED, units=[record(revision=A)])]
    told = replace(record(outcome=Outcome.INTERRUPTED, revision=B), applied=B)
    assert _repaired(ours, TakenIn(), (told,)).units[BASE].applied == B
    untold = replace(told, applied=None)
    assert _repaired(ours, TakenIn(), (untold,)).units[BASE].applied == A
