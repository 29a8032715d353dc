"""What an entry says that is recorded after others went on from the beginning of its run."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.ledger.encoding import decode_entry, decode_state, encode_entry, encode_state
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Moved, Operation, UnitRecord
from orchestrator.ledger.fold import fold, fold_all
from orchestrator.ledger.stores.late import to_record
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Revision
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.remembered import Approval, Healthy
from orchestrator.stack.model import UnitId
from tests.ledger.builders import NOON, REVISION, deployment, entry, owned, record, run

OTHER = replace(run(revision=Revision(commit="b" * 40)), id="run-2")


def late(
    *,
    outcome: Outcome = Outcome.APPLIED,
    units: Iterable[UnitRecord] = (),
    inventory: Iterable[OwnedObject] = (),
) -> Entry:
    """Return how the first run ended, heard of late."""
    ended = entry(9, Kind.FINISHED, units=units, inventory=inventory, outcome=outcome)
    return replace(ended, late=True, deleted=(deployment("web"),))


def approval(at: datetime) -> Approval:
    """Return somebody's word for a plan."""
    return Approval(digest="sha256:1234", who="Grace", at=at, plan=PlanRecord())


def outrun(*, by: Iterable[UnitRecord] = ()) -> LedgerState:
    """Return what is known when a run began, and another one ran from there to its end."""
    units = [record("modules.network", Outcome.PLANNED), record("modules.dns", Outcome.PLANNED)]
    return fold_all(
        [
            entry(1, units=units, inventory=[owned("web")]),
            entry(2, of=OTHER),
            entry(3, Kind.FINISHED, of=OTHER, units=by, inventory=[owned("web", uid="u2")]),
        ]
    )


def test_a_late_outcome_takes_nothing_back() -> None:
    """What others did since stands: their units, their objects, and that nothing is open."""
    before = outrun(by=[record("modules.network", revision=OTHER.revision)])
    ended = late(units=[record("modules.network", Outcome.FAILED)], outcome=Outcome.INTERRUPTED)
    after = fold(before, ended)
    assert after.units == before.units
    assert after.inventory == before.inventory == (owned("web", uid="u2"),)
    assert (after.open, after.head, after.cluster) == (None, "entry-9", before.cluster)


def test_a_late_outcome_tells_what_nobody_else_knows() -> None:
    """A unit that nobody came to since, and an object that nobody knew of, which may be gone without blame."""
    before = outrun(by=[record("modules.network", revision=OTHER.revision)])
    after = fold(before, late(units=[record("modules.dns")], inventory=[owned("new", uid="u1")]))
    assert after.units[UnitId("modules.dns")].outcome is Outcome.APPLIED
    assert after.inventory == (owned("new"), owned("web", uid="u2"))
    assert [each.outcome for each in after.runs] == [Outcome.APPLIED, Outcome.APPLIED]
    assert after.runs[1].entry == "entry-9"
    assert after.healthy == Healthy(revision=REVISION, entry="entry-9", at=late().at)


def test_a_late_failure_is_bad_unless_it_was_mended() -> None:
    """A revision that somebody applied with success since is not held against anybody."""
    failed = late(outcome=Outcome.FAILED)
    assert [each.revision for each in fold(outrun(), failed).bad.values()] == [REVISION]
    again = replace(run(), id="run-3")
    mended = fold_all(
        [entry(1), entry(2, of=again), replace(entry(3, Kind.FINISHED, of=again), at=failed.at)]
    )
    assert fold(mended, failed).bad == {}


def test_a_run_that_is_still_open_ends_late_as_it_would_in_time() -> None:
    """Where nobody went on, being late is no matter."""
    begun = fold_all([entry(1, units=[record(outcome=Outcome.PLANNED)])])
    ended = late(units=[record()])
    assert fold(begun, ended) == fold(begun, replace(ended, late=False))


def test_a_late_approval_is_not_for_what_was_begun_since() -> None:
    """It is used up by any run that began after it was given; where there was none, it counts."""
    given = entry(9, Kind.NOTED, of=run(operation=Operation.APPROVE))
    given = replace(given, late=True, approval=approval(at=NOON))
    (begun,) = fold_all([entry(1, of=OTHER)]).past
    assert begun.at > NOON
    assert fold(fold_all([entry(1, of=OTHER)]), given).approvals == ()
    assert fold(outrun(), given).approvals == ()
    later = replace(given, approval=approval(at=given.at))
    assert fold(outrun(), later).approvals == (approval(at=given.at),)


def test_a_late_resumption_is_not_of_a_later_suspension() -> None:
    """Agents that somebody stopped since stay stopped; who was stopped before goes on."""
    stopped = fold_all([entry(4, Kind.NOTED, of=run(operation=Operation.SUSPEND))])
    resumed = entry(9, Kind.NOTED, of=run(operation=Operation.RESUME))
    assert fold(stopped, replace(resumed, late=True)).suspended is None
    assert fold(stopped, replace(resumed, late=True, at=NOON)).suspended == stopped.suspended


def test_a_late_suspension_takes_no_newer_words_place() -> None:
    """Who stopped agents last, and why, stands; where nobody has stopped them now, a late word counts."""
    word = replace(entry(9, Kind.NOTED, of=run(operation=Operation.SUSPEND)), late=True, why="old")
    now = replace(entry(10, Kind.NOTED, of=run(operation=Operation.SUSPEND)), why="new")
    newer = fold_all([now])
    assert fold(newer, word).suspended == newer.suspended
    after = fold(newer, replace(word, at=now.at + timedelta(minutes=1))).suspended
    assert after is not None
    assert after.why == "old"

    resumed = fold(newer, entry(11, Kind.NOTED, of=run(operation=Operation.RESUME)))
    assert resumed.suspended is None
    assert fold(resumed, word).suspended is not None


def test_a_ledger_that_moved_says_where_to_until_it_goes_on() -> None:
    """The note that ends it here is the last entry; another one after it means that it is here again."""
    note = replace(
        entry(2, Kind.NOTED, of=run(operation=Operation.MOVE)), moved="the directory /srv/x"
    )
    state = fold_all([entry(1), note])
    assert state.moved == Moved(to="the directory /srv/x", at=note.at, by=note.run.who)
    assert note.at > NOON
    assert decode_state(encode_state(state)) == state
    assert fold(state, entry(3, Kind.NOTED, of=run(operation=Operation.IMPORT))).moved is None
    for each in (note, late()):
        assert decode_entry(encode_entry(each)) == each


def test_what_waits_is_late_from_the_first_one_that_others_outran() -> None:
    """Also where that one was recorded by a run that died then: the others do not follow it as if in time."""
    waiting = [entry(2, Kind.PROGRESSED), entry(3, Kind.FINISHED)]
    assert to_record(waiting, [entry(1)], head="entry-1") == tuple(waiting)
    assert to_record(waiting, waiting[:1], head="entry-2") == (waiting[1],)
    assert to_record(waiting, waiting, head="entry-3") == ()
    outrun = to_record(waiting, [entry(5)], head="entry-5")
    assert [(each.late, each.previous) for each in outrun] == [(True, "entry-5"), (True, "entry-2")]
    (left,) = to_record(waiting, outrun[:1], head="entry-2")
    assert (left.id, left.late, left.previous) == ("entry-3", True, "entry-2")
