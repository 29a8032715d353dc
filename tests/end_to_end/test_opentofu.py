"""OpenTofu in place of Terraform: for a whole stack, and for one module of it."""

from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, Json
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration


def declare(world: World, text: str, *, of_stack: Json = None, of_next: Json = None) -> None:
    """Commit two modules, of which one reads what the other keeps, with engines of the stack and of that one."""
    world.write("modules/echo/main.tf", ECHO)
    echo = {"source": "./modules/echo"}
    waiting = {**echo, "inputs": {"text": "${{ modules.base.kept }} again"}}
    modules = {
        "base": {**echo, "inputs": {"text": text}},
        "next": waiting | ({"terraform": of_next} if of_next else {}),
    }
    world.declare(modules, None, **({"terraform": of_stack} if of_stack else {}))
    world.commit()


def made_by(world: World, unit: str) -> str:
    """Return the version of the engine that wrote a module's state."""
    return str(world.state(unit)["terraform_version"])


def kept(world: World) -> str:
    """Return what the module that waits keeps."""
    return str(world.resources("next")["terraform_data.echo"]["input"]["value"])


def test_a_stack_is_planned_applied_and_destroyed_with_opentofu(
    world: World, opentofu: Path
) -> None:
    """The life of a stack: a module that waits, a saved plan, nothing to do, and nothing left."""
    chosen = {"binary": str(opentofu), "version": "~> 1.10.0"}
    declare(world, "hello", of_stack=chosen)

    planned = world.plan()
    world.apply()
    unchanged = world.plan("--detailed-exitcode")
    declare(world, "goodbye", of_stack=chosen)
    saved = str(world.root.with_name("saved.plan"))
    world.plan("--out", saved)
    applied = world.run("apply", saved, "--yes")

    assert "(known after apply: modules.base.kept)" in planned.stdout
    assert "nothing to do" in unchanged.stdout.lower()
    assert applied.code == 0, applied.said
    assert kept(world) == "goodbye again"
    assert {made_by(world, unit) for unit in ("base", "next")} == {"1.10.10"}
    destroyed = world.run("destroy", world.name, "--yes")
    assert destroyed.code == 0, destroyed.said
    assert not world.state("base").get("resources")


def test_one_module_runs_with_opentofu_beside_terraform(world: World, opentofu: Path) -> None:
    """Each state is written by its own engine, and `terraform UNIT` runs that one."""
    declare(world, "hello", of_next={"binary": str(opentofu), "version": ">= 1.10, < 1.11"})

    world.apply()
    asked = world.run("terraform", "modules.next", "--", "version")
    other = world.run("terraform", "modules.base", "--", "version")

    assert asked.stdout.startswith("OpenTofu v1.10.10\n"), asked.said
    assert other.stdout.startswith("Terraform v"), other.said
    assert made_by(world, "next") == "1.10.10" != made_by(world, "base")
    assert kept(world) == "hello again"


def test_an_opentofu_that_a_module_does_not_accept_is_refused(world: World, opentofu: Path) -> None:
    """Which one was found, and the constraint that it does not meet, before anything runs."""
    declare(world, "hello", of_next={"binary": str(opentofu), "version": ">= 1.11"})

    ended = world.run("apply", world.name, "--yes")

    assert ended.code != 0
    assert "opentofu 1.10.10 is not `>= 1.11`, which modules.next asks for" in ended.said
    assert not world.state("base")
