"""What the end of a task means: rules for every end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.configuration.model import DriftChecks
from orchestrator.agent.decisions.agenda import NEVER, Item, Key, Task
from orchestrator.agent.decisions.endings import Pace, ended, over, surveyed_badly
from orchestrator.agent.verdicts import End
from orchestrator.stack.model import Drift
from tests.agent.builders import NOW, PACE, at_work, verdict

LOTS = st.floats(0, 1, exclude_max=True)
ENDS = st.sampled_from(End)
TASKS = st.sampled_from([Task.RECONCILE, Task.WORKLOADS, Task.INFRASTRUCTURE])
WELL = [End.APPLIED, End.UNCHANGED, End.DRIFTED]
BADLY = [End.FAILED, End.LOCKED, End.INTERRUPTED, End.OVERTAKEN]


@given(TASKS, ENDS, LOTS, st.integers(0, 50))
def test_something_always_follows(task: Task, end: End, lot: float, failures: int) -> None:
    """However a task ends, the stack is looked at again, later than now and not much later than was said."""
    after = ended(at_work(task, failures=failures), verdict(end), NOW, pace=PACE, lot=lot)
    assert after.running is None
    longest = max(PACE.retry.most, PACE.drift.infrastructure or 0) * 1.2
    assert NOW < min(after.next, after.look) <= NOW + longest


@given(
    st.one_of(TASKS, st.just(Task.DESTROY)),
    st.sampled_from([Task.RECONCILE, Task.DESTROY]),
    ENDS,
    LOTS,
)
def test_a_revision_that_came_meanwhile_is_not_held_up(
    task: Task, wanted: Task, end: End, lot: float
) -> None:
    """The failure of one revision, or a word about it, delays no other, be it one that declares the stack no more."""
    item = replace(at_work(task), due={wanted: NOW}, urgent=True)
    after = ended(item, verdict(end), NOW, pace=PACE, lot=lot)
    assert (after.due, after.urgent, after.look) == ({wanted: NOW}, True, NEVER)


@given(st.sampled_from(BADLY), st.integers(0, 9), LOTS)
def test_what_did_not_succeed_is_tried_again(end: End, failures: int, lot: float) -> None:
    """Failures count and wait longer each time; whoever was only in line, or was stopped, does not count."""
    after = ended(at_work(failures=failures), verdict(end), NOW, pace=PACE, lot=lot)
    assert after.failures == failures + (end is End.FAILED)
    assert list(after.due) == [Task.RECONCILE]
    assert after.settled == ""


@given(
    st.sampled_from([Task.WORKLOADS, Task.INFRASTRUCTURE]),
    st.sampled_from([*BADLY, End.HELD, End.SUSPENDED]),
    st.sampled_from([Drift.REPORT, Drift.IGNORE]),
    LOTS,
)
def test_a_look_that_changes_nothing_stays_one(
    task: Task, end: End, policy: Drift, lot: float
) -> None:
    """Whatever befalls it, none that follows it brings back what others changed; a new revision is another matter."""
    pace = Pace(retry=PACE.retry, drift=DriftChecks(policy=policy))
    item = replace(at_work(task), settled="c1")
    assert list(ended(item, verdict(end), NOW, pace=pace, lot=lot).due) == [task]
    assert list(ended(item, verdict(end), NOW, pace=PACE, lot=lot).due) == [Task.RECONCILE]
    unsettled = replace(item, settled="c0")
    assert list(ended(unsettled, verdict(end), NOW, pace=pace, lot=lot).due) == [Task.RECONCILE]


@given(st.integers(0, 50), LOTS)
def test_what_is_overtaken_is_tried_later_and_later(before: int, lot: float) -> None:
    """The newer revision may never be read; any other end is its end, and it is no failure."""
    item = replace(at_work(), overtaken=before)
    after = ended(item, verdict(End.OVERTAKEN), NOW, pace=PACE, lot=lot)
    least = min(PACE.retry.first * 2**before, PACE.retry.most) / 2
    assert (after.overtaken, after.failures) == (before + 1, 0)
    assert least <= after.next - NOW <= PACE.retry.most
    for end in (End.APPLIED, End.FAILED, End.HELD):
        assert ended(item, verdict(end), NOW, pace=PACE, lot=lot).overtaken == 0


@pytest.mark.parametrize("end", WELL)
def test_what_is_as_git_wants_it_is_only_looked_at(end: End) -> None:
    """Nothing is planned anew but to look for drift, in the cluster often and with Terraform rarely."""
    after = ended(at_work(failures=3), verdict(end), NOW, pace=PACE, lot=0.5)
    assert (after.failures, after.settled) == (0, "c1")
    assert (after.look, after.due) == (NOW + 300, {Task.INFRASTRUCTURE: NOW + 6 * 3600})


def test_a_look_at_the_workloads_does_not_put_off_the_infrastructure() -> None:
    """However often the cluster is looked at, Terraform has its turn when it was due."""
    item = replace(at_work(Task.WORKLOADS), due={Task.INFRASTRUCTURE: NOW + 60})
    after = ended(item, verdict(End.UNCHANGED), NOW, pace=PACE, lot=0.5)
    assert after.due[Task.INFRASTRUCTURE] == NOW + 60


@pytest.mark.parametrize(
    ("drift", "look", "due"),
    [
        (DriftChecks(policy=Drift.IGNORE), NEVER, NEVER),
        (DriftChecks(policy=Drift.REPORT), NOW + 300, NOW + 6 * 3600),
        (DriftChecks(workloads=None), NEVER, NOW + 6 * 3600),
        (DriftChecks(infrastructure=None), NOW + 300, NEVER),
    ],
)
def test_drift_is_looked_for_as_is_said(drift: DriftChecks, look: float, due: float) -> None:
    """A stack whose drift is ignored is not looked at until a new revision comes."""
    pace = Pace(retry=PACE.retry, drift=drift)
    after = ended(at_work(), verdict(End.APPLIED), NOW, pace=pace, lot=0.5)
    assert (after.look, after.next) == (look, due)


@pytest.mark.parametrize("end", End)
def test_what_was_taken_away_is_over(end: End) -> None:
    """Nobody looks for drift of it; what was declared anew meanwhile goes on, and so does what was not taken away."""
    item = at_work(Task.DESTROY)
    assert over(item, verdict(end)) == (end in {End.DESTROYED, End.UNCHANGED})
    for again in (Task.DESTROY, Task.WORKLOADS):  # one more commit without it, or a patrol
        assert over(replace(item, due={again: NOW}), verdict(end)) == over(item, verdict(end))
    assert not over(replace(item, due={Task.RECONCILE: NOW}), verdict(end))
    assert not over(at_work(), verdict(end))
    leaving = replace(at_work(), leaving=True)  # and is left alone
    assert over(leaving, verdict(end))
    assert not over(replace(leaving, due={Task.RECONCILE: NOW}), verdict(end))


@pytest.mark.parametrize("end", [End.HELD, End.SUSPENDED])
def test_what_waits_for_a_person_waits(end: End) -> None:
    """It is no failure; it is looked at when it may be allowed, and now and then in any case."""
    after = ended(at_work(), verdict(end), NOW, pace=PACE, lot=0.5)
    assert (after.waits, after.failures) == (True, 0)
    assert after.due == {Task.RECONCILE: NOW + PACE.retry.most}
    soon = ended(at_work(), verdict(end, again=40), NOW, pace=PACE, lot=0.5)
    assert soon.due == {Task.RECONCILE: NOW + 40}


@pytest.mark.parametrize("end", End)
def test_what_came_during_a_run_is_not_waited_for(end: End) -> None:
    """An approval that the run did not see any more is looked at at once; runs that end otherwise hurry nobody."""
    stirred = replace(at_work(), stirred=True)
    after = ended(stirred, verdict(end, again=40), NOW, pace=PACE, lot=0.5)
    usual = ended(at_work(), verdict(end, again=40), NOW, pace=PACE, lot=0.5)
    if end in {End.HELD, End.SUSPENDED}:
        assert after == replace(usual, due={Task.RECONCILE: NOW})
    else:
        assert after == usual


@given(st.integers(0, 20), LOTS)
def test_a_repository_that_cannot_be_read_is_tried_again(failures: int, lot: float) -> None:
    """Later each time; one whose branch moved meanwhile at once."""
    item = Item(key=Key(repository="a"), running=Task.SURVEY, failures=failures)
    after = surveyed_badly(item, NOW, retry=PACE.retry, lot=lot)
    assert (after.running, after.failures) == (None, failures + 1)
    assert NOW < after.due[Task.SURVEY] <= NOW + PACE.retry.most
    moved = replace(item, due={Task.SURVEY: NOW})
    assert surveyed_badly(moved, NOW, retry=PACE.retry, lot=lot).due[Task.SURVEY] == NOW
