"""What a run needs fails it in the middle: the run ends with the truth or outlives it, and the next one goes on."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.processes import Command, Stop, start_daemon
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.settings import Settings
from tests.end_to_end.commands import Ended, eventually
from tests.end_to_end.ending_early.points import points_of
from tests.end_to_end.ending_early.sides import Sides, records
from tests.end_to_end.world import World
from tests.forked.command import ORCHESTRATOR
from tests.git import make_remote
from tests.sandbox.client import client_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_PUSHES = range(
    1, 6
)  # of a run: its lock, its intent, what came of the modules, its outcome, its lock again
_RELEASE = "git update-ref 5 before"  # of the lock: the last that a run does, when all is done and recorded
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
def sides(world: World, sandbox: Sandbox, tmp_path: Path) -> Iterator[Sides]:
    """Return the stack, applied once."""
    with points_of(world, tmp_path / "points", sandbox.kubeconfig) as points:
        found = Sides(points=points)
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

    ended = _suffer(sides, 2, f"git push {push} before", f"touch {refuse}")

    assert "refused the push: pre-receive hook declined" in ended.said
    refuse.unlink()
    _assert_goes_on_with_a_remote(sides, 2, remote)


@pytest.mark.parametrize(
    "push", [pytest.param(push, marks=() if push == 4 else pytest.mark.soak) for push in _PUSHES]
)
def test_a_remote_that_is_gone_from_some_push_on(sides: Sides, tmp_path: Path, push: int) -> None:
    """The same, for one that is down: what could not be pushed is kept, and pushed later."""
    remote = make_remote(tmp_path / "remote.git", of=sides.world.root)
    _apply(sides, 1)

    ended = _suffer(sides, 2, f"git push {push} before", f"mv {remote} {remote}.gone")

    assert "does not answer" in ended.said
    remote.with_name("remote.git.gone").rename(remote)
    _assert_goes_on_with_a_remote(sides, 2, remote)


@pytest.mark.parametrize(
    "point",
    [
        "module create 1 before",
        *(
            pytest.param(point, marks=pytest.mark.soak)
            for point in (
                "git commit-tree 1 before",
                "git commit-tree 3 before",
                "git update-ref 2 before",
                "terraform apply 1 before",
                "terraform apply 2 after",
                "git commit-tree 5 before",
                "git commit-tree 7 before",
                "terraform apply 3 before",
                "git update-ref 4 before",
                _RELEASE,
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
    assert (results / "code").read_text() == ("0\n" if point == _RELEASE else "1\n"), first
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
        sides.points.strike_at(point, f"touch {cut}; (sleep 1; rm {cut}) > /dev/null 2>&1 &")
        sides.world.apply()
        assert sides.points.struck
        sides.assert_is(number)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "point",
    ["api PATCH configmaps 1 after", "api PATCH jobs 1 after", "api DELETE configmaps 1 after"],
)
def test_a_network_that_is_lost_for_good(sides: Sides, point: str) -> None:
    """The run gives up, says what it could not reach, and records how far it came; the next one goes on."""
    ended = _suffer(sides, 1, point, f"touch {sides.points.folder}/cut", patience=300)

    assert "cannot be reached" in ended.said
    assert records(sides.world)[-1].entry["outcome"] == "interrupted"  # no fault of the revision
    _apply(sides, 1)


@dataclasses.dataclass(slots=True)
class Component:
    """A server of a control plane, which can be killed and started again as it was."""

    process: int
    command: Command
    log: Path

    def restart(self) -> None:
        """Kill it, and start it again; the sandbox ends it like the one before."""
        os.kill(self.process, signal.SIGKILL)
        self.process = start_daemon(self.command, log=self.log).process


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("sandbox_programs")
def test_a_control_plane_that_restarts(world: World, tmp_path: Path) -> None:
    """Its API server in an apply, its etcd in a prune: the run goes on as soon as they are back."""
    with _control_plane(tmp_path) as own:
        cluster = client_of(own.kubeconfig)
        alone = dataclasses.replace(world, cluster=cluster)
        alone.create_namespace(alone.name)
        with points_of(alone, tmp_path / "points", own.kubeconfig) as points:
            found = Sides(points=points)
            _apply(found, 0)
            api, etcd = (
                _component(own.directory, f"--{flag}={own.directory.resolve()}")
                for flag in ("cert-dir", "data-dir")
            )
            _restart_at(found, 1, api, "api PATCH configmaps 2 before")
            _restart_at(found, 2, etcd, "api DELETE jobs 1 before")


def _restart_at(sides: Sides, number: int, component: Component, point: str) -> None:
    """Apply, with a server restarted while the run is held at a point."""
    points, go = sides.points, sides.points.folder / "go"
    go.unlink(missing_ok=True)
    sides.commit(number)
    points.strike_at(point, f"until [ -e {go} ]; do sleep 0.02; done")
    running = sides.world.start("apply", sides.world.name, "--yes")
    eventually(lambda: points.struck, "the point to be reached")
    component.restart()
    go.touch()
    ended = running.end(300)
    assert ended.code == 0, ended.said
    eventually(lambda: _answers(sides), "the control plane to be back")
    sides.assert_is(number)


def _answers(sides: Sides) -> bool:
    try:
        return sides.world.cluster.request("GET", "/readyz/etcd")[0] == 200
    except (OSError, ValueError):
        return True


@contextmanager
def _control_plane(directory: Path) -> Iterator[Sandbox]:
    place = directory / "sandbox"
    try:
        yield up(place, Settings.read(), on_progress=print, stop=Stop())
    finally:
        down(place, on_progress=print, stop=Stop())


def _component(directory: Path, mark: str) -> Component:
    """Return the server that has an argument that begins like this."""
    (found,) = [
        Component(
            process=int(entry.name),
            command=Command(
                argv=_argv(entry),
                directory=(entry / "cwd").readlink(),
                environment=Settings.read().environment,
            ),
            log=directory / "restarted.log",
        )
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(part.startswith(mark) for part in _argv(entry))
    ]
    return found


def _argv(entry: Path) -> tuple[str, ...]:
    try:
        return tuple((entry / "cmdline").read_bytes().decode().split("\0")[:-1])
    except OSError:
        return ()


def _apply(sides: Sides, number: int) -> None:
    sides.points.clear()
    sides.commit(number)
    sides.world.apply()
    sides.assert_is(number)


def _suffer(sides: Sides, number: int, point: str, act: str, *, patience: float = 60) -> Ended:
    """Apply a commit with some trouble at a point, from which the run ends."""
    sides.commit(number)
    sides.points.strike_at(point, act)
    ended = sides.world.start("apply", sides.world.name, "--yes").end(patience)
    assert sides.points.struck
    assert "Traceback" not in ended.said
    assert sides.points.running() == []
    assert sides.world.left_behind() == []
    sides.points.clear()
    return ended


def _assert_goes_on_with_a_remote(sides: Sides, number: int, remote: Path) -> None:
    """Check that what was recorded is kept, and that the next run finishes it, here and on the remote."""
    world = sides.world
    left = records(world)
    assert left[-1].state["open"] is None
    world.apply()
    sides.assert_is(number)
    now = records(world)
    assert now[: len(left)] == left
    assert now[-1].state["open"] is None
    shared = dataclasses.replace(world, root=remote)
    assert records(shared) == now
    assert world.locks() == shared.locks() == ""
