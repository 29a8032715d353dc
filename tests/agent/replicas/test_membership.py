"""Replicas among themselves, on Leases in memory, by clocks that are wrong and with requests that hang."""

from dataclasses import dataclass, field
from random import Random
from threading import Semaphore

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.replicas.leases import Member
from orchestrator.agent.replicas.liveness import Pace
from orchestrator.agent.replicas.membership import Membership
from orchestrator.agent.replicas.shards import SHARDS, shard_of
from orchestrator.processes import Stop
from tests.agent.replicas.memory import MemoryLeases

_LEASE = 15.0
_KEYS = {
    shard_of(key): key
    for key in (Key(repository="shop", stack=f"s{number}") for number in range(200))
}


@dataclass(slots=True)
class _World:
    """Some replicas, each with a clock of its own; ``lively`` is whether requests may take long and cross."""

    chance: Random
    lively: bool = True
    now: float = 0.0
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    replicas: dict[str, Membership] = field(default_factory=dict)
    busy: dict[str, set[int]] = field(default_factory=dict)
    turning: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.leases.asked = self._asked

    def join(self, name: str) -> None:
        """Add a replica whose clock shows something else, and goes a little faster or slower."""
        offset, pace = self.chance.uniform(-1e6, 1e6), self.chance.uniform(0.98, 1.02)
        self.busy[name] = set()
        self.replicas[name] = Membership(
            leases=self.leases,
            agent="keeper",
            myself=Member(name=f"h_{name}"),
            pace=Pace(lease=_LEASE),
            stop=Stop(),
            reading=lambda: offset + pace * self.now,
        )

    def step(self) -> None:
        """Let time pass, and let somebody do something."""
        self.now += self.chance.uniform(0.0, 3.0)
        self._somebody()
        self.check()

    def check(self) -> None:
        """Hold that nobody works, or may begin to, at what another one may."""
        held: set[int] = set()
        for name, replica in self.replicas.items():
            busy = [_KEYS[shard] for shard in self.busy[name]]
            share = replica.exchange(busy)
            assert share.begin is not None
            assert share.held is not None
            assert share.begin <= share.held
            self.busy[name] &= share.held  # what is not held any more is broken off
            assert not held & share.held, f"two have {held & share.held}"
            held |= share.held
            self.busy[name] |= {shard for shard in share.begin if self.chance.random() < 0.05}
            self.busy[name] -= {shard for shard in self.busy[name] if self.chance.random() < 0.3}

    def _somebody(self) -> None:
        idle = sorted(self.replicas.keys() - self.turning)
        if not idle:
            return
        name = self.chance.choice(idle)
        self.turning.add(name)
        self.replicas[name].attempt()
        self.turning.discard(name)

    def _asked(self) -> None:
        """Between a request and its answer much may happen, or nothing for long."""
        if not self.lively:
            return
        self.now += self.chance.choice((0.0, 0.01, 0.1, 1.0, 9.0, 20.0))
        if self.chance.random() < 0.2 and len(self.turning) < len(self.replicas) - 1:
            self._somebody()
        self.check()


def _settle(world: _World, seconds: float) -> None:
    """Let everybody renew as often as they do, without trouble, for so long."""
    world.lively = False
    end = world.now + seconds
    while world.now < end:
        for replica in world.replicas.values():
            replica.attempt()
        world.check()
        world.now += Pace(lease=_LEASE).look


def _shares(world: _World) -> dict[str, int]:
    shares = {name: replica.exchange(()).begin for name, replica in world.replicas.items()}
    return {name: len(share or ()) for name, share in shares.items()}


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 2**32))
def test_no_two_ever_have_the_same_shard(seed: int) -> None:
    """However requests hang and cross, replicas pause, come and die, and whatever their clocks show."""
    _live(Random(seed))


@pytest.mark.soak
@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32))
def test_no_two_ever_have_the_same_shard_for_long(seed: int) -> None:
    """The same, many times over."""
    _live(Random(seed))


def _live(chance: Random) -> None:
    world = _World(chance=chance)
    for number in range(3):
        world.join(f"r{number}")
    for number in range(25):
        if chance.random() < 0.1 and len(world.replicas) > 1:
            del world.replicas[chance.choice(sorted(world.replicas))]
        if chance.random() < 0.1:
            world.join(f"n{number}")
        world.step()
    _settle(world, 4 * _LEASE)
    world.busy = {name: set() for name in world.replicas}
    _settle(world, _LEASE)
    shares = _shares(world)
    assert sum(shares.values()) == SHARDS, shares
    assert max(shares.values()) - min(shares.values()) <= 1


