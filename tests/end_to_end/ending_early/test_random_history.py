"""Whatever is committed, in whatever order, and whatever dies in between: at the end what runs is what Git says."""

import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.ending_early.histories import History, Wanted
from tests.end_to_end.ending_early.looking import seen_by_kubectl, seen_by_terraform
from tests.end_to_end.ending_early.places import PLACES, Place
from tests.end_to_end.ending_early.points import KILL, POWER, points_of
from tests.end_to_end.stacks import Document
from tests.end_to_end.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_MANY = range(1000, 1300)
_KEPT = ("shared", "alone", "shared", "directory", "shared", "alone", "shared", "cluster")
_LAST_POINT, _MORE_POINTS = (
    70,
    110,
)  # that a run of such a stack has, or a little more: alone, with a remote
_STRIKES = (
    ("instead", KILL),
    ("after", KILL),
    ("after", POWER),
    ("before", 'kill -INT "$1"'),
    ("after", 'kill -TERM "$1"'),
)
_ENDINGS = {0, 130, -signal.SIGKILL}  # a run may be over before the point is reached


@pytest.fixture
def place(
    request: pytest.FixtureRequest, world: World, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Place]:
    """Return where the stack is kept, as the parameter says, and the clones that it is applied from."""
    with (
        points_of(world, tmp_path / "points", sandbox.kubeconfig) as points,
        PLACES[request.param](points, tmp_path) as found,
    ):
        yield found


@pytest.mark.parametrize("place", ["alone"], indirect=True)
def test_what_runs_is_what_git_says(place: Place) -> None:
    """After every commit; what stays keeps its identity, and a second apply finds nothing to do."""
    _live_through(place, Random(2), commits=5, crashes=0.0)


@pytest.mark.parametrize("place", ["shared"], indirect=True)
def test_what_runs_is_what_git_says_although_runs_die(place: Place) -> None:
    """A run that is stopped or killed anywhere is finished by the next one, of whichever clone; nothing is orphaned."""
    _live_through(place, Random(3), commits=4, crashes=0.8)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("place", "seed"),
    [(_KEPT[seed % len(_KEPT)], seed) for seed in _MANY],
    indirect=["place"],
)
def test_many_histories_with_crashes(place: Place, seed: int) -> None:
    """The same for hundreds of them: additions, removals, moves, changes, reverts, and runs that die.

    Half of them are lived through in two clones of one remote, the others with each of the other stores.
    """
    random = Random(seed)
    _live_through(place, random, commits=random.randint(2, 5), crashes=0.6, kubectl=True)
    assert seen_by_kubectl(place) == {}


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("place", "seed"),
    [("shared", 100), ("alone", 101), ("shared", 102), ("directory", 103)],
    indirect=["place"],
)
def test_long_histories_with_crashes(place: Place, seed: int) -> None:
    """The same over many commits of one stack."""
    _live_through(place, Random(seed), commits=50, crashes=0.4, kubectl=True)


def _live_through(
    place: Place, random: Random, *, commits: int, crashes: float, kubectl: bool = False
) -> None:
    """Live through a history, and destroy it; ``kubectl``, which few machines have, is asked in the end, too."""
    history = History(place=place)
    before: dict[str, Document] = {}
    for index in range(commits):
        for _ in range(1 if index else 3):  # of something that is worth changing
            history.go_on(random)
        crashed = random.random() < crashes
        if crashed:
            _crash(place, random, *_agreeing(history.wanted))
            if random.random() < 0.5:  # Git may have gone on by the time of the next run
                history.go_on(random)
        random.choice(place.clones).apply(*_agreeing(history.wanted))
        before = _check(place, history.wanted, before, crashed=crashed)
        if index % 10 == 9:
            _check_that_nothing_is_left_to_do(place, random, history.wanted)
    _check_that_nothing_is_left_to_do(place, random, history.wanted)
    _check_by_terraform(place, history.wanted)
    if kubectl:
        _check_by_kubectl(place, history.wanted)
    world = random.choice(place.clones)
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    _check(place, Wanted(), {}, crashed=False)
    assert all(record.state["inventory"] == [] for record in place.ledger.records()[-1:])
    assert not place.ledger.locked()
    assert not list((world.root / ".orchestrator" / "units").rglob("inputs-*"))
    assert world.left_behind() == []


def _agreeing(wanted: Wanted) -> tuple[str, ...]:
    """Return the options that agree to what a commit may bring about."""
    return ("--allow-deferred", *(() if wanted.units() else ("--acknowledge", "empty")))


def _check_that_nothing_is_left_to_do(place: Place, random: Random, wanted: Wanted) -> None:
    entries, world = place.entries(), random.choice(place.clones)
    world.apply()
    assert place.entries() == entries
    status = world.run("status", world.name, "--output", "json").json
    assert {unit["unit"] for unit in status["units"]} == wanted.units()
    assert {unit["outcome"] for unit in status["units"]} <= {"applied", "unchanged"}
    assert status["unfinished"] == status["lock"] == ""


def _check_by_terraform(place: Place, wanted: Wanted) -> None:
    """Ask the engine itself what each module has."""
    listed = seen_by_terraform(place)
    assert {module for module, found in listed.items() if found} == wanted.modules.keys()
    assert all(listed[module] == ["terraform_data.echo"] for module in wanted.modules)


def _check_by_kubectl(place: Place, wanted: Wanted) -> None:
    """Ask kubectl what the cluster has."""
    assert {name: item["data"] for name, item in seen_by_kubectl(place).items()} == {
        f"ConfigMap/{name}": data for name, (_, data) in wanted.live().items()
    }


def _crash(place: Place, random: Random, *options: str) -> None:
    """Start an apply, and let it be stopped or killed at some point; it may be done by then."""
    moment, act = random.choice(_STRIKES)
    last = _MORE_POINTS if place.remote else _LAST_POINT
    world, points = random.choice(place.clones), place.points
    points.strike_at(f"any {random.randint(1, last)} {moment}", act)
    ended = world.run("apply", world.name, "--yes", *options)
    place.await_end()
    points.clear()
    assert ended.code in _ENDINGS, ended.said


def _check(
    place: Place,
    wanted: Wanted,
    before: dict[str, Document],
    *,
    crashed: bool,
) -> dict[str, Document]:
    """Compare all that there is with what is wanted, and return the live objects."""
    live = place.points.world.live()
    units = {
        name: (_unit(item).removeprefix("manifests."), item["data"]) for name, item in live.items()
    }
    assert units == wanted.live()
    _check_untouched(live, before, crashed=crashed)
    assert {
        name: resources["terraform_data.echo"]["output"]["value"]
        for name, resources in place.resources().items()
    } == {name: wanted.text_of(name) for name in wanted.modules}
    return live


def _check_untouched(
    live: dict[str, Document], before: dict[str, Document], *, crashed: bool
) -> None:
    """Check that what stays was not made again, and what is the same was not even written."""
    for name in live.keys() & before.keys():
        now, then = live[name], before[name]
        assert now["metadata"]["uid"] == then["metadata"]["uid"] or crashed
        if (now["data"], _unit(now)) == (then["data"], _unit(then)) and not crashed:
            assert now["metadata"]["resourceVersion"] == then["metadata"]["resourceVersion"]


def _unit(live: Document) -> str:
    unit: str = live["metadata"]["annotations"]["orchestrator/unit"]
    return unit
