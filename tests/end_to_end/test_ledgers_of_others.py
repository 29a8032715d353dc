"""Ledgers that several stacks keep in one place: none of them is lost by what another one does."""

import pytest

from tests.end_to_end.commands import Ended
from tests.end_to_end.stacks import config_map, documents, stack_file
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration


def _refused(ended: Ended) -> str:
    assert ended.code == 1, ended.said
    return " ".join(ended.stderr.split())


def test_a_namespace_is_not_deleted_with_the_ledgers_in_it(world: World) -> None:
    """Neither by a destroy nor by a prune, whatever was acknowledged, until they are kept elsewhere."""
    space, other = f"{world.name}-ledgers", f"{world.name}-other"
    kept = {"store": "cluster", "namespace": space}
    world.create_namespace(space)
    sets = {"shop": {"path": "shop", "namespace": world.name}}
    file = stack_file(other, manifests=sets, ledger=kept)
    world.write(f"../{other}/stack.yaml", file)
    world.write(f"../{other}/shop/text.yaml", documents(config_map("other")))
    world.declare({}, {"platform": {"path": "platform"}, **sets})
    world.manifests("shop/text.yaml", config_map("text"))
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    world.manifests("platform/space.yaml", namespace)
    world.commit()
    assert world.run("apply", other, "--yes").code == 0
    world.apply()

    told = (
        f"Namespace {space} would be deleted, and with it the ledger of {other}/default, kept there"
    )
    for verb in (("plan", "--destroy"), ("destroy", "--yes")):
        assert told in _refused(world.run(*verb, world.name))
    world.declare({}, sets)
    world.commit("Drop the namespace")
    words = ("--acknowledge", "destroy:manifests.platform")
    assert told in _refused(world.run("apply", world.name, "--yes", *words))

    assert world.run("ledger", "export", other, "../all.ledger").code == 0
    world.write(f"../{other}/stack.yaml", stack_file(other, manifests=sets))
    world.commit("Keep the other ledger in Git")
    assert world.run("ledger", "import", "../all.ledger").code == 0
    assert f"deleted Namespace {space}" in world.apply(*words).stderr
