"""Applying a part of a stack, and applying what is not committed."""

from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, Json, config_map
from tests.end_to_end.world import World, small_stack
from tests.git import git

pytestmark = pytest.mark.integration


def test_only_takes_a_unit_and_what_it_needs(world: World) -> None:
    """Nothing else is planned, applied or pruned; status says which units were not applied."""
    small_stack(world)
    world.apply()
    modules: dict[str, Json] = {
        "base": {"source": "./modules/base", "inputs": {"text": "changed"}},
        "other": {"source": "./modules/base", "inputs": {"text": "other"}},
    }
    namespace = world.name
    world.declare(
        modules,
        {
            "shop": {"path": "shop", "namespace": namespace},
            "other": {"path": "other.yaml", "namespace": namespace},
        },
    )
    world.manifests("other.yaml", config_map("other"))
    world.commit()

    applied = world.apply("--only", "manifests.shop")

    assert "other" not in applied.said
    assert world.data("greeting") == {"text": "changed"}
    assert world.live().keys() == {"greeting", "colours", "platform"}
    assert world.resources("other") == {}
    outcomes = _outcomes(world)
    assert outcomes["modules.base"] == "applied"
    assert outcomes["modules.other"] is outcomes["manifests.other"] is None

    world.apply()

    assert world.live().keys() == {"greeting", "colours", "other"}
    assert world.resources("other")
    assert set(_outcomes(world)) == {
        "modules.base",
        "modules.other",
        "manifests.shop",
        "manifests.other",
    }


def test_only_of_a_destruction_takes_along_what_needs_the_unit(
    world: World, tmp_path: Path
) -> None:
    """What the unit itself needs stays, since others may need it too; a saved plan does the same."""
    small_stack(world)
    world.apply()

    destroyed = world.run("destroy", world.name, "--only", "manifests.shop", "--yes")

    assert destroyed.code == 0, destroyed.said
    assert world.live().keys() == {"platform"}
    assert world.resources("base")
    assert _outcomes(world)["manifests.shop"] is None
    assert _outcomes(world)["manifests.platform"] == "applied"

    world.apply()
    file = tmp_path / "plan"
    world.plan("--destroy", "--only", "manifests.platform", "--out", str(file))
    saved = world.run("apply", str(file), "--yes")

    assert saved.code == 0, saved.said
    assert world.live() == {}
    assert world.resources("base")


def test_an_unknown_unit_is_answered_with_the_nearest(world: World) -> None:
    """A name that is none is a usage error, before anything is asked or planned."""
    small_stack(world)

    ended = world.run("plan", world.name, "--only", "manifests.shpo")

    assert ended.code == 64
    assert "manifests.shop" in ended.stderr


def test_uncommitted_files_are_applied_only_when_that_was_allowed(world: World) -> None:
    """The ledger records commits: without the flag nothing happens, with it a digest of the difference is kept."""
    commit = small_stack(world)
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "not committed"}))

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "--allow-dirty" in refused.stderr
    assert world.live() == {}
    assert world.ledger() == []

    world.apply("--allow-dirty")

    assert world.data("platform") == {"text": "not committed"}
    unit = world.run("status", world.name, "--output", "json").json["units"][0]
    assert unit["applied"]["commit"] == commit
    assert len(unit["applied"]["difference"]) == 64
    assert f"{commit[:10]}+dirty" in world.run("status", world.name).stdout
    assert f"{commit[:10]}+dirty" in world.ledger()[0]


def test_files_that_git_ignores_are_no_part_of_a_revision(world: World) -> None:
    """They neither make a tree dirty nor reach a module, as in a clone of the repository."""
    world.write("modules/base/main.tf", f"{ECHO}\n")
    world.write("modules/base/ignored.tf", 'output "more" { value = "a mistake" }\n')
    (world.root / ".gitignore").write_text("ignored.tf\n")
    world.declare({"base": {"source": "./modules/base", "inputs": {"text": "hello"}}}, {})
    world.commit()

    world.apply()

    assert world.state("base")["outputs"].keys() == {"text", "kept", "id"}
    assert git(world.root, "status", "--porcelain") == ""


def _outcomes(world: World) -> dict[str, str | None]:
    units = world.run("status", world.name, "--output", "json").json["units"]
    return {unit["unit"]: unit["outcome"] for unit in units}
