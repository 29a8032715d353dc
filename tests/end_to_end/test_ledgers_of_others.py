"""Ledgers that several stacks keep in one place: none of them is lost by what another one does."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.commands import Ended
from tests.end_to_end.stacks import config_map, documents, stack_file
from tests.end_to_end.world import World
from tests.git import git, make_clone, make_repository

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


def test_another_repositorys_stack_of_that_name_is_not_pruned(world: World, tmp_path: Path) -> None:
    """Its ledger tells of commits that are not here; a repository that moved, and has a new history, still has them."""
    (tmp_path / "ledgers").mkdir()
    kept = {"store": "directory", "path": str(tmp_path / "ledgers")}

    def declared(world: World, name: str) -> None:
        sets = {"shop": {"path": "shop", "namespace": world.name}}
        world.declare({}, sets, ledger=kept)
        world.manifests("shop/text.yaml", config_map(name))
        world.commit(f"Declare {name}")

    declared(world, "first")
    world.apply()
    other = replace(world, root=make_repository(tmp_path / "other"))
    declared(other, "second")

    for verb in ("apply", "destroy"):
        refused = _refused(other.run(verb, world.name, "--yes"))
        assert f"the ledger of {world.name}/default in the directory {kept['path']}" in refused
        assert "is not of this repository" in refused
    assert world.live().keys() == {"first"}

    declared(world, "third")
    git(world.root, "checkout", "--quiet", "--orphan", "again")
    world.commit("Begin the history anew")
    world.root.rename(tmp_path / "moved")
    again = make_clone(tmp_path / "moved", tmp_path / "again", "--single-branch")
    replace(world, root=again).apply()
    assert world.live().keys() == {"third"}
    other.apply("--acknowledge", "unknown-revisions", "--acknowledge", "prune:manifests.shop")
    assert world.live().keys() == {"second"}
