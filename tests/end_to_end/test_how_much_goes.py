"""A plan that deletes most of what is there looks like a mistake: it is held up until somebody says otherwise."""

import shutil

import pytest

from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration


def _flat(text: str) -> str:
    return " ".join(text.split())


def _applied(world: World, number: int, **settings: object) -> None:
    """Apply one set of ConfigMaps."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}}, **settings)
    world.manifests("shop/many.yaml", *(config_map(f"text-{index:02}") for index in range(number)))
    world.commit()
    world.apply()


def test_a_set_that_loses_most_of_its_objects(world: World) -> None:
    """The plan can be looked at; applying it is refused until the set is named, and nothing is gone before."""
    _applied(world, 12)
    world.manifests("shop/many.yaml", config_map("text-00"))
    world.commit("Lose most of it")
    assert "11 to delete" in world.plan().stdout

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert (
        "manifests.shop: this plan deletes 11 of 12 objects, more than the 50 % that `guards.prune` allows"
        in _flat(refused.stderr)
    )
    assert "--acknowledge prune:manifests.shop" in _flat(refused.stderr)
    assert len(world.live()) == 12

    world.apply("--acknowledge", "prune:manifests.shop")

    assert list(world.live()) == ["text-00"]


def test_a_set_that_is_declared_no_longer(world: World) -> None:
    """A line of the stack file that got lost takes no namespace full of objects along."""
    _applied(world, 10)
    world.declare({}, {})
    world.commit("Lose a line")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "this plan deletes 10 of 10 objects" in _flat(refused.stderr)
    assert len(world.live()) == 10
    world.apply("--acknowledge", "prune:manifests.shop", "--acknowledge", "empty")
    assert world.live() == {}


def test_a_directory_that_is_gone_prunes_nothing(world: World) -> None:
    """A set whose directory is not there, or has nothing in it, is a mistake and not a wish."""
    _applied(world, 1)
    folder = world.root / "stacks" / world.name / "shop"
    shutil.rmtree(folder)
    world.commit("Lose the directory")

    gone = world.run("apply", world.name, "--yes")

    assert gone.code == 1
    assert "the path 'shop' does not exist" in _flat(gone.stderr)
    world.write("shop/many.yaml", "# nothing any more\n")
    world.commit("Empty the file")
    empty = world.run("apply", world.name, "--yes")
    assert empty.code == 1
    assert "the path 'shop' holds no objects" in _flat(empty.stderr)
    assert "remove the set from the stack file to delete what it owns" in _flat(empty.stderr)
    assert len(world.live()) == 1


def test_a_share_of_ones_own(world: World) -> None:
    """A share that the stack file states counts from the first object; destroying everything is asked for."""
    _applied(world, 4, guards={"prune": "20%"})
    world.manifests("shop/many.yaml", *(config_map(f"text-{index:02}") for index in range(3)))
    world.commit("Lose a quarter")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "this plan deletes 1 of 4 objects, more than the 20 %" in _flat(refused.stderr)
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    assert world.live() == {}
