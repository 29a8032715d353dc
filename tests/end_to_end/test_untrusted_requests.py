"""What a request says about itself: it changes neither how it is judged, nor what anybody runs."""

from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World
from tests.git import git

pytestmark = pytest.mark.integration

_POLICIES = {"guards": {"destroys": 0}, "risks": {"ConfigMap": "data-loss"}}


def _base(world: World) -> str:
    """Apply a small stack, then protect its module: that was not applied yet when a request comes."""
    world.write("echo/main.tf", ECHO)
    modules = {"echo": {"source": "./echo", "inputs": {"text": "hello"}}}
    manifests = {"shop": {"path": "shop.yaml", "namespace": world.name}}
    world.declare(modules, manifests, **_POLICIES)
    world.manifests("shop.yaml", config_map("kept"), config_map("gone"))
    world.commit("Add a stack")
    world.apply()
    protected = {"echo": {**modules["echo"], "protect": True}}
    world.declare(protected, manifests, **_POLICIES)
    return world.commit("Protect the module")


def test_a_request_is_judged_by_the_policies_of_its_base(world: World, tmp_path: Path) -> None:
    """It lifts limits and protection, calls losses harmless and names another ledger: none of it counts yet."""
    base = _base(world)
    git(world.root, "checkout", "--quiet", "-b", "change", base)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    manifests = {"shop": {"path": "shop.yaml", "namespace": world.name}}
    world.declare(
        None,
        manifests,
        guards={"destroys": 9, "prune": "100%"},
        risks={"*": "reversible"},
        ledger={"store": "directory", "path": str(elsewhere)},
    )
    world.manifests("shop.yaml", config_map("kept"))
    world.commit("Take away what is in the way")

    ended = world.run("preview", "--base", "main")
    as_json = world.run("preview", "--base", "main", "--output", "json")

    assert "1 plan refused, 1 loses data, 2 to delete, policies change in 1 plan" in ended.stdout
    assert "! refused: modules.echo is protected" in ended.stdout
    assert "guards.prune, guards.destroys, ledger.store, ledger.path, risks.*" in ended.stdout
    assert f"\n- ConfigMap {world.name}/gone" in ended.stdout
    assert [*elsewhere.iterdir()] == []
    (told,) = as_json.json["stacks"]
    assert "modules.echo.protect" in told["overruled"]
    assert [each["message"].partition(" ")[0] for each in told["refusals"]] == [
        "this",
        "modules.echo",
        "what",
    ]
