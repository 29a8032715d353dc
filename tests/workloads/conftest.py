"""A connection to the real control plane, and names of one's own in it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox
from orchestrator.settings import Settings
from orchestrator.workloads.cluster import Cluster, Target, connect
from tests.sandbox.client import client_of
from tests.workloads.ground import Ground


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[Cluster]:
    """Return a connection with all rights."""
    target = Target(kubeconfig=sandbox.kubeconfig)
    with connect(target, Settings.read(), secrets=Secrets(), stop=Stop()) as found:
        yield found


@pytest.fixture
def ground(cluster: Cluster, sandbox: Sandbox, tmp_path: Path) -> Iterator[Ground]:
    """Return a namespace and an owner of one's own, taken away afterwards."""
    ground = Ground(cluster=cluster, others=client_of(sandbox.kubeconfig), directory=tmp_path)
    ground.make_namespace()
    yield ground
    ground.leave()


@pytest.fixture
def in_the_background() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run something beside the test, which ends when that has ended."""
    threads: list[threading.Thread] = []

    def start(work: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()
