"""A control plane with one node, which is real, and the image of the Dockerfile on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.processes import Stop
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.settings import Settings
from tests.end_to_end.pods.image import Builder
from tests.end_to_end.pods.node import Node, joined
from tests.end_to_end.pods.programs import why_not
from tests.sandbox.client import client_of


@pytest.fixture(scope="module")
def own_sandbox(
    tmp_path_factory: pytest.TempPathFactory,
    sandbox_programs: None,  # noqa: ARG001
) -> Iterator[Sandbox]:
    """Return a control plane that no other test uses."""
    directory = tmp_path_factory.mktemp("cluster") / "sandbox"
    yield up(directory, Settings.read(), on_progress=print, stop=Stop())
    down(directory, on_progress=print, stop=Stop())


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the images that are needed, built."""
    if reason := why_not():
        pytest.skip(f"no real Pod can run on this machine: {reason}")
    folder, builder = tmp_path_factory.mktemp("images"), Builder(Settings.read())
    return [builder.pause(folder / "pause.tar"), builder.image(folder / "orchestrator.tar")]


@pytest.fixture(scope="module")
def node(archives: list[Path], own_sandbox: Sandbox) -> Iterator[Node]:
    """Return the one node of the control plane: those that are only played are gone."""
    cluster = client_of(own_sandbox.kubeconfig)
    for each in cluster.get("/api/v1/nodes")["items"]:
        code, answer = cluster.request("DELETE", f"/api/v1/nodes/{each['metadata']['name']}")
        assert code == 200, answer
    with joined(own_sandbox) as node:
        for archive in archives:
            node.take(archive)
            archive.unlink()
        yield node
