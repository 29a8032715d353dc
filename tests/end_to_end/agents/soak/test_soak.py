"""Many stacks, three replicas and bad weather: in the end what runs is what Git says, and nobody grew."""

import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from tests.end_to_end.agents.soak.accounts import (
    assert_accounted,
    assert_no_growth,
    assert_seen_by_others,
    shown,
)
from tests.end_to_end.agents.soak.replicas import Replica, working_in
from tests.end_to_end.agents.soak.scene import Scene, Size, scene_of
from tests.end_to_end.agents.soak.weather import live_through

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("sandbox_programs")]

_PATIENCE_SECONDS = 600.0
_PACE_SECONDS = 1.5


@pytest.mark.timeout(600)
def test_a_minute_of_bad_weather(tmp_path: Path) -> None:
    """Commits, drift, and kills of agents, of the API server and of the Git server end well."""
    with scene_of(tmp_path, Size(stacks=12, objects=6, modules=3)) as scene:
        _live(scene, seed=1, seconds=0, often=4)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_minutes_of_bad_weather(tmp_path: Path) -> None:
    """The same with 50 stacks, 2,000 objects and 20 modules; kubectl and Terraform are asked in the end."""
    with scene_of(tmp_path, Size(stacks=50, objects=40, modules=20)) as scene:
        _live(scene, seed=2, seconds=600, often=8)
        assert_seen_by_others(scene, tmp_path)
        _assert_nothing_left(scene, tmp_path)


def _live(scene: Scene, *, seed: int, seconds: float, often: int) -> None:
    """Begin, live through it, and end; hold all to it that has to hold."""
    fleet = scene.fleet
    fleet.push(sorted(fleet.stacks), "Begin")
    for replica in scene.replicas:
        replica.start()
    _await(scene.settled, scene, "the first commit")
    began = monotonic()
    live_through(scene, Random(seed), seconds=seconds, often=often, pace=_PACE_SECONDS)
    fleet.mend()
    ended = monotonic()
    _await(scene.settled, scene, "all to be as Git says")
    settled = monotonic() - ended
    first = scene.replicas[0].samples
    assert [replica.end(signal.SIGTERM) for replica in scene.replicas] == [0, 0, 0]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _tell(
        f"seed {seed}, {ended - began:.0f} s, settled after {settled:.1f} s: {scene.told}",
        f"{len(fleet.commits)} commits, {sum(fleet.drifts.values())} drifts",
        f"the replica that was never killed: {shown(first)}",
        f"processor: {used.ru_utime + used.ru_stime:.0f} s of agents and Git since this began",
    )
    _tell(f"runs: {dict(assert_accounted(scene))}")
    assert_no_growth(first)
    for replica in scene.replicas:
        assert working_in(replica.home) == []
        assert "Traceback" not in replica.log.read_text()


def _tell(*lines: str) -> None:
    """Say what it was like, for who runs this by hand."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def _assert_nothing_left(scene: Scene, folder: Path) -> None:
    """Have an agent that knows nothing look at everything: it finds nothing to do."""
    fresh = Replica(home=folder / "fresh", variables=scene.replicas[0].variables)
    fresh.home.mkdir()
    for name in ("agent.yaml", "password"):
        (fresh.home / name).write_text((scene.replicas[0].home / name).read_text())
    fresh.tell_more(defaults={"drift": {"workloads": False, "infrastructure": False}})
    fresh.start("--once")
    assert fresh.await_end(600) == 0, fresh.log.read_text()[-2000:]
    assert {each["end"] for each in fresh.told("task ended")} == {"unchanged"}
    assert scene.settled()


def _await(holds: Callable[[], bool], scene: Scene, what: str) -> None:
    end, pause = monotonic() + _PATIENCE_SECONDS, threading.Event()
    while not holds():
        for replica in scene.replicas:
            replica.look()
        if monotonic() > end:
            raise AssertionError(f"waited in vain for {what}: {scene.astray()}, {scene.locks()}")
        pause.wait(0.5)
