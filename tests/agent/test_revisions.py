"""What a look at Git means for what is due."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Item, Key, Task, begun, stacks_of
from orchestrator.agent.decisions.revisions import (
    back,
    hurried,
    left_alone,
    moved,
    recorded,
    surveyed,
    vanished,
)
from orchestrator.plans.declared import Declared
from tests.agent.builders import NOW, declared, key, survey

DECLARED = st.lists(
    st.builds(declared, st.sampled_from("stu"), st.sampled_from(["", "c1", "c2"])),
    unique_by=lambda each: each.stack,
    max_size=3,
)


def _at_rest(content: str = "c1") -> Agenda:
    """Return the agenda of one stack that is as Git wants it."""
    item = Item(key=key(), revision="r1", content=content, attempted=content, settled=content)
    return {item.key: item}


def test_a_branch_that_moved_is_looked_at_at_once() -> None:
    """One that did not is left alone, also when reading it failed: that is tried again when its time comes."""
    item = Item(key=Key(repository="a"), revision="r1", due={Task.SURVEY: NOW + 60}, failures=3)
    assert moved(item, "r1", NOW) == item
    after = moved(item, "r2", NOW)
    assert (after.revision, after.due, after.failures) == ("r2", {Task.SURVEY: NOW}, 0)


def test_other_signers_are_a_reason_to_look_again() -> None:
    """Who vouches for a commit may do so no longer: it is looked at anew, and once that failed, when its time comes."""
    item = Item(key=Key(repository="a"), revision="r1", content="s1", settled="s1")
    assert moved(item, "r1", NOW, signers="s1") == item
    after = moved(item, "r1", NOW, signers="s2")
    assert (after.due, after.content, after.settled) == ({Task.SURVEY: NOW}, "s2", "s1")
    failed = replace(after, due={Task.SURVEY: NOW + 60}, failures=1)
    assert moved(failed, "r1", NOW, signers="s2") == failed
    unknown = moved(replace(item, revision=""), "", NOW, signers="s2")
    assert (unknown.due, unknown.content) == ({}, "s2")


@given(DECLARED, DECLARED)
def test_only_what_changed_is_worked_on(before: list[Declared], after: list[Declared]) -> None:
    """A stack is due when it is new or may be made of something else; nothing else becomes due."""
    first, _ = surveyed({}, survey("r1", *before), NOW, repository="a")
    rested = {each: replace(item, due={}, urgent=False) for each, item in first.items()}
    agenda, gone = surveyed(rested, survey("r2", *after), NOW, repository="a")
    was = {each.stack: each.content for each in before}
    now = {each.stack: each.content for each in after}
    assert {each.stack for each in gone} == was.keys() - now.keys()
    for stack, content in now.items():
        item = agenda[key(stack)]
        same = stack in was and content and was[stack] == content
        assert item.due == ({} if same else {Task.RECONCILE: NOW})
        assert item.revision == "r2"


def test_a_new_revision_ends_what_the_old_one_waited_for() -> None:
    """Failures are of a revision, and so is the waiting for a person."""
    ((_, item),) = _at_rest().items()
    failing = replace(item, failures=4, waits=True, due={Task.RECONCILE: NOW + 900})
    agenda, _ = surveyed(
        {key(): failing}, survey("r2", declared(content="c2")), NOW, repository="a"
    )
    after = agenda[key()]
    assert (after.failures, after.waits, after.urgent) == (0, False, True)
    assert after.due == {Task.RECONCILE: NOW}


def test_another_commit_of_the_same_does_not_hurry_a_failure() -> None:
    """What the stack is made of failed; a commit that is about something else makes it no better."""
    ((_, item),) = _at_rest().items()
    failing = replace(item, failures=4, due={Task.RECONCILE: NOW + 900})
    agenda, _ = surveyed({key(): failing}, survey("r2", declared()), NOW, repository="a")
    assert agenda[key()].due == {Task.RECONCILE: NOW + 900}


def test_a_commit_hurries_what_somebody_else_had_overtaken() -> None:
    """It may be the newer one that was applied, also where it changes nothing of the stack; the same one is not."""
    ((_, item),) = _at_rest().items()
    late = {key(): replace(item, overtaken=6, due={Task.RECONCILE: NOW + 900})}
    agenda, _ = surveyed(late, survey("r1", declared()), NOW, repository="a")
    assert agenda == late
    agenda, _ = surveyed(late, survey("r2", declared()), NOW, repository="a")
    assert (agenda[key()].due, agenda[key()].overtaken) == ({Task.RECONCILE: NOW}, 0)


def test_what_vanished_is_known_by_the_revision_that_had_it_last() -> None:
    """However many follow that do not; one that comes back is known by those that have it."""
    ((_, item),) = _at_rest().items()
    gone = vanished(vanished(item, "r2", NOW), "r3", NOW)
    assert (gone.revision, gone.declared, gone.due) == ("r3", "r1", {Task.DESTROY: NOW})
    agenda, _ = surveyed({key(): gone}, survey("r4", declared()), NOW, repository="a")
    assert vanished(agenda[key()], "r5", NOW).declared == "r4"
    never_seen = Item(key=key(), revision="r2")
    assert vanished(vanished(never_seen, "r2", NOW), "r3", NOW).declared == ""


def test_a_rollout_that_sticks_is_not_waited_for_once_its_stack_left() -> None:
    """A revision that declares it no more goes ahead like any other; what is being taken away goes on."""
    ((_, item),) = _at_rest().items()
    at_work = replace(item, running=Task.RECONCILE, look=NOW + 60)
    assert not hurried(at_work)
    gone = vanished(at_work, "r2", NOW)
    assert hurried(gone)
    assert gone.look == NEVER
    assert not hurried(vanished(replace(item, running=Task.DESTROY), "r2", NOW))
    newer = replace(item, due={Task.RECONCILE: NOW}, urgent=True)
    assert not hurried(newer)
    assert hurried(replace(newer, running=Task.RECONCILE))


def test_what_left_goes_ahead_also_of_a_run_that_came_too_late() -> None:
    """Where all is done once, it has its turn then; what only waits to be taken away goes ahead no further time."""
    ((_, item),) = _at_rest().items()
    gone = vanished(item, "r2", NOW)
    assert gone.urgent
    going = begun(gone, Task.DESTROY, NOW)
    assert not going.urgent
    assert vanished(going, "r3", NOW).urgent
    late = replace(going, running=None, overtaken=1, due={Task.DESTROY: NOW + 5})
    assert vanished(late, "r3", NOW).urgent
    waits = replace(late, overtaken=0, waits=True)
    assert not vanished(waits, "r3", NOW).urgent


def test_what_is_declared_anew_is_taken_away_no_further() -> None:
    """Only what is being taken away is broken off, and not for a revision that does not have it either."""
    ((name, item),) = _at_rest().items()
    going = replace(vanished(item, "r2", NOW), running=Task.DESTROY, due={})
    assert not back(going)
    assert not back(vanished(going, "r3", NOW))
    agenda, _ = surveyed({name: going}, survey("r3", declared(content="c1")), NOW, repository="a")
    assert back(agenda[name])
    assert not back(replace(agenda[name], running=Task.RECONCILE))


def test_an_environment_that_a_file_with_mistakes_lacks_is_left_as_it_is() -> None:
    """Where its environments are a list, say, it seems to declare none but the one that stacks without any have."""
    known = {key(environment="production"): Item(key=key(environment="production"), revision="r1")}
    other = replace(declared(), mistakes="it is a list")
    agenda, gone = surveyed(known, survey("r2", other), NOW, repository="a")
    assert gone == ()
    assert agenda[key(environment="production")] == known[key(environment="production")]


def test_what_is_kept_is_forgotten_once_nothing_is_at_work() -> None:
    """Till then it may come back, and whoever brings it about waits for what is at work; no rollout is waited for."""
    ((name, item),) = _at_rest().items()
    assert left_alone(item, "r2") is None
    leaving = left_alone(replace(item, running=Task.RECONCILE, look=NOW), "r2")
    assert leaving is not None
    assert hurried(leaving)
    assert (leaving.next, leaving.look) == (NEVER, NEVER)
    assert stacks_of({name: leaving}, "a") == ()
    agenda, _ = surveyed({name: leaving}, survey("r3", declared(content="c1")), NOW, repository="a")
    again = agenda[name]
    assert not again.leaving
    assert (again.running, again.due) == (Task.RECONCILE, {Task.RECONCILE: NOW})
    assert stacks_of(agenda, "a") == (name,)


def test_what_leaves_twice_is_known_by_the_revision_that_had_it_last() -> None:
    """It came back while it was being taken away, and left again before that ended."""
    ((name, item),) = _at_rest().items()
    going = replace(vanished(item, "r2", NOW), running=Task.DESTROY, due={})
    agenda, _ = surveyed({name: going}, survey("r3", declared(content="c3")), NOW, repository="a")
    assert vanished(agenda[name], "r4", NOW).declared == "r3"


def test_a_stack_that_cannot_be_read_is_left_as_it_is() -> None:
    """A mistake in its file is no reason to take it for gone."""
    agenda, gone = surveyed(_at_rest(), survey("r2", declared(trouble="no")), NOW, repository="a")
    assert gone == ()
    assert agenda == _at_rest()


def test_the_first_look_hurries_nobody() -> None:
    """When the agent begins, all stacks are due and none goes ahead; a stack that comes later does."""
    agenda, _ = surveyed({}, survey("r1", declared("s")), NOW, repository="a")
    assert not agenda[key("s")].urgent
    agenda, _ = surveyed(agenda, survey("r2", declared("s"), declared("t")), NOW, repository="a")
    assert agenda[key("t")].urgent


def test_an_entry_wakes_who_waits_for_a_person() -> None:
    """An approval, or the end of a suspension, is seen in the next look; others are not disturbed by their ledger."""
    ((name, item),) = _at_rest().items()
    waiting = {name: replace(item, waits=True, due={Task.RECONCILE: NOW + 900})}
    ledgers = {"shop/default": "e1"}
    woken = recorded(waiting, ledgers, {"shop/default": "e2"}, NOW, repository="a")
    assert woken[name].next == NOW
    assert recorded(waiting, ledgers, ledgers, NOW, repository="a") == waiting
    resting = recorded(_at_rest(), ledgers, {"shop/default": "e2"}, NOW, repository="a")
    assert resting[name].next == NEVER
    assert recorded(waiting, {}, {"other/default": "e1"}, NOW, repository="a") == waiting


def test_an_entry_during_a_run_is_remembered_until_the_next() -> None:
    """The run may have read its ledger before; the entry may be its own, too, and is no reason to look again then."""
    ((name, item),) = _at_rest().items()
    agenda = {name: begun(replace(item, waits=True), Task.RECONCILE, NOW)}
    woken = recorded(agenda, {}, {"shop/default": "e2"}, NOW + 1, repository="a")[name]
    assert (woken.stirred, woken.due) == (True, {})
    other = recorded(agenda, {}, {"other/default": "e2"}, NOW + 1, repository="a")[name]
    assert not other.stirred
    resting = recorded({name: item}, {}, {"shop/default": "e2"}, NOW, repository="a")
    assert resting == {name: item}


def test_an_entry_about_what_left_git_has_it_taken_away() -> None:
    """Whoever approved that, or says to go on, means the stack that is no more; one that came back is brought about."""
    ((name, item),) = _at_rest().items()

    def woken(item: Item) -> Mapping[Task, float]:
        waits = {name: replace(item, waits=True)}
        after = recorded(waits, {}, {"shop/default": "e2"}, NOW, repository="a")
        return after[name].due

    assert woken(replace(item, due={Task.DESTROY: NOW + 900})) == {Task.DESTROY: NOW}
    back = replace(item, due={Task.DESTROY: NOW + 900, Task.RECONCILE: NOW + 5})
    assert woken(back)[Task.RECONCILE] == NOW


def test_what_comes_back_to_git_is_not_taken_away() -> None:
    """A stack that was about to be destroyed, or is being, is brought about again, though it is what it was."""
    ((name, item),) = _at_rest().items()
    going = replace(item, due={Task.DESTROY: NOW})
    for before in (going, replace(item, due={}, running=Task.DESTROY)):
        agenda, gone = surveyed({name: before}, survey("r2", declared()), NOW, repository="a")
        assert gone == ()
        assert agenda[name].due == {Task.RECONCILE: NOW}


def test_who_changes_with_every_revision_keeps_its_place() -> None:
    """It is due since the first of those that it was not brought to, so that it has its turn."""
    item = Item(key=key(), revision="r1", content="c1", due={Task.RECONCILE: NOW - 30}, urgent=True)
    after, _ = surveyed({key(): item}, survey("r2", declared(content="c2")), NOW, repository="a")
    assert after[key()].due == {Task.RECONCILE: NOW - 30}
