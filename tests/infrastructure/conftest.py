"""The real engine, and a ground of its own for every test."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.infrastructure.binary import Binary, find_binary
from orchestrator.infrastructure.workspace import Site
from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Limits, Stop
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.infrastructure.ground import Ground, with_engine
from tests.infrastructure.mirror import Mirror


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


@pytest.fixture(params=["terraform", "opentofu"])
def either(request: pytest.FixtureRequest, ground: Ground, opentofu: Path) -> Ground:
    """Return the ground twice: of the engine of this machine, and of OpenTofu."""
    return ground if request.param == "terraform" else with_engine(ground, opentofu)


@pytest.fixture
def mirror(ground: Ground, tmp_path: Path) -> Mirror:
    """Return a mirror with the versions 1.0.0 and 1.1.0."""
    argv = (*ground.site.binary.argv, "version")
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    platform = re.search(r"^on (\S+)", said, re.MULTILINE)
    assert platform
    found = Mirror(tmp_path, platform[1])
    found.add("1.0.0")
    found.add("1.1.0")
    return found


@pytest.fixture
def mirrored(ground: Ground, mirror: Mirror) -> Ground:
    """Return the ground of an engine that installs from the mirror."""
    return ground.with_environment(TF_CLI_CONFIG_FILE=str(mirror.configuration))
