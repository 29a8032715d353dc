"""`moved`, `removed` and `import` blocks: planned, applied, and done with afterwards."""

import pytest

from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

FIRST = """
resource "terraform_data" "one" {
  input = "one"
}

resource "terraform_data" "two" {
  input = "two"
}

resource "terraform_data" "three" {
  input = "three"
}
"""

LATER = """
resource "terraform_data" "first" {
  input = "one"
}

moved {
  from = terraform_data.one
  to   = terraform_data.first
}

removed {
  from = terraform_data.two
  lifecycle {
    destroy = false
  }
}

removed {
  from = terraform_data.three
  lifecycle {
    destroy = true
  }
}

import {
  to = terraform_data.found
  id = "made-by-hand"
}

resource "terraform_data" "found" {}
"""


def test_blocks_that_rearrange_a_state_are_applied_once(world: World) -> None:
    """Nothing is made or destroyed but what the blocks say, and the same files have nothing to do afterwards."""
    world.write("modules/base/main.tf", FIRST)
    world.declare({"base": {"source": "./modules/base"}}, None)
    world.commit()
    world.apply()
    one = world.resources("base")["terraform_data.one"]["id"]
    world.write("modules/base/main.tf", LATER)
    world.commit("Rearrange")

    planned = world.plan().stdout
    applied = world.apply()

    for line in (
        "> terraform_data.one → terraform_data.first",
        "x terraform_data.two",
        "- terraform_data.three",
        "& terraform_data.found  (imported from made-by-hand)",
    ):
        assert line in planned
    assert "1 to delete, 1 to move, 1 to import, 1 to forget" in " ".join(planned.split())
    assert "1 deleted, 1 moved, 1 imported, 1 forgotten" in " ".join(applied.stdout.split())
    found = world.resources("base")
    assert found.keys() == {"terraform_data.first", "terraform_data.found"}
    assert found["terraform_data.first"]["id"] == one
    assert found["terraform_data.found"]["id"] == "made-by-hand"
    assert "Nothing to do" in world.apply().stdout


def test_a_saved_plan_of_such_blocks_is_applied_too(world: World) -> None:
    """What rearranges a state alone is something to do: it is in the plan file and in the ledger."""
    world.write("modules/base/main.tf", FIRST)
    world.declare({"base": {"source": "./modules/base"}}, None)
    world.commit()
    world.apply()
    move = "moved {\n  from = terraform_data.one\n  to   = terraform_data.first\n}\n"
    renamed = FIRST.replace('"terraform_data" "one"', '"terraform_data" "first"')
    world.write("modules/base/main.tf", renamed + move)
    world.commit("Rename")
    file = str(world.root.with_name("shop.plan"))
    world.plan("--out", file)

    applied = world.run("apply", file, "--yes")

    assert applied.code == 0, applied.said
    assert "1 moved" in applied.stdout
    assert "terraform_data.first" in world.resources("base")
    assert "Nothing to do" in world.plan().stdout


def test_a_failed_check_warns_and_stops_nothing(world: World) -> None:
    """It stands in the plan of text and JSON with its address; the apply goes on."""
    check = (
        'check "colour" {\n  assert {\n    condition     = terraform_data.one.input == "red"\n'
        '    error_message = "it is ${terraform_data.one.input}"\n  }\n}\n'
    )
    world.write("modules/base/main.tf", FIRST + check)
    world.declare({"base": {"source": "./modules/base"}}, None)
    world.commit()

    planned = world.plan()
    (unit,) = world.plan("--output", "json").json["units"]
    world.apply()

    assert "! check.colour failed: it is one" in planned.stdout
    assert unit["warnings"] == ["check.colour failed: it is one"]
    assert "check.colour failed" in world.plan().stdout
