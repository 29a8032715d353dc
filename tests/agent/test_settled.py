"""When a difference can only be what others changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.agent.decisions.settled import settled
from orchestrator.ledger.entry import LedgerState, Operation, PastRun, Restores
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from tests.ledger.builders import entry

FIRST, SECOND = Revision(commit="a" * 40), Revision(commit="b" * 40)
APPLIED = PastRun(
    entry="e1",
    revision=FIRST,
    operation=Operation.APPLY,
    outcome=Outcome.APPLIED,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    who="Grace Hopper",
    whole=True,
)


def _settled(state: LedgerState, wanted: Revision = FIRST, *, alike: bool = False) -> bool:
    return settled(state, wanted, same=lambda _other: alike)


def test_what_was_applied_last_is_settled() -> None:
    """So is another commit that changes nothing of the stack; any other is to be brought about."""
    state = LedgerState(runs=(APPLIED,))
    assert _settled(state)
    assert _settled(state, SECOND, alike=True)
    assert not _settled(state, SECOND)
    assert not _settled(LedgerState(), alike=True)


@pytest.mark.parametrize(
    "last",
    [
        replace(APPLIED, outcome=Outcome.FAILED),
        replace(APPLIED, outcome=Outcome.INTERRUPTED),
        replace(APPLIED, operation=Operation.DESTROY, outcome=Outcome.DESTROYED),
        replace(APPLIED, whole=False, revision=SECOND),
        replace(APPLIED, whole=False, operation=Operation.DESTROY, outcome=Outcome.DESTROYED),
        replace(APPLIED, revision=replace(FIRST, difference="d")),
    ],
)
def test_what_was_not_brought_about_wholly_is_not(last: PastRun) -> None:
    """What the last run left undone, took away, or applied of no commit is brought about, whatever was before it."""
    assert not _settled(LedgerState(runs=(last, APPLIED)), alike=True)


def test_a_part_of_the_same_revision_says_nothing_of_the_rest() -> None:
    """Whoever sees to one unit by hand has not asked for what others changed elsewhere to be brought back."""
    part = replace(APPLIED, whole=False)
    assert _settled(LedgerState(runs=(part, part, APPLIED)))
    assert not _settled(LedgerState(runs=(part,)))
    assert not _settled(LedgerState(runs=(part, replace(APPLIED, outcome=Outcome.FAILED))))


def test_what_a_dead_run_left_is_to_be_done() -> None:
    """Nobody knows what it changed, or what was to follow a failure did not yet."""
    died = entry()
    assert not _settled(LedgerState(runs=(APPLIED,), open=died), alike=True)
    owed = Restores(revision=SECOND, entry="e0", over=FIRST)
    assert not _settled(LedgerState(runs=(APPLIED,), owed=owed), alike=True)
