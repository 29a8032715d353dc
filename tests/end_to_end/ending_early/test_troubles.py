"""What a run needs fails it in the middle: the run ends with the truth or outlives it, and the next one goes on."""

import dataclasses
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.commands import Ended, eventually
from tests.end_to_end.ending_early.before import Before
from tests.end_to_end.ending_early.ledgers import records
from tests.end_to_end.ending_early.places import PLACES
from tests.end_to_end.ending_early.points import KILL, points_of
from tests.end_to_end.ending_early.sides import Sides
from tests.end_to_end.world import World
from tests.forked.command import ORCHESTRATOR
from tests.git import make_remote

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_PUSHES = range(1, 5)  # of a run: its lock, its intent, what came of the modules, its outcome
_IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
_ON_A_SMALL_DISK = """
mount -t tmpfs -o size=16m tmpfs "$1" && cp -a "$2/." "$1/" && cd "$1" || exit 2
"$3" apply "$4" --yes > "$5/first" 2>&1
echo $? > "$5/code"
rm -rf "$2" && cp -a "$1" "$5/left"
rm -f "$1/filler" "$6"
"$3" apply "$4" --yes --acknowledge recreate:modules.right > "$5/second" 2>&1
code=$?
cp -a "$1" "$2" && exit $code
"""


@pytest.fixture
def sides(
    request: pytest.FixtureRequest, world: World, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Sides]:
    """Return the stack, applied once; the parameter says where it keeps its ledger, if not in its clone alone."""
    with (
        points_of(world, tmp_path / "points", sandbox.kubeconfig) as points,
        PLACES[getattr(request, "param", "alone")](points, tmp_path) as place,
    ):
        found = Sides(place=place)
        _apply(found, 0)
        yield found


@pytest.mark.parametrize(
    "push", [pytest.param(push, marks=() if push == 3 else pytest.mark.soak) for push in _PUSHES]
)
def test_a_remote_that_refuses_from_some_push_on(sides: Sides, tmp_path: Path, push: int) -> None:
    """What was done is recorded in the clone, nothing more is begun, and the next run brings all of it there."""
    remote = make_remote(tmp_path / "remote.git", of=sides.world.root)
    refuse = remote / "refuse"
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\n[ ! -e {refuse} ] || {{ echo 'not today' >&2; exit 1; }}\n")
    hook.chmod(0o755)
    _apply(sides, 1)
    before = Before.of(sides)

    ended = _suffer(sides, 2, f"git push {push} before", f"touch {refuse}")

    assert "refused the push: pre-receive hook declined" in ended.said
    refuse.unlink()
    _assert_goes_on_with_a_remote(before, 2, remote)


def test_a_remote_that_is_away_for_a_moment_when_a_run_ends(sides: Sides, tmp_path: Path) -> None:
    """The outcome is tried again until it is there, since nobody may see this clone any more."""
    remote = make_remote(tmp_path / "remote.git", of=sides.world.root)
    _apply(sides, 1)
    sides.commit(2)
    away = f"mv {remote} {remote}.gone; (sleep 1; mv {remote}.gone {remote}) > /dev/null 2>&1 &"
    sides.points.strike_at("git push 4 before", away)

    ended = sides.world.apply()

    assert sides.points.struck
    assert "trying for 30s to record what was done" in " ".join(ended.stderr.split())
    assert "what was done is recorded now" in ended.stderr
    shared = dataclasses.replace(sides.world, root=remote)
    assert records(shared)[-1].entry["outcome"] == "applied"


@pytest.mark.parametrize(
    "push", [pytest.param(push, marks=() if push == 4 else pytest.mark.soak) for push in _PUSHES]
)
def test_a_remote_that_is_gone_from_some_push_on(sides: Sides, tmp_path: Path, push: int) -> None:
    """The same, for one that is down: what could not be pushed is kept, and pushed later."""
    remote = make_remote(tmp_path / "remote.git", of=sides.world.root)
    _apply(sides, 1)
    before = Before.of(sides)

    ended = _suffer(sides, 2, f"git push {push} before", f"mv {remote} {remote}.gone")

    assert "does not answer" in ended.said
    remote.with_name("remote.git.gone").rename(remote)
    _assert_goes_on_with_a_remote(before, 2, remote)


@pytest.mark.parametrize(
    "point",
    [
        "module create 1 before",
        *(
            pytest.param(point, marks=pytest.mark.soak)
            for point in (
                "git commit-tree 1 before",
                "git commit-tree 3 before",
                "git update-ref 4 before",
                "terraform apply 1 before",
                "terraform apply 2 after",
                "git commit-tree 5 before",
                "git commit-tree 6 before",
                "terraform apply 3 before",
                "git update-ref 6 before",
            )
        ),
    ],
)
def test_a_disk_that_is_full_from_some_point_on(sides: Sides, tmp_path: Path, point: str) -> None:
    """Clone, states and ledger lie on it: the run says so, and when there is room again the next one goes on.

    What was made and found no room in its first state, somebody has to have seen to.
    """
    world, points, results = sides.world, sides.points, tmp_path / "results"
    results.mkdir()
    sides.commit(1)
    fill = f"dd if=/dev/zero of={world.root}/filler bs=512 2>/dev/null"
    points.strike_at(point, fill)
    aside = world.root.with_name("aside")
    shutil.copytree(world.root, aside, symlinks=True)
    words = (world.root, aside, ORCHESTRATOR, world.name, results, points.folder / "point")
    program = (*_IN_A_NAMESPACE, _ON_A_SMALL_DISK, "disk", *map(str, words))

    done = subprocess.run(
        program, env=world.variables, capture_output=True, text=True, check=False, timeout=120
    )

    first, second = ((results / name).read_text() for name in ("first", "second"))
    assert points.struck
    assert (done.returncode, done.stderr) == (0, ""), first + second
    assert (results / "code").read_text() == "1\n", first
    assert "Traceback" not in first + second
    assert re.search("no space left|disk is full|could not write", first, re.IGNORECASE), first
    shutil.rmtree(world.root)
    aside.rename(world.root)
    sides.assert_is(1)
    assert records(world)[-1].state["open"] is None


