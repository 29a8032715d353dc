"""Looking at many stacks at once: nobody is passed over, and nobody is disturbed who is seen to anyway."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Item, Key, Task
from orchestrator.agent.decisions.looks import seen, sent, to_look_at
from tests.agent.builders import NOW, key

WHOLE = Item(key=Key(repository="a"), revision="r1")
ITEMS = st.builds(
    Item,
    key=st.builds(key, st.sampled_from("stuv"), st.sampled_from("ab")),
    look=st.sampled_from([NEVER, NOW - 1, NOW + 60, NOW + 3600]),
    waits=st.booleans(),
    running=st.sampled_from([None, None, Task.RECONCILE]),
    due=st.sampled_from(
        [{}, {Task.INFRASTRUCTURE: NOW}, {Task.RECONCILE: NOW}, {Task.DESTROY: NOW}]
    ),
)
MOVES = {Task.RECONCILE, Task.DESTROY}
AGENDAS = st.lists(ITEMS, max_size=8).map(lambda items: _agenda(*items))


def _agenda(*items: Item) -> Agenda:
    return {item.key: item for item in (WHOLE, *items)}


def _resting(stack: str, look: float) -> Item:
    return Item(key=key(stack), look=look)


@given(AGENDAS)
def test_whose_time_has_come_is_looked_at(agenda: Agenda) -> None:
    """Of one repository, and none that is being worked on, is about to be, or waits for a person."""
    keys = to_look_at(agenda, "a", NOW)
    for name in keys:
        item = agenda[name]
        assert name.repository == "a"
        assert item.look <= NOW + 120
        assert not item.running
        assert not item.waits
        assert not MOVES & item.due.keys()
    free = [
        item
        for item in agenda.values()
        if item.look <= NOW and not (item.running or item.waits or MOVES & item.due.keys())
    ]
    assert {item.key for item in free if item.key.repository == "a"} <= set(keys)


def test_those_whose_time_is_near_go_along() -> None:
    """One child looks at them all; nobody is looked at only because somebody else could be."""
    near, far = _resting("near", NOW + 60), _resting("far", NOW + 3600)
    agenda = _agenda(_resting("due", NOW), near, far)
    assert to_look_at(agenda, "a", NOW) == (key("due"), key("near"))
    assert to_look_at(_agenda(near, far), "a", NOW) == ()


def test_nothing_is_looked_at_while_a_revision_is_read() -> None:
    """What a stack should be is about to change."""
    reading = Item(key=WHOLE.key, running=Task.SURVEY)
    assert to_look_at({**_agenda(_resting("due", NOW)), WHOLE.key: reading}, "a", NOW) == ()


def test_revisions_that_come_fast_hold_up_no_look() -> None:
    """Who waited for one to be read is looked at while the next one is, with those of the same revision alone."""
    reading = Item(key=WHOLE.key, revision="r3", running=Task.SURVEY, started=NOW - 10)
    waited, late = _resting("waited", NOW - 20), _resting("late", NOW - 5)
    older = replace(_resting("older", NOW - 15), revision="r0")
    agenda = {**_agenda(waited, older, late, _resting("near", NOW + 60)), WHOLE.key: reading}
    assert to_look_at(agenda, "a", NOW) == (key("late"), key("waited"))
    assert to_look_at({**_agenda(late), WHOLE.key: reading}, "a", NOW) == ()


@given(AGENDAS, st.floats(0, 1, exclude_max=True))
def test_the_next_look_is_planned_at_once(agenda: Agenda, lot: float) -> None:
    """Whatever becomes of a child, those that it looks at have their next turn."""
    keys = to_look_at(agenda, "a", NOW)
    after = sent(agenda, dict.fromkeys(keys, 300.0), NOW, lot=lot)
    assert all(NOW + 200 < after[name].look < NOW + 400 for name in keys)
    assert to_look_at(after, "a", NOW) == ()


@given(AGENDAS)
def test_who_went_astray_is_seen_to(agenda: Agenda) -> None:
    """Unless somebody is at it, or it is gone."""
    gone = key("gone")
    after = seen(agenda, {*agenda, gone}, NOW)
    assert gone not in after
    for name, item in agenda.items():
        busy = item.running or item.waits or MOVES & item.due.keys()
        assert (Task.WORKLOADS in after[name].due) == (not busy)