def test_who_lives_takes_over_within_thirty_seconds() -> None:
    """By default a death costs less than half a minute, counted from the last renewal of who died."""
    assert Pace().lease == _LEASE
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    world.join("b")
    _settle(world, 60.0)
    assert _shares(world) == {"a": SHARDS // 2, "b": SHARDS // 2}
    died = world.now
    del world.replicas["a"]
    while _shares(world) != {"b": SHARDS}:
        world.now += Pace().look
        world.replicas["b"].attempt()
        assert world.now - died < 30.0
    assert world.now - died > _LEASE / 2


def test_who_falls_silent_has_stopped_before_anybody_takes_over() -> None:
    """A replica that cannot renew holds nothing any more some time before the others take it for dead."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    world.join("b")
    _settle(world, 60.0)
    stopped = taken = 0.0
    while not taken:
        world.now += 0.25
        world.replicas["b"].attempt()
        world.check()
        held = world.replicas["a"].exchange(()).held
        stopped = stopped or (world.now if not held else 0.0)
        taken = world.now if _shares(world)["b"] == SHARDS else 0.0
    assert 0.0 < stopped < taken - _LEASE / 5


def test_who_leaves_is_followed_at_once() -> None:
    """A replica that ends says so: nobody waits for its Lease to run out, and it is cleared away."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    world.join("b")
    _settle(world, 60.0)
    world.replicas.pop("a").leave()
    world.replicas["b"].attempt()
    assert _shares(world) == {"b": SHARDS}
    assert "keeper.member-a" not in world.leases.objects


def test_what_is_at_work_is_not_given_away() -> None:
    """A newcomer waits for its share until what is at work there has ended."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    _settle(world, 20.0)
    first = world.replicas["a"]
    first.exchange(_KEYS.values())
    world.join("b")
    second = world.replicas["b"]
    for _ in range(5):
        second.attempt()
        first.attempt()
        share = first.exchange(_KEYS.values())
        assert len(share.held or ()) == SHARDS
        assert len(share.begin or ()) == SHARDS // 2
    assert second.exchange(()).held == frozenset()
    first.exchange(())
    first.attempt()
    second.attempt()
    assert _shares(world) == {"a": SHARDS // 2, "b": SHARDS // 2}


def test_a_round_costs_two_requests() -> None:
    """While nothing moves, a replica writes its own Lease and reads them all, and nothing else."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    _settle(world, 20.0)
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    world.leases.asked = count
    world.replicas["a"].attempt()
    assert asked == 4, "each asks before and after"


def test_what_one_is_told_the_others_hear_once() -> None:
    """A webhook that came to one replica makes all of them look."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    world.join("b")
    _settle(world, 20.0)
    world.replicas["a"].tell("shop")
    _settle(world, 5.0)
    assert world.replicas["b"].exchange(()).told == ("shop",) or world.busy
    world.replicas["a"].tell("shop")
    world.replicas["a"].attempt()
    world.replicas["b"].attempt()
    assert world.replicas["b"].exchange(()).told == ("shop",)
    assert world.replicas["b"].exchange(()).told == ()
    assert world.replicas["a"].exchange(()).told == ()


def test_the_long_dead_are_cleared_away() -> None:
    """What replicas leave behind that died does not grow forever."""
    world = _World(chance=Random(1), lively=False)
    world.join("a")
    world.join("b")
    _settle(world, 20.0)
    del world.replicas["b"]
    _settle(world, 25 * _LEASE)
    assert "keeper.member-b" not in world.leases.objects


@pytest.mark.timeout(20)
def test_what_nobody_foresaw_ends_no_replica() -> None:
    """A bug of ours, or an answer that makes no sense, is a trouble like any other: it goes on renewing."""
    world, asked = _World(chance=Random(1), lively=False), Semaphore(0)
    world.join("a")

    def fail() -> None:
        world.leases.asked = asked.release
        asked.release()
        raise LookupError("a label")

    world.leases.asked = fail
    with world.replicas["a"].taking_part():
        asked.acquire()
        world.replicas["a"].tell("shop")  # so that it does not wait
        asked.acquire()
    assert world.leases.writes
