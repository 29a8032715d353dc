"""An agent for every test, with a remote of its own."""

from pathlib import Path

import pytest

from tests.end_to_end.agents.keeper import Keeper, keeper_of
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World


@pytest.fixture
def keeper(world: World, tmp_path: Path) -> Keeper:
    """Return an agent whose repository has one set of manifests, with one text."""
    world.declare(None, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "hello"}))
    world.commit("Add a greeting")
    return keeper_of(world, tmp_path / "home")
