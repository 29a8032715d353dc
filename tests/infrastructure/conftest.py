"""The real engine, and a ground of its own for every test."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.infrastructure.binary import Binary, find_binary
from orchestrator.infrastructure.workspace import Site
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Limits, Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.infrastructure.ground import Ground


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Binary:
    """Return the engine of this machine: one on PATH, or the embedded one."""
    return find_binary(Terraform(), Settings.read(), tmp_path_factory.mktemp("engine"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a cache and a home of their own, and nothing of a cloud in the environment."""
    read = Settings.read()
    clouds = ("AWS_", "TF_", "ARM_", "GOOGLE_")
    kept = {name: value for name, value in read.environment.items() if not name.startswith(clouds)}
    return replace(
        read,
        environment={**kept, "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull},
        home=tmp_path,
        cache=tmp_path / "cache",
    )


@pytest.fixture
def ground(tmp_path: Path, engine: Binary, settings: Settings) -> Ground:
    """Return an empty tree with the folders that its modules are worked on in."""
    (tmp_path / "tree" / "stacks" / "shop").mkdir(parents=True)
    site = Site(
        binary=engine,
        settings=settings,
        folder=tmp_path / ".orchestrator",
        stack="shop",
        environment="staging",
        stop=Stop(),
        secrets=Secrets(),
        limits=Limits(grace=10.0, second_grace=2.0),
        lock_timeout=1,
    )
    return Ground(tree=tmp_path / "tree", site=site)
