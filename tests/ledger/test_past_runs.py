"""The runs that a state remembers: those that a later one may go back to, or over."""

from dataclasses import replace

from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Revision
from tests.ledger.builders import entry, run


def ended(
    number: int,
    outcome: Outcome = Outcome.APPLIED,
    *,
    operation: Operation = Operation.APPLY,
    whole: bool = True,
) -> Entry:
    """Return the end of a run at a revision of that number."""
    of = run(revision=Revision(commit=str(number)), operation=operation, whole=whole)
    return entry(number, Kind.FINISHED, of=of, outcome=outcome)


def remembered(*entries: Entry) -> list[tuple[str, bool]]:
    """Return the commits of the runs that are remembered, newest first, and whether each succeeded."""
    state: LedgerState = fold_all(entries)
    return [(past.revision.commit, past.succeeded) for past in state.runs]


def test_runs_are_remembered_by_how_they_ended() -> None:
    """One of a part of the stack, one that failed and one that destroyed are there, and are no successes."""
    assert remembered(
        ended(1),
        ended(2, Outcome.FAILED),
        ended(3, whole=False),
        ended(4, Outcome.DESTROYED, operation=Operation.DESTROY),
        ended(5, Outcome.INTERRUPTED),
        ended(6),
    ) == [("6", True), ("5", False), ("4", False), ("3", False), ("2", False), ("1", True)]


def test_of_runs_that_changed_nothing_only_the_last_is_remembered() -> None:
    """So that commits to other parts of a repository do not push out what can be gone back to."""
    idle = [ended(number, Outcome.UNCHANGED) for number in (2, 3, 4)]
    assert remembered(ended(1), *idle) == [("4", True), ("1", True)]
    part = ended(5, Outcome.UNCHANGED, whole=False)
    assert remembered(*idle, part, ended(6, Outcome.UNCHANGED))[:2] == [("6", True), ("5", False)]


def test_beginnings_and_notes_are_no_runs_that_ended() -> None:
    """Neither are Terraform's own commands."""
    noted = replace(entry(2, Kind.NOTED), outcome=None)
    terraform = ended(3, operation=Operation.TERRAFORM)
    assert remembered(entry(1), noted, terraform) == []


def test_only_the_last_ones_are_remembered() -> None:
    """The state is read by every run: it does not grow with the history."""
    found = remembered(*(ended(number) for number in range(1, 101)))
    assert len(found) == 32
    assert found[0][0] == "100"


def test_a_run_that_died_is_remembered_as_interrupted() -> None:
    """While it is open, and when another run began since or somebody gave it up."""
    begun = entry(2, of=run(revision=Revision(commit="2")))
    abandoned = replace(entry(3, Kind.NOTED), run=run(operation=Operation.ABANDON))
    assert fold_all([ended(1), begun]).past[0].outcome is Outcome.INTERRUPTED
    assert remembered(ended(1), begun, entry(3), ended(3)) == [
        ("3", True),
        ("2", False),
        ("1", True),
    ]
    assert remembered(ended(1), begun, abandoned) == [("2", False), ("1", True)]
