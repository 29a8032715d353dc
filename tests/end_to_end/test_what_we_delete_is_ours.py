"""What a run deleted before it failed is known as its own doing: no drift, whatever a set says of that."""

import signal
from typing import Any

from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import Document, config_map
from tests.end_to_end.world import World

_HOLD = "example.com/hold"


def stack(world: World, **more: Any) -> None:
    """Declare a set that leaves drift alone, and does not wait long."""
    entry = {
        "path": "objects",
        "namespace": world.name,
        "replace": True,
        "drift": "report",
        "wait": {"timeout": "3s"},
        **more,
    }
    world.declare(None, {"shop": entry})


def immutable(name: str, text: str, *, held: bool = False) -> Document:
    """Return a ConfigMap that cannot be changed, and that a finalizer may hold."""
    found = {**config_map(name, {"a": text}), "immutable": True}
    if held:
        found["metadata"]["finalizers"] = [_HOLD]
    return found


def let_go(world: World, name: str) -> None:
    """Take the finalizer off."""
    world.patch("ConfigMap", name, {"metadata": {"finalizers": None}}, manager="robot")


def test_a_replacement_that_failed_half_way_can_be_rolled_back(world: World) -> None:
    """What it had deleted is made again by the revert, though the set leaves alone what others delete."""
    stack(world)
    before = [immutable("free", "one"), immutable("held", "one", held=True)]
    world.manifests("objects/all.yaml", *before)
    world.commit()
    world.apply()
    after = [immutable("free", "two"), immutable("held", "two", held=True)]
    world.manifests("objects/all.yaml", *after)
    world.commit()
    failed = world.run("apply", world.name, "--yes")
    assert failed.code == 1, failed.said
    assert not world.exists("ConfigMap", "free")
    let_go(world, "held")
    world.manifests("objects/all.yaml", *before)
    world.commit()
    world.apply()
    assert (world.data("free"), world.data("held")) == ({"a": "one"}, {"a": "one"})
    let_go(world, "held")


def test_a_prune_that_was_killed_can_be_rolled_back(world: World) -> None:
    """What a prune deleted is made again when Git declares it again, and what others delete is left all the same."""
    stack(world)
    first, held = config_map("first", {"a": "1"}), config_map("held", {"a": "1"})
    held["metadata"]["finalizers"] = [_HOLD]
    stays = config_map("stays", {"a": "1"})
    world.manifests("objects/all.yaml", first, held, stays)
    world.commit()
    world.apply()
    world.manifests("objects/all.yaml", stays)
    world.commit()
    pruning = world.start("apply", world.name, "--yes")
    eventually(lambda: not world.exists("ConfigMap", "first"), "the first deletion")
    pruning.signal(signal.SIGKILL)
    pruning.end()
    let_go(world, "held")
    world.manifests("objects/all.yaml", first, held, stays)
    world.commit()
    world.apply()
    assert set(world.live()) == {"first", "held", "stays"}
    let_go(world, "held")
    world.delete("ConfigMap", "first")
    left = world.plan()
    assert "left as it is" in left.stdout
