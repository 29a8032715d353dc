"""Whatever is committed, in whatever order, and whatever dies in between: at the end what runs is what Git says."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from orchestrator.infrastructure.binary import find_binary
from orchestrator.sandbox import Sandbox
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.end_to_end.ending_early.histories import History, Wanted
from tests.end_to_end.ending_early.points import KILL, POWER, Points, points_of
from tests.end_to_end.ending_early.sides import records
from tests.end_to_end.stacks import Document
from tests.end_to_end.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_MANY = range(1000, 1300)
_LAST_POINT = 70  # that a run of such a stack has, or a little more
_STRIKES = (
    ("instead", KILL),
    ("after", KILL),
    ("after", POWER),
    ("before", 'kill -INT "$1"'),
    ("after", 'kill -TERM "$1"'),
)
_ENDINGS = {0, 130, -signal.SIGKILL}  # a run may be over before the point is reached


@pytest.fixture
def points(world: World, sandbox: Sandbox, tmp_path: Path) -> Iterator[Points]:
    """Return the points of a world's runs."""
    with points_of(world, tmp_path / "points", sandbox.kubeconfig) as found:
        yield found


def test_what_runs_is_what_git_says(points: Points) -> None:
    """After every commit; what stays keeps its identity, and a second apply finds nothing to do."""
    _live_through(points, Random(2), commits=5, crashes=0.0)


def test_what_runs_is_what_git_says_although_runs_die(points: Points) -> None:
    """A run that is stopped or killed anywhere is finished by the next one; no object is orphaned."""
    _live_through(points, Random(3), commits=4, crashes=0.8)


@pytest.mark.soak
@pytest.mark.parametrize("seed", _MANY)
def test_many_histories_with_crashes(points: Points, seed: int) -> None:
    """The same for hundreds of them: additions, removals, moves, changes, reverts, and runs that die."""
    random = Random(seed)
    _live_through(points, random, commits=random.randint(2, 5), crashes=0.6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 104))
def test_long_histories_with_crashes(points: Points, seed: int) -> None:
    """The same over many commits of one stack."""
    _live_through(points, Random(seed), commits=50, crashes=0.4)


def _live_through(points: Points, random: Random, *, commits: int, crashes: float) -> None:
    world = points.world
    settings = {"cluster": {"kubeconfig": str(points.kubeconfig)}}
    history = History(world=world, settings=settings)
    before: dict[str, Document] = {}
    for index in range(commits):
        for _ in range(1 if index else 3):  # of something that is worth changing
            history.go_on(random)
        crashed = random.random() < crashes
        if crashed:
            _crash(points, random, *_agreeing(history.wanted))
            if random.random() < 0.5:  # Git may have gone on by the time of the next run
                history.go_on(random)
        world.apply(*_agreeing(history.wanted))
        before = _check(world, history.wanted, before, crashed=crashed)
        if index % 10 == 0:
            _check_that_nothing_is_left_to_do(world, history.wanted)
    _check_that_nothing_is_left_to_do(world, history.wanted)
    _check_states_by_terraform(world, history.wanted)
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    _check(world, Wanted(), {}, crashed=False)
    assert all(record.state["inventory"] == [] for record in records(world)[-1:])
    assert not world.locks()
    assert not list((world.root / ".orchestrator" / "units").rglob("inputs-*"))
    assert world.left_behind() == []


def _agreeing(wanted: Wanted) -> tuple[str, ...]:
    """Return the options that agree to what a commit may bring about."""
    return ("--allow-deferred", *(() if wanted.units() else ("--acknowledge", "empty")))


def _check_that_nothing_is_left_to_do(world: World, wanted: Wanted) -> None:
    entries = world.ledger()
    world.apply()
    assert world.ledger() == entries
    status = world.run("status", world.name, "--output", "json").json
    assert {unit["unit"] for unit in status["units"]} == wanted.units()
    assert {unit["outcome"] for unit in status["units"]} <= {"applied", "unchanged"}
    assert status["unfinished"] == status["lock"] == ""


def _check_states_by_terraform(world: World, wanted: Wanted) -> None:
    """Ask the engine itself what each module has."""
    engine = find_binary(Terraform(), Settings.read(), world.root).argv
    folder = world.root / ".orchestrator" / "state" / world.name / "default"
    listed = {
        file.stem: subprocess.run(
            (*engine, "state", "list", f"-state={file}"),
            cwd=world.root.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for file in folder.glob("*.tfstate")
    }
    assert {module for module, found in listed.items() if found} == wanted.modules.keys()
    assert all(listed[module] == ["terraform_data.echo"] for module in wanted.modules)


def _crash(points: Points, random: Random, *options: str) -> None:
    """Start an apply, and let it be stopped or killed at some point; it may be done by then."""
    moment, act = random.choice(_STRIKES)
    points.strike_at(f"any {random.randint(1, _LAST_POINT)} {moment}", act)
    ended = points.world.run("apply", points.world.name, "--yes", *options)
    points.clear()
    assert ended.code in _ENDINGS, ended.said


def _check(
    world: World,
    wanted: Wanted,
    before: dict[str, Document],
    *,
    crashed: bool,
) -> dict[str, Document]:
    """Compare all that there is with what is wanted, and return the live objects."""
    live = world.live()
    units = {
        name: (_unit(item).removeprefix("manifests."), item["data"]["text"])
        for name, item in live.items()
    }
    assert units == wanted.texts()
    _check_untouched(live, before, crashed=crashed)
    folder = world.root / ".orchestrator" / "state" / world.name / "default"
    modules = {file.stem for file in folder.glob("*.tfstate")}
    kept = {name: world.resources(name) for name in modules if world.resources(name)}
    assert {
        name: resources["terraform_data.echo"]["output"]["value"]
        for name, resources in kept.items()
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
