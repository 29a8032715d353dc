"""Which shard a stack is in, and who is to have it."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import Item, Key, Task
from orchestrator.agent.replicas.shards import SHARDS, assigned, shard_of
from orchestrator.agent.replicas.share import regained

_MEMBERS = st.frozensets(st.sampled_from([f"host-{number}" for number in range(20)]), min_size=1)
_HOLDERS = st.dictionaries(
    st.integers(0, SHARDS - 1), st.sampled_from([f"host-{number}" for number in range(20)])
)


def test_all_environments_of_a_stack_are_in_one_shard_and_stacks_in_all() -> None:
    """A stack is one replica's business, and many stacks are everybody's."""
    keys = [Key(repository="r", stack=f"s{number}", environment="a") for number in range(400)]
    other = [Key(repository="r", stack=key.stack, environment="b") for key in keys]
    assert [shard_of(key) for key in keys] == [shard_of(key) for key in other]
    assert {shard_of(key) for key in keys} == set(range(SHARDS))
    assert shard_of(Key(repository="r", stack="s")) == 15, "what replicas of all versions agree on"


@given(_HOLDERS, _MEMBERS)
def test_each_shard_goes_to_one_who_lives_and_all_have_the_same(
    holders: dict[int, str], living: frozenset[str]
) -> None:
    """Nothing is left out, nothing is with the dead, and nobody has two more than another."""
    found = assigned(holders, living)
    counts = Counter(dict.fromkeys(living, 0))
    counts.update(found.values())
    assert found.keys() == set(range(SHARDS))
    assert counts.keys() == living
    assert max(counts.values()) - min(counts.values()) <= 1


@given(_MEMBERS, st.data())
def test_a_death_moves_nothing_but_what_the_dead_had(
    living: frozenset[str], data: st.DataObject
) -> None:
    """Who lives keeps all it has; what is agreed stays agreed."""
    before = assigned({}, living)
    assert assigned(before, living) == before
    dead = data.draw(st.sampled_from(sorted(living)))
    after = assigned(before, living - {dead})
    assert all(after[shard] == holder for shard, holder in before.items() if holder != dead) or (
        living == {dead}
    )


@given(_MEMBERS)
def test_a_newcomer_gets_its_share_and_nobody_else_anything(living: frozenset[str]) -> None:
    """What changes hands goes to who came."""
    before = assigned({}, living)
    after = assigned(before, {*living, "new"})
    moved = {shard: holder for shard, holder in after.items() if holder != before[shard]}
    assert set(moved.values()) <= {"new"}
    assert len(moved) >= SHARDS // (len(living) + 1)


def test_nobody_living_gets_nothing() -> None:
    """Without anybody there is nothing to divide."""
    assert assigned({1: "a"}, ()) == {}


def test_what_is_taken_away_is_not_brought_back_by_whoever_gets_it() -> None:
    """A revision that declares a stack no more has nothing of it to bring about; all else is looked at."""
    one = Key(repository="r", stack="s", environment="a")
    rests, due = Item(key=one), Item(key=one, due={Task.DESTROY: 1.0})
    going = Item(key=one, running=Task.DESTROY)
    for item, tasks in ((rests, {Task.RECONCILE}), (due, {Task.DESTROY}), (going, set[Task]())):
        assert regained({one: item}, [shard_of(one)], 2.0)[one].due.keys() == tasks
