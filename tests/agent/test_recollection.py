"""What the agent keeps from one start to the next, whatever the clocks do meanwhile."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import NEVER, Agenda, Item, Key, Task
from orchestrator.agent.decisions.recollection import recalled, remembered
from orchestrator.agent.verdicts import End, Verdict, Waits
from orchestrator.stack.model import Json
from tests.agent.builders import NOW, key

WALL = 1_800_000_000.0
LONGEST = 86_400.0
ITEMS = st.builds(
    Item,
    key=st.builds(key, st.sampled_from("stuv")),
    revision=st.sampled_from(["r1", "r2"]),
    content=st.sampled_from(["", "c1"]),
    attempted=st.sampled_from(["", "c1"]),
    settled=st.sampled_from(["", "c1"]),
    declared=st.sampled_from(["", "r0"]),
    failures=st.integers(0, 9),
    look=st.sampled_from([NEVER, NOW + 60]),
    due=st.dictionaries(
        st.sampled_from([Task.RECONCILE, Task.WORKLOADS, Task.INFRASTRUCTURE]),
        st.sampled_from([NOW, NOW + 60, NOW + 3600]),
    ),
)
AGENDAS = st.lists(ITEMS, max_size=4).map(lambda items: {item.key: item for item in items})


def _kept(agenda: Agenda, verdicts: dict[Key, Verdict] | None = None) -> Json:
    found: Json = json.loads(json.dumps(remembered(agenda, verdicts or {}, now=NOW, wall=WALL)))
    return found


@settings(deadline=None)
@given(AGENDAS, st.sampled_from([0.0, 30.0, 1e6]), st.floats(0, 1e6))
def test_what_was_known_is_known_again(agenda: Agenda, later: float, now: float) -> None:
    """After a pause each thing is due when it was, or at once when that is over; the other clock begins anew."""
    found, _ = recalled(_kept(agenda), now=now, wall=WALL + later, longest=LONGEST)
    assert found.keys() == agenda.keys()
    for name, item in agenda.items():
        again = found[name]
        assert replace(again, due={}, look=0.0) == replace(item, due={}, look=0.0)
        assert (again.look < NEVER) == (item.look < NEVER)
        for task, at in item.due.items():
            assert abs(again.due[task] - (now + max(at - NOW - later, 0.0))) < 1


@settings(deadline=None)
@given(AGENDAS, st.floats(-1e10, 1e10))
def test_a_clock_that_was_set_puts_nothing_off_for_ever(agenda: Agenda, jump: float) -> None:
    """However wrong the time of day was, or is, everything is due within the longest that anything waits."""
    found, _ = recalled(_kept(agenda), now=NOW, wall=WALL + jump, longest=LONGEST)
    times = [at for item in found.values() for at in item.due.values()]
    assert all(NOW <= at <= NOW + LONGEST for at in times)


def test_what_was_broken_off_or_waits_is_due_at_once() -> None:
    """What somebody may have agreed to meanwhile is looked at, and what was being done is done again."""
    working = Item(key=key("s"), running=Task.DESTROY)
    waiting = Item(key=key("t"), waits=True, due={Task.RECONCILE: NOW + 900})
    surveyed = Item(key=Key(repository="a"), revision="r1", running=Task.SURVEY)
    found, _ = recalled(
        _kept({each.key: each for each in (working, waiting, surveyed)}),
        now=5.0,
        wall=WALL,
        longest=LONGEST,
    )
    assert found[key("s")].next == found[key("t")].next == 5.0
    assert (found[key("s")].running, list(found[key("s")].due)) == (None, [Task.DESTROY])
    assert (found[surveyed.key].revision, found[surveyed.key].next) == ("", NEVER)


def test_how_it_ended_is_known_again() -> None:
    """A run in which a failed stack is not due does not end as if all were well."""
    item = Item(key=key())
    held = Verdict(
        end=End.HELD, message="no", revision="r0", digest="d", drift=2, waits=Waits.APPROVAL
    )
    verdicts = {item.key: replace(held, detail="more than is kept", hint="ask")}
    _, found = recalled(_kept({item.key: item}, verdicts), now=NOW, wall=WALL, longest=LONGEST)
    assert found[item.key] == held


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=40)
@given(JSON, st.sampled_from(["due", "verdict", "failures", "key", "items", "format"]), JSON)
def test_whatever_is_read_the_agent_begins(document: Json, name: str, other: Json) -> None:
    """A file that is torn, or of another version, is no reason not to begin."""
    recalled(document, now=NOW, wall=WALL, longest=LONGEST)
    good = remembered({key(): Item(key=key(), due={Task.RECONCILE: NOW})}, {}, now=NOW, wall=WALL)
    items = good["items"]
    assert isinstance(items, list)
    first = items[0]
    assert isinstance(first, dict)
    recalled({**good, "items": [{**first, name: other}]}, now=NOW, wall=WALL, longest=LONGEST)
    recalled({**good, name: other}, now=NOW, wall=WALL, longest=LONGEST)


def test_what_left_git_while_it_ran_is_only_taken_away() -> None:
    """What the agent was at when it ended is nothing to go on with, where the revision declares the stack no more."""
    item = Item(key=key(), revision="r2", declared="r1", due={Task.DESTROY: NOW})
    going = {item.key: replace(item, running=Task.RECONCILE)}
    found, _ = recalled(_kept(going), now=NOW, wall=WALL, longest=LONGEST)
    assert found[item.key].due == {Task.DESTROY: NOW}


def test_what_came_back_while_it_was_taken_away_is_only_brought_about() -> None:
    """Taking it away at a revision that declares it would end as if nothing were left, and it would be forgotten."""
    item = Item(key=key(), revision="r3", due={Task.RECONCILE: NOW}, running=Task.DESTROY)
    found, _ = recalled(_kept({item.key: item}), now=NOW, wall=WALL, longest=LONGEST)
    assert found[item.key].due == {Task.RECONCILE: NOW}


def test_what_leaves_and_is_kept_is_not_remembered() -> None:
    """The revision does not declare it: it is there only until its run ends, which it did."""
    item = Item(key=key(), revision="r2", running=Task.RECONCILE, leaving=True)
    assert recalled(_kept({item.key: item}), now=NOW, wall=WALL, longest=LONGEST) == ({}, {})