def test_a_network_that_is_lost_for_a_moment(sides: Sides) -> None:
    """Between two steps, and in a prune: the run waits, and goes on by itself."""
    cut = f"{sides.points.folder}/cut"
    for number, point in enumerate(
        ["api PATCH deployments 1 after", "api DELETE jobs 1 before"], 1
    ):
        sides.commit(number)
        before = Before.of(sides)
        sides.points.strike_at(point, f"touch {cut}; (sleep 1; rm {cut}) > /dev/null 2>&1 &")
        sides.world.apply()
        assert sides.points.struck
        before.assert_settled(number)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "point",
    ["api PATCH configmaps 1 after", "api PATCH jobs 1 after", "api DELETE configmaps 1 after"],
)
def test_a_network_that_is_lost_for_good(sides: Sides, point: str) -> None:
    """The run gives up, says what it could not reach, and records how far it came; the next one goes on."""
    before = Before.of(sides)

    ended = _suffer(sides, 1, point, f"touch {sides.points.folder}/cut", patience=300)

    assert "cannot be reached" in ended.said
    assert records(sides.world)[-1].entry["outcome"] == "interrupted"  # no fault of the revision
    sides.world.apply()
    before.assert_settled(1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sides", ["directory"], indirect=True)
def test_a_directory_that_is_gone_at_some_write(sides: Sides) -> None:
    """It is not mounted any more: the run ends there, and the next one, when it is back, goes on."""
    _apply(sides, 1)
    _apply(sides, 2)
    writes = [point for point in sides.points.seen() if point.startswith("file")]
    ledgers = sides.place.settings["ledger"]["path"]
    for number, point in enumerate(writes, start=3):
        before = Before.of(sides)
        ended = _suffer(sides, number, f"{point} before", f"mv {ledgers} {ledgers}.gone")
        assert ended.code in {0, 1}, ended.said
        assert "cannot be used" in ended.said or "is not there" in ended.said
        Path(f"{ledgers}.gone").rename(ledgers)
        sides.world.apply()
        before.assert_settled(number)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sides", ["cluster"], indirect=True)
def test_a_cluster_that_is_gone_for_a_moment_at_any_write_of_its_ledger(sides: Sides) -> None:
    """What was sent may have been done, or not: the run sends it again, and nothing is recorded twice."""
    cut = f"{sides.points.folder}/cut"
    lost = f"touch {cut}; (sleep 1; rm {cut}) > /dev/null 2>&1 &"
    _apply(sides, 1)
    _apply(sides, 2)
    ours = ("leases", "POST configmaps", "PUT configmaps")
    writes = [point for point in sides.points.seen() if any(each in point for each in ours)]
    assert writes
    for number, point in enumerate(writes, start=3):
        before = Before.of(sides)
        sides.commit(number)
        sides.points.strike_at(f"{point} {'instead' if number % 2 else 'after'}", lost)
        sides.world.apply()
        assert sides.points.struck
        before.assert_settled(number)


@pytest.mark.soak
@pytest.mark.parametrize("sides", ["shared"], indirect=True)
def test_a_push_that_arrives_when_its_run_is_long_dead(sides: Sides, tmp_path: Path) -> None:
    """The remote was about to record it while another clone took the lock over: it records nothing any more."""
    place, points, go = sides.place, sides.points, tmp_path / "go"
    first, second = place.clones
    before = Before.of(sides)
    sides.commit(1)
    points.strike_at("remote receive 2 after", f"{KILL}; until [ -e {go} ]; do sleep 0.02; done")
    died = first.start("apply", first.name, "--yes")
    eventually(lambda: points.struck, "the push to be on its way")
    assert died.end().code == -signal.SIGKILL
    (points.folder / "point").unlink()

    second.apply()

    entries = place.entries()
    go.touch()
    place.await_end()
    assert place.entries() == entries
    before.assert_settled(1)
    assert "Nothing to do" in first.apply().stdout


def _apply(sides: Sides, number: int) -> None:
    sides.points.clear()
    sides.commit(number)
    sides.world.apply()
    sides.assert_is(number)


def _suffer(sides: Sides, number: int, point: str, act: str, *, patience: float = 60) -> Ended:
    """Apply a commit with some trouble at a point, from which the run ends."""
    sides.commit(number)
    sides.points.strike_at(point, act)
    # A tenth of the lease is how long an outcome is tried to be recorded.
    running = sides.world.start("apply", sides.world.name, "--yes", ORCHESTRATOR_LEASE="30s")
    ended = running.end(patience)
    assert sides.points.struck
    assert "Traceback" not in ended.said
    assert sides.points.running() == []
    assert sides.world.left_behind() == []
    sides.points.clear()
    return ended


def _assert_goes_on_with_a_remote(before: Before, number: int, remote: Path) -> None:
    """Check that what was recorded is kept, and that the next run finishes it, here and on the remote."""
    world = before.sides.world
    left = records(world)
    assert left[-1].state["open"] is None
    world.apply()
    before.assert_settled(number)
    now = records(world)
    assert now[: len(left)] == left
    assert now[-1].state["open"] is None
    shared = dataclasses.replace(world, root=remote)
    assert records(shared) == now
    assert world.locks() == shared.locks() == ""
