"""A control plane whose servers are killed and started again while a run is at work."""

import dataclasses
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.processes import Command, Stop, start_daemon
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.settings import Settings
from tests.end_to_end.commands import eventually
from tests.end_to_end.ending_early.before import Before
from tests.end_to_end.ending_early.places import PLACES
from tests.end_to_end.ending_early.points import points_of
from tests.end_to_end.ending_early.sides import Sides
from tests.end_to_end.world import World
from tests.sandbox.client import client_of

pytestmark = pytest.mark.integration


@dataclasses.dataclass(slots=True)
class Component:
    """A server of a control plane, which can be killed and started again as it was."""

    process: int
    command: Command
    log: Path

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """Kill it, and start it again; the sandbox ends it like the one before.

        It ends at once while a connection of somebody else happens to have its port: it is started while the block
        lasts.
        """
        os.kill(self.process, signal.SIGKILL)
        done = threading.Event()
        starting = threading.Thread(target=self._start, args=(done,))
        starting.start()
        try:
            yield
        finally:
            done.set()
            starting.join()

    def _start(self, done: threading.Event) -> None:
        daemon = start_daemon(self.command, log=self.log)
        while not done.wait(0.1):
            if daemon.exit_code is not None:
                daemon = start_daemon(self.command, log=self.log)
        self.process = daemon.process


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("sandbox_programs")
@pytest.mark.parametrize(
    ("kept", "points_of_api", "points_of_etcd"),
    [
        (
            "alone",
            ("api PATCH configmaps 2 before", "api DELETE configmaps 1 before"),
            ("api PATCH jobs 1 after", "api DELETE jobs 1 before"),
        ),
        (
            "cluster",
            ("api POST leases 1 after", "api PUT configmaps 2 before", "api PUT leases 2 before"),
            (
                "api PUT leases 1 before",
                "api POST configmaps 2 after",
                "api PUT configmaps 3 after",
            ),
        ),
    ],
)
def test_a_control_plane_that_restarts(
    world: World,
    tmp_path: Path,
    kept: str,
    points_of_api: Sequence[str],
    points_of_etcd: Sequence[str],
) -> None:
    """Its API server or its etcd, in an apply, in a prune, or at a write of the ledger: the run outlives it."""
    with _control_plane(tmp_path) as own:
        alone = dataclasses.replace(world, cluster=client_of(own.kubeconfig))
        alone.create_namespace(alone.name)
        with (
            points_of(alone, tmp_path / "points", own.kubeconfig) as points,
            PLACES[kept](points, tmp_path) as place,
        ):
            found = Sides(place=place)
            found.commit(0)
            alone.apply()
            api, etcd = (
                _component(own.directory, f"--{flag}={own.directory.resolve()}")
                for flag in ("cert-dir", "data-dir")
            )
            strikes = [
                *((api, point) for point in points_of_api),
                *((etcd, point) for point in points_of_etcd),
            ]
            for number, (component, point) in enumerate(strikes, start=1):
                _restart_at(found, number, component, point)


def _restart_at(sides: Sides, number: int, component: Component, point: str) -> None:
    """Apply, with a server restarted while the run is held at a point."""
    points, go, before = sides.points, sides.points.folder / "go", Before.of(sides)
    go.unlink(missing_ok=True)
    sides.commit(number)
    points.strike_at(point, f"until [ -e {go} ]; do sleep 0.02; done")
    running = points.world.start("apply", points.world.name, "--yes")
    eventually(lambda: points.struck, "the point to be reached")
    with component.restarted():
        go.touch()
        ended = running.end(300)
        assert ended.code == 0, ended.said
        eventually(lambda: _answers(sides), "the control plane to be back")
    before.assert_settled(number)


def _answers(sides: Sides) -> bool:
    try:
        return sides.world.cluster.request("GET", "/readyz/etcd")[0] == 200
    except OSError:
        return False


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
