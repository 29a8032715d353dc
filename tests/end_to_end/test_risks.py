"""What loses data is never done unless it was named for this very plan."""

import pytest

from tests.end_to_end.test_on_a_terminal import on_terminal
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

DATABASE = """
variable "engine" {
  type = string
}

resource "terraform_data" "main" {
  input            = "rows"
  triggers_replace = var.engine
}
"""


@pytest.fixture
def database(world: World) -> World:
    """Return a world with a database applied: a resource of a type that the stack says loses data."""
    world.write("modules/database/main.tf", DATABASE)
    _declare(world, engine="one")
    world.commit()
    world.apply()
    return world


def _declare(world: World, *, engine: str) -> None:
    module = {"source": "./modules/database", "inputs": {"engine": engine}}
    world.declare({"database": module}, None, risks={"terraform_data": "data-loss"})


def test_a_replacement_that_loses_data_has_to_be_named(database: World) -> None:
    """The plan says so first; an apply is refused with the flag to pass, and done with it."""
    _declare(database, engine="two")
    database.commit()
    before = database.snapshot()

    assert database.plan().stdout.splitlines()[2] == "  ! 1 loses data: terraform_data.main"
    refused = database.run("apply", database.name, "--yes")

    assert refused.code == 1, refused.said
    assert "--acknowledge terraform_data.main" in refused.stderr
    assert database.snapshot() == before
    assert not database.locks()

    done = database.apply("--acknowledge", "terraform_data.main")
    assert "1 replaced" in done.stdout
    assert any("1 losing data" in subject for subject in database.ledger())


def test_destroying_a_database_has_to_be_named(database: World) -> None:
    """That everything is to go is not yet that its data is."""
    refused = database.run("destroy", database.name, "--yes")

    assert refused.code == 1, refused.said
    assert database.resources("database")

    named = ("--acknowledge", "destroy:modules.database")
    destroyed = database.run("destroy", database.name, "--yes", *named)
    assert destroyed.code == 0, destroyed.said
    assert database.resources("database") == {}


def test_a_line_that_is_gone_makes_nothing_less_precious(database: World) -> None:
    """What was applied as losing data does so until an apply says otherwise, whatever Git says by then."""
    module = {"source": "./modules/database", "inputs": {"engine": "two"}}
    database.declare({"database": module}, None)
    database.commit()

    planned = database.plan("--destroy")
    replaced = database.run("apply", database.name, "--yes")

    assert "  ! 1 loses data: terraform_data.main" in planned.stdout.splitlines()
    assert replaced.code == 1
    assert "--acknowledge terraform_data.main" in replaced.stderr


def test_on_a_terminal_the_name_is_typed(database: World) -> None:
    """Before the question that every apply asks; anything else than the name changes nothing."""
    _declare(database, engine="two")
    database.commit()
    before = database.snapshot()

    with on_terminal(database, "apply", database.name) as asked:
        asked.wait_for("Type its name to go ahead")
        asked.type("yes\n")
        assert asked.end() == 1
    assert "terraform_data.main was not typed" in " ".join(asked.seen.split())
    assert database.snapshot() == before

    with on_terminal(database, "apply", database.name) as asked:
        asked.wait_for("What is in terraform_data.main will be lost.")
        asked.type("terraform_data.main\n")
        asked.wait_for("Only 'yes' goes ahead")
        asked.type("yes\n")
        assert asked.end() == 0
    assert (
        database.resources("database")["terraform_data.main"]["triggers_replace"]["value"] == "two"
    )


def test_a_saved_plan_loses_nothing_unnamed(database: World) -> None:
    """That it was saved is no acknowledgement; on a terminal the name is asked for, elsewhere it is a flag."""
    file = str(database.root.with_name("shop.plan"))
    database.plan("--destroy", "--out", file)

    refused = database.run("apply", file)
    assert refused.code == 1
    assert "--acknowledge terraform_data.main" in refused.stderr

    with on_terminal(database, "apply", file) as asked:
        asked.wait_for("Type its name to go ahead")
        asked.type("terraform_data.main\n")
        assert asked.end() == 0
    assert database.resources("database") == {}
