"""How many requests are under way at once."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.workloads.cluster.connection.flow import MOST, Flow
from tests.workloads.builders import ref
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say, serving
from tests.workloads.servers.pretended import config, connected, discovery

pytestmark = pytest.mark.integration


class Busiest:
    """Answers every read of a ConfigMap when no other has come for a moment, and counts those that wait."""

    def __init__(self, *, refused: int = 0) -> None:
        """Say to the first ones that there are too many."""
        self._lock = threading.Condition()
        self._refused = refused
        self._waiting = 0
        self.most = 0

    def __call__(self, asked: Asked) -> Say:
        """Answer a request."""
        if asked.path in {"/api", "/apis"}:
            return discovery(asked)
        with self._lock:
            if self._refused:
                self._refused -= 1
                return Say(status=429, body={"message": "too many"})
            self._waiting += 1
            self.most = max(self.most, self._waiting)
            self._lock.notify_all()
            while self._lock.wait(timeout=0.05):
                pass
            self._waiting -= 1
        return Say(body=config("a"))


def test_requests_under_way_are_bounded(tmp_path: Path) -> None:
    """Several batches together send no more at once than one may."""
    script = Busiest()
    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        cluster.kinds()
        batches: list[Callable[[], object]] = [
            lambda number=number: cluster.get_many(  # type: ignore[misc]
                [ref(name=f"{number}-{each}") for each in range(20)]
            )
            for number in range(3)
        ]
        threads = [threading.Thread(target=batch) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 < script.most <= MOST


def test_a_refusal_makes_room(tmp_path: Path) -> None:
    """After a server has refused what it was sent at once, it is sent half of that."""
    script = Busiest(refused=MOST)
    with serving(script) as server, connected(server.address, tmp_path) as cluster:
        cluster.kinds()
        found = cluster.get_many([ref(name=str(number)) for number in range(60)])
    assert None not in found.values()
    assert script.most <= MOST // 2


def test_a_server_that_has_too_many_gets_fewer() -> None:
    """The limit is halved when the server says so, once for requests that were under way together."""
    flow = Flow()
    flow.too_many()
    flow.too_many()
    assert flow.limit == MOST // 2
    flow.accepted()
    assert flow.limit == MOST // 2


def test_a_turn_is_given_on() -> None:
    """Whoever waits for a turn gets one, also when somebody before it gave up."""

    async def work() -> list[int]:
        flow = Flow()
        done: list[int] = []
        release = asyncio.Event()

        async def request(number: int) -> None:
            async with flow.one():
                await release.wait()
                done.append(number)

        tasks = [asyncio.ensure_future(request(number)) for number in range(MOST + 5)]
        await asyncio.sleep(0)
        tasks[MOST].cancel()
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return done

    done = asyncio.run(work())
    assert len(done) == MOST + 4
    assert MOST not in done
