"""Entries become runs, and each run is told with what became of it."""

from orchestrator.engine.history.runs import endings_of, line_of, runs_of, whole
from orchestrator.ledger.entry import Kind, Operation
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Ending
from tests.engine.history.past import SECOND, Past
from tests.ledger.builders import entry, record, run

_SHOP = "manifests.shop"
_BASE = "modules.base"


def test_entries_of_one_run_belong_together() -> None:
    """Beginning, progress and end are one run, newest first; so is an end alone."""
    past = Past()
    past.began(_BASE, _SHOP)
    past.progressed(record(_BASE))
    past.finished(record(_BASE), record(_SHOP))
    past.runs += 1
    past.finished(record(_BASE), record(_SHOP))

    second, first = past.told()

    assert [each.id for each in first.entries] == ["entry-3", "entry-2", "entry-1"]
    assert [each.id for each in second.entries] == ["entry-4"]
    assert {first.ending, second.ending} == {Ending.FINISHED}


def test_a_killed_run_never_finished() -> None:
    """Whoever comes after it: its own entries do not end it; what it was at counts as interrupted."""
    past = Past()
    past.began(_BASE, _SHOP)
    past.progressed(record(_BASE))
    past.applied({_BASE: Outcome.UNCHANGED, _SHOP: Outcome.APPLIED})

    again, killed = past.told()

    assert again.ending is Ending.FINISHED
    assert killed.ending is Ending.UNFINISHED
    assert [(each.unit, each.outcome) for each in endings_of(killed)] == [
        (_BASE, Outcome.APPLIED),
        (_SHOP, Outcome.INTERRUPTED),
    ]


def test_a_run_that_somebody_may_be_at_is_at_work() -> None:
    """Only the one that is open; what it did not come to yet is planned, not interrupted."""
    past = Past()
    past.began(_BASE)
    past.began(_SHOP, revision=SECOND)

    now, killed = past.told(at_work=True)

    assert (now.ending, killed.ending) == (Ending.AT_WORK, Ending.UNFINISHED)
    assert [each.outcome for each in endings_of(now)] == [Outcome.PLANNED]


def test_an_abandoned_run_tells_by_whom_and_why() -> None:
    """The note is about what was open before it, and about nothing that came to its end."""
    past = Past()
    past.applied({_BASE: Outcome.APPLIED})
    past.began(_SHOP)
    past.abandoned("the machine is gone")

    note, killed, first = past.told()

    assert note.ending is Ending.NOTED
    assert killed.ending is Ending.ABANDONED
    assert "the machine is gone (by Grace Hopper" in line_of(killed).told
    assert first.ending is Ending.FINISHED


def test_a_command_of_terraform_is_a_note() -> None:
    """It begins no run that could be open."""
    noted = entry(1, Kind.PROGRESSED, of=run(operation=Operation.TERRAFORM))
    (told,) = runs_of([noted], Past().state, at_work=False)
    assert told.ending is Ending.NOTED


def test_a_run_is_whole_or_left_out() -> None:
    """Where older entries were not looked at, a run whose beginning may be among them is none to be told."""
    past = Past()
    past.applied({_BASE: Outcome.APPLIED})
    past.applied({_SHOP: Outcome.APPLIED})
    entries = past.newest_first

    assert [each.id for each in whole(entries[:3], more=True)] == ["entry-4", "entry-3"]
    assert whole(entries[:2], more=True) == entries[:2]
    assert whole(entries, more=False) == entries
