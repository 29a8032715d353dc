"""A connection to the real control plane, and names of one's own in it."""

from collections.abc import Iterator
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
