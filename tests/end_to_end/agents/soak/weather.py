"""What happens to a scene, by chance: commits, drift, and the death of whatever can die."""

import signal
import threading
from collections.abc import Callable, Mapping
from random import Random
from time import monotonic

from tests.end_to_end.agents.soak.scene import Scene

_Act = Callable[[Scene, Random], None]


def live_through(scene: Scene, random: Random, *, seconds: float, often: int, pace: float) -> None:
    """Let all that can happen do so in a random order, again and again for so long, but once in any case.

    What is told ``often`` happens so many times for each time of the rest. There are ``pace`` seconds between two on
    average. Samples are taken meanwhile. What happens, and in which order, is the seed's doing; when exactly, the
    machine's.
    """
    end, bag = monotonic() + seconds, list[str]()
    while bag or not scene.told or monotonic() < end:
        if not bag:
            bag = [*_SELDOM, *(act for act in _OFTEN for _ in range(often))]
            random.shuffle(bag)
        act = bag.pop()
        scene.told[act] = scene.told.get(act, 0) + 1
        {**_SELDOM, **_OFTEN}[act](scene, random)
        _look_on(scene, random.expovariate(1 / pace))


def _look_on(scene: Scene, seconds: float) -> None:
    until, pause = monotonic() + seconds, threading.Event()
    while monotonic() < until:
        for replica in scene.replicas:
            replica.look()
        pause.wait(min(1.0, max(0.0, until - monotonic())))


def _commit(scene: Scene, random: Random) -> None:
    scene.fleet.change(random)


def _drift(scene: Scene, random: Random) -> None:
    scene.drift(random)


def _kill(scene: Scene, random: Random) -> None:
    """Kill a replica, and start it again; the first one lives on, so that its growth can be told."""
    replica = random.choice(scene.replicas[1:])
    replica.end(signal.SIGKILL)
    threading.Event().wait(random.uniform(0, 2))
    replica.start()


def _stop(scene: Scene, random: Random) -> None:
    """Tell a replica to stop, which it has to do well, and start it again."""
    replica = random.choice(scene.replicas[1:])
    assert replica.end(signal.SIGTERM) == 0, replica.log.read_text()[-2000:]
    replica.start()


def _kill_api(scene: Scene, random: Random) -> None:
    scene.restart_api(random.uniform(0, 3))


def _git_away(scene: Scene, random: Random) -> None:
    scene.git.go()
    threading.Event().wait(random.uniform(1, 4))
    scene.git.come()


def _refuse(scene: Scene, random: Random) -> None:
    scene.git.refuse.touch()
    threading.Event().wait(random.uniform(1, 4))
    scene.git.refuse.unlink()


_OFTEN: Mapping[str, _Act] = {"commit": _commit, "drift": _drift}
_SELDOM: Mapping[str, _Act] = {
    "kill of an agent": _kill,
    "stop of an agent": _stop,
    "kill of the API server": _kill_api,
    "Git away": _git_away,
    "ledger refused": _refuse,
}
