"""What goes, goes backwards: also where the sets that share a kind or a namespace know nothing of one another."""

import signal

import pytest

from tests.end_to_end.commands import eventually
from tests.end_to_end.stacks import Document, config_map, deployment
from tests.end_to_end.world import World
from tests.workloads.custom import definition, thing

pytestmark = pytest.mark.integration


def test_a_custom_resource_goes_before_the_set_of_its_definition(world: World) -> None:
    """Sets that are declared no longer are pruned by what their objects need, whatever their names."""
    group, space = f"{world.name}.example.com", f"{world.name}-b"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    world.manifests("a/kinds.yaml", definition(group), namespace)
    world.manifests("b/things.yaml", thing(group, {"size": 1}), config_map("text"))
    sets = {"z-kinds": {"path": "a"}, "a-things": {"path": "b", "namespace": space}}
    sets["a-things"]["needs"] = ["z-kinds"]  # type: ignore[assignment]
    world.declare({}, sets)
    world.commit()
    world.apply()
    world.declare({}, {})
    world.commit("Take everything away")

    ended = world.apply("--acknowledge", "destroy:manifests.z-kinds", "--acknowledge", "empty")

    gone = [line.split(": ")[1] for line in ended.stderr.splitlines() if ": deleted " in line]
    assert gone.index(f"deleted Widget.{group} {space}/first") < gone.index(
        f"deleted CustomResourceDefinition widgets.{group}"
    )
    assert gone.index(f"deleted ConfigMap {space}/text") < gone.index(f"deleted Namespace {space}")


def test_sets_that_need_one_another_without_a_word(world: World) -> None:
    """A definition and a namespace of one set are there before another set's objects of them, in one apply."""
    group, space = f"{world.name}.example.com", f"{world.name}-c"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    world.manifests("z/kinds.yaml", definition(group), namespace)
    world.manifests("a/things.yaml", thing(group, {"size": 1}), config_map("text"))
    world.declare({}, {"a-things": {"path": "a", "namespace": space}, "z-kinds": {"path": "z"}})
    world.commit()

    world.apply()

    assert list(world.live(namespace=space)) == ["text"]
    assert world.run("destroy", world.name, "--yes").code == 0


def test_objects_of_an_apply_that_was_killed_are_pruned(world: World) -> None:
    """They are in the inventory before the first of them is made: leaving Git takes them away all the same."""
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/kept.yaml", config_map("kept"))
    world.manifests("shop/text.yaml", config_map("text"))
    waiting = deployment("web", annotations={"sandbox.orchestrator/fail": "NotReady"})
    world.manifests("shop/web.yaml", waiting)
    world.commit()
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: world.exists("Deployment", "web"), "the Deployment")
    running.signal(signal.SIGKILL)
    running.end()
    assert world.exists("ConfigMap", "text")
    for name in ("text", "web"):
        (world.root / "stacks" / world.name / "shop" / f"{name}.yaml").unlink()
    world.commit("Take it back")

    world.apply()

    assert list(world.live()) == ["kept"]
    assert not world.exists("Deployment", "web")


def test_an_object_that_moved_is_kept_when_the_prune_of_its_old_set_is_late(world: World) -> None:
    """An apply that is killed between a move and the prune leaves nothing that would delete what moved."""
    world.declare({}, {"old": {"path": "old", "namespace": world.name}})
    world.manifests("old/texts.yaml", config_map("moved"), config_map("gone"))
    world.commit()
    world.apply()
    uid = world.object("ConfigMap", "moved")["metadata"]["uid"]
    finalizers = {"metadata": {"finalizers": ["example.com/hold"]}}
    world.patch("ConfigMap", "gone", finalizers, manager="robot")
    world.declare({}, {"new": {"path": "new", "namespace": world.name}})
    world.manifests("new/texts.yaml", config_map("moved"))
    world.commit("Move one, drop the other")
    running = world.start("apply", world.name, "--yes")
    eventually(lambda: "deletionTimestamp" in _metadata(world, "gone"), "the deletion")
    running.signal(signal.SIGKILL)
    running.end()
    world.patch("ConfigMap", "gone", {"metadata": {"finalizers": None}}, manager="robot")

    world.apply()

    assert list(world.live()) == ["moved"]
    assert _metadata(world, "moved")["uid"] == uid
    assert _metadata(world, "moved")["annotations"]["orchestrator/unit"] == "manifests.new"


def test_a_set_says_how_long_its_deletions_may_take(world: World) -> None:
    """What is pruned is waited for as what is applied: the set's own timeout, and no five minutes."""
    world.declare(
        {}, {"shop": {"path": "shop", "namespace": world.name, "wait": {"timeout": "1s"}}}
    )
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    world.manifests("shop/held.yaml", held)
    world.manifests("shop/kept.yaml", config_map("kept"))
    world.commit()
    world.apply()
    (world.root / "stacks" / world.name / "shop" / "held.yaml").unlink()
    world.commit("Drop one")

    for verb in ("apply", "destroy"):
        ended = world.run(verb, world.name, "--yes")
        assert ended.code == 1
        assert f"ConfigMap {world.name}/held is not gone after 1 s" in ended.stderr
    world.patch("ConfigMap", "held", {"metadata": {"finalizers": None}}, manager="robot")


def _metadata(world: World, name: str) -> Document:
    found: Document = world.object("ConfigMap", name)["metadata"]
    return found
