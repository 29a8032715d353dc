"""What goes, goes backwards: also where the sets that share a kind or a namespace know nothing of one another."""

import pytest

from tests.end_to_end.stacks import config_map
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

    ended = world.apply("--acknowledge", "destroy:manifests.z-kinds")

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
