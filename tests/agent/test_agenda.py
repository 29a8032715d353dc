"""What comes first: rules for every agenda, found by generated ones."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import (
    NEVER,
    Agenda,
    Item,
    Key,
    Task,
    begun,
    believed,
    chosen,
    first_task,
    idle,
    next_moment,
)

relaxed = settings(deadline=None, max_examples=60)
NOW = 1000.0
MOMENTS = st.sampled_from([0.0, 390.0, 900.0, NOW, NOW + 1, NEVER])
ITEMS = st.builds(
    lambda key, due, urgent, started, running: Item(
        key=key, due=due, urgent=urgent, started=started, running=running
    ),
    st.builds(
        lambda repository, stack: Key(repository=repository, stack=stack, environment="default"),
        st.sampled_from("ab"),
        st.sampled_from("stuvw"),
    ),
    st.dictionaries(st.sampled_from(list(Task)), MOMENTS, max_size=3),
    st.booleans(),
    st.sampled_from([-NEVER, 10.0, 20.0]),
    st.sampled_from([None, None, Task.RECONCILE]),
)
AGENDAS = st.lists(ITEMS, max_size=8).map(lambda items: {item.key: item for item in items})


def _key(stack: str, repository: str = "a") -> Key:
    return Key(repository=repository, stack=stack, environment="default")


def _due(stack: str, at: float = 900.0, repository: str = "a", *, urgent: bool = False) -> Item:
    key = _key(stack, repository)
    return Item(key=key, due={Task.WORKLOADS: at}, urgent=urgent, started=0.0)


def _agenda(*items: Item) -> Agenda:
    return {item.key: item for item in items}


def test_nothing_is_begun_for_which_nobody_vouches_any_more() -> None:
    """Until a commit was taken by the new list of signers, only the repository is looked at; others go on."""
    whole = Item(key=Key(repository="a"), due={Task.SURVEY: NOW}, content="new", settled="old")
    working = replace(_due("t"), running=Task.RECONCILE)
    agenda = _agenda(whole, _due("s"), working, _due("s", repository="b"))
    left = believed(agenda)
    assert left.keys() == {whole.key, working.key, _key("s", "b")}
    taken = {**agenda, whole.key: replace(whole, settled="new")}
    assert believed(taken) == taken


@relaxed
@given(AGENDAS, st.integers(1, 4))
def test_nothing_is_begun_twice_too_early_or_by_too_many(agenda: Agenda, workers: int) -> None:
    """What begins is due, is not being worked on, and there is somebody to do it."""
    starts = list(chosen(agenda, NOW, workers=workers))
    running = [item for item in agenda.values() if item.running]
    assert len({start.key for start in starts}) == len(starts)
    for start in starts:
        assert agenda[start.key].running is None
        assert agenda[start.key].due[start.task] <= NOW
    urgent = [start for start in starts if agenda[start.key].urgent]
    assert len(running) + len(starts) - len(urgent) <= max(workers, len(running))
    assert len(running) + len(starts) <= max(2 * workers, len(running))


@relaxed
@given(AGENDAS)
def test_nobody_rests_while_something_is_due(agenda: Agenda) -> None:
    """Every free worker has something to do as long as there is anything to do."""
    waiting = [item for item in agenda.values() if not item.running and item.next <= NOW]
    starts = list(chosen(agenda, NOW, workers=20))
    assert {start.key for start in starts} == {item.key for item in waiting}
    assert (next_moment(agenda) <= NOW) == bool(waiting)
    assert idle(agenda, NOW) == (not waiting and not any(i.running for i in agenda.values()))


@relaxed
@given(st.lists(st.sampled_from("stuvw"), min_size=2, max_size=5, unique=True), st.integers(1, 3))
def test_who_always_has_something_to_do_delays_nobody(stacks: list[str], workers: int) -> None:
    """Though each is due again as soon as it is done, between two turns of one all others have theirs."""
    agenda = _agenda(*(_due(stack) for stack in stacks))
    turns: list[str] = []
    for moment in range(40):
        starts = list(chosen(agenda, NOW + moment, workers=workers))
        turns += [start.key.stack for start in starts]
        for start in starts:
            item = begun(agenda[start.key], start.task, NOW + moment)
            again = Item(key=item.key, due={Task.WORKLOADS: 900.0}, started=item.started)
            agenda = {**agenda, item.key: again}
    for first in range(len(turns) - 2 * len(stacks)):
        assert set(turns[first : first + 2 * len(stacks)]) == set(stacks)


def test_a_new_revision_goes_ahead() -> None:
    """What a new revision makes due is begun before what is due for longer."""
    agenda = _agenda(_due("old", 500.0), _due("new", NOW, urgent=True))
    assert [start.key.stack for start in chosen(agenda, NOW, workers=1)] == ["new"]


def test_a_new_revision_finds_somebody_though_all_are_busy() -> None:
    """Runs that wait for other stacks to become healthy do not hold up a new revision; they do hold up the rest."""
    busy = [begun(_due(stack), Task.WORKLOADS, 10.0) for stack in "stu"]
    agenda = _agenda(*busy, _due("old"), _due("new", urgent=True))
    assert [start.key.stack for start in chosen(agenda, NOW, workers=3)] == ["new"]


def test_new_revisions_do_not_starve_the_rest() -> None:
    """What has waited for ten minutes counts as much as a new revision."""
    waited = _due("waited", NOW - 601)
    fresh = [
        Item(key=_key(name), due={Task.RECONCILE: NOW}, urgent=True, started=5.0) for name in "st"
    ]
    assert next(chosen(_agenda(waited, *fresh), NOW, workers=1)).key.stack == "waited"


def test_a_small_repository_is_not_held_up_by_a_large_one() -> None:
    """Workers go to the repository that has the fewest."""
    large = [_due(stack, 800.0) for stack in "stuvw"]
    small = _due("x", 999.0, "b")
    starts = list(chosen(_agenda(*large, small), NOW, workers=2))
    assert {start.key.repository for start in starts} == {"a", "b"}


def test_the_whole_comes_before_its_parts() -> None:
    """A stack that is due for a new revision and for drift is brought to the revision: that looks at all."""
    item = Item(key=_key("s"), due={Task.WORKLOADS: 1.0, Task.RECONCILE: 2.0})
    assert first_task(item, NOW) is Task.RECONCILE
    assert Task.WORKLOADS in begun(item, Task.RECONCILE, NOW).due


def test_a_revision_is_looked_at_before_its_stacks_are_worked_on() -> None:
    """What is due of a repository waits while a new revision of it is read; that of others does not."""
    whole = Item(key=Key(repository="a"), due={Task.SURVEY: NOW})
    agenda = _agenda(whole, _due("s"), _due("t", repository="b"))
    starts = {str(start.key) for start in chosen(agenda, NOW, workers=4)}
    assert starts == {"a", "b: t/default"}
    reading = _agenda(begun(whole, Task.SURVEY, NOW), _due("s"))
    assert list(chosen(reading, NOW, workers=4)) == []
    failed = Item(key=whole.key, due={Task.SURVEY: NOW + 60})
    assert [start.key.stack for start in chosen(_agenda(failed, _due("s")), NOW, workers=4)] == [
        "s"
    ]


@relaxed
@given(st.integers(1, 4), st.integers(1, 12), st.booleans())
def test_revisions_that_come_faster_than_they_are_read_hold_up_nobody(
    workers: int,
    stacks: int,
    urgent: bool,  # noqa: FBT001 - what a generator gives
) -> None:
    """Each look is followed by the next, and still every stack has its turn between them, though each look anew."""
    whole = Item(key=Key(repository="a"), due={Task.SURVEY: NOW}, urgent=True)
    items = [_due(f"s{number}", NOW, urgent=urgent) for number in range(stacks)]
    agenda, looks, turns = _agenda(whole, *items), 0, set[Key]()
    for moment in range(3 + 2 * stacks):
        now = NOW + 10 * moment
        for start in chosen(agenda, now, workers=workers):
            assert not agenda[whole.key].running, "nothing is begun while a revision is read"
            agenda = {**agenda, start.key: begun(agenda[start.key], start.task, now)}
            looks += start.task is Task.SURVEY
            turns |= {start.key} - {whole.key}
        for key, item in agenda.items():  # all is done by the next moment, and the branch moved
            again = {Task.SURVEY: now + 5} if key == whole.key else {}
            moved = key == whole.key or item.urgent
            agenda = {
                **agenda,
                key: replace(item, running=None, due=item.due or again, urgent=moved),
            }
    assert len(turns) == stacks
    assert looks >= stacks // 2
