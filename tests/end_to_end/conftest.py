"""A world for every test: a repository, and a namespace that nobody else uses."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.world import World, make_world
from tests.forked.command import Forks
from tests.sandbox.client import client_of


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Return what starts commands."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox, forks: Forks) -> Iterator[World]:
    """Return a repository without a stack, and a namespace of the stack's name.

    Neither is cleared away: the control plane ends with the run, and deleting a namespace costs it more than
    a test.
    """
    cluster = client_of(sandbox.kubeconfig)
    name = f"e2e-{uuid.uuid4().hex[:10]}"
    world = make_world(
        tmp_path / "repository", cluster, name=name, sandbox=sandbox.directory, forks=forks
    )
    world.create_namespace(name)
    yield world
    for process in world.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder by which what is held is watched, by the file ``started``, and let go, by ``go``."""
    chosen = tmp_path / "hold"
    chosen.mkdir()
    return chosen
