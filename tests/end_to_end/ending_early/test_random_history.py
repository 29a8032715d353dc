"""Whatever is committed, in whatever order, and whatever dies in between: at the end what runs is what Git says."""

import signal
from random import Random

import pytest

from tests.end_to_end.commands import Running
from tests.end_to_end.ending_early.histories import Wanted, change
from tests.end_to_end.stacks import Document
from tests.end_to_end.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def test_what_runs_is_what_git_says(world: World) -> None:
    """After every commit; what stays keeps its identity, and a second apply finds nothing to do."""
    _live_through(world, Random(2), commits=5, crashes=0.0)


def test_what_runs_is_what_git_says_although_runs_die(world: World) -> None:
    """A run that is stopped or killed anywhere is finished by the next one; no object is orphaned."""
    _live_through(world, Random(3), commits=4, crashes=0.8)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 108))
def test_long_histories_with_crashes(world: World, seed: int) -> None:
    """The same over many commits and seeds."""
    _live_through(world, Random(seed), commits=60, crashes=0.4)


def _live_through(world: World, random: Random, *, commits: int, crashes: float) -> None:
    wanted = Wanted()
    for _ in range(3):  # of something that is worth changing
        change(wanted, random)
    before: dict[str, Document] = {}
    for index in range(commits):
        change(wanted, random)
        wanted.write(world)
        crashed = random.random() < crashes
        if crashed:
            _crash(world, random)
            if random.random() < 0.5:  # Git may have gone on by the time of the next run
                change(wanted, random)
                wanted.write(world)
        world.apply("--allow-deferred")
        before = _check(world, wanted, before, crashed=crashed)
        if index % 10 == 0:
            _check_that_nothing_is_left_to_do(world, wanted)
    _check_that_nothing_is_left_to_do(world, wanted)
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    _check(world, Wanted(), {}, crashed=False)
    assert not world.locks()
    assert not list((world.root / ".orchestrator" / "units").rglob("inputs-*"))
    assert world.left_behind() == []


def _check_that_nothing_is_left_to_do(world: World, wanted: Wanted) -> None:
    entries = world.ledger()
    world.apply()
    assert world.ledger() == entries
    status = world.run("status", world.name, "--output", "json").json
    assert {unit["unit"] for unit in status["units"]} == wanted.units()
    assert {unit["outcome"] for unit in status["units"]} <= {"applied", "unchanged"}
    assert status["unfinished"] == status["lock"] == ""


def _crash(world: World, random: Random) -> None:
    """Start an apply, and stop or kill it after it has said some lines; it may be done by then."""
    running = world.start("apply", world.name, "--yes", "--allow-deferred")
    _read_lines(running, random.randint(1, 20))
    running.signal(random.choice(_SIGNALS))
    ended = running.end()
    assert ended.code in {0, 130, -signal.SIGKILL}, ended.said


def _read_lines(running: Running, count: int) -> None:
    assert running.process.stderr is not None
    for _ in range(count):
        if not running.process.stderr.readline():
            return


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
