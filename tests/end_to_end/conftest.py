"""A world for every test: a repository, and a namespace that nobody else uses."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.world import World, make_world
from tests.sandbox.client import Client, client_of


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> Iterator[World]:
    """Return a repository without a stack, with the namespaces NAME, NAME-blue and NAME-green."""
    cluster = client_of(sandbox.kubeconfig)
    name = f"e2e-{uuid.uuid4().hex[:10]}"
    namespaces = (name, f"{name}-blue", f"{name}-green")
    for namespace in namespaces:
        _create(cluster, namespace)
    world = make_world(tmp_path / "repository", cluster, name=name, sandbox=sandbox.directory)
    yield world
    for process in world.started:
        if process.poll() is None:
            process.kill()
            process.communicate()
    for namespace in namespaces:
        cluster.request("DELETE", f"/api/v1/namespaces/{namespace}")


def _create(cluster: Client, namespace: str) -> None:
    metadata = {"name": namespace, "labels": {"test-process": str(os.getpid())}}
    cluster.create(
        "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    )
