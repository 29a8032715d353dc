"""What is protected, and what a missing state would make twice, is not touched without being named."""

import shutil

import pytest

from tests.end_to_end.stacks import ECHO, config_map
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_REPLACED_BY_TEXT = ECHO.replace(
    "input = var.text", "input = var.text\n  triggers_replace = var.text"
)


def _stack(world: World, text: str, **base: object) -> str:
    world.write("modules/base/main.tf", _REPLACED_BY_TEXT)
    module = {"source": "./modules/base", "inputs": {"text": text}, **base}
    world.declare({"base": module}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("greeting"))
    return world.commit(f"Say {text}")


def _without_base(world: World) -> None:
    world.declare({}, {"shop": {"path": "shop", "namespace": world.name}})
    world.commit("Remove the module")


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_a_protected_module_is_not_replaced_unless_named(world: World) -> None:
    """The refusal names the resource and the flag; nothing is changed by it."""
    _stack(world, "hello", protect=True)
    world.apply()
    before = world.snapshot()
    _stack(world, "goodbye", protect=True)

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "-/+ terraform_data.echo" in refused.stdout
    assert "modules.base is protected" in _flat(refused.stderr)
    assert "--acknowledge destroy:modules.base" in _flat(refused.stderr)
    assert world.snapshot() == before

    world.apply("--acknowledge", "destroy:modules.base")

    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "goodbye"


def test_deleting_the_line_that_protects_does_not_unprotect(world: World) -> None:
    """Protection is kept in the ledger: the commit that drops the whole module is refused too."""
    _stack(world, "hello", protect=True)
    world.apply()
    before = world.snapshot()
    _without_base(world)

    planned = world.run("plan", world.name)
    refused = world.run("apply", world.name, "--yes")

    assert "is protected; applying this needs --acknowledge destroy:modules.base" in _flat(
        planned.stdout
    )
    assert refused.code == 1
    assert "modules.base is protected" in _flat(refused.stderr)
    assert world.snapshot() == before

    world.apply("--acknowledge", "destroy:modules.base")

    assert world.resources("base") == {}
    assert world.run("status", world.name).stdout.count("modules.base") == 0


def test_destroy_stops_at_a_protected_module(world: World) -> None:
    """Not even the workloads go, since the whole was refused."""
    _stack(world, "hello", protect=True)
    world.apply()
    before = world.snapshot()

    refused = world.run("destroy", world.name, "--yes")

    assert refused.code == 1
    assert "modules.base is protected" in _flat(refused.stderr)
    assert world.snapshot() == before


def test_a_state_that_is_gone_does_not_make_everything_twice(world: World) -> None:
    """The ledger knows that the module was applied: an empty state is a mistake until somebody says not."""
    _stack(world, "hello")
    world.apply()
    shutil.rmtree(world.root / ".orchestrator" / "state")
    ledger = world.ledger()

    planned = world.plan()
    refused = world.run("apply", world.name, "--yes")

    assert "+ terraform_data.echo" in planned.stdout
    assert refused.code == 1
    assert "its Terraform state is not here" in _flat(refused.stderr)
    assert "--acknowledge recreate:modules.base" in _flat(refused.stderr)
    assert world.resources("base") == {}
    assert world.ledger() == ledger

    world.apply("--acknowledge", "recreate:modules.base")

    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "hello"


_DYING = """
resource "terraform_data" "first" {}

resource "terraform_data" "second" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = ": > STATE; kill -KILL $PPID"
  }
}
"""


def test_a_first_state_that_was_lost_does_not_make_everything_twice(world: World) -> None:
    """Something was made by an apply that died over its first state: whoever goes on has to say that it is seen to."""
    state = world.root / ".orchestrator/state" / world.name / "default/base.tfstate"
    world.write("modules/base/main.tf", _DYING.replace("STATE", str(state)))
    world.declare({"base": {"source": "./modules/base"}}, {})
    world.commit("Die")
    assert world.run("apply", world.name, "--yes").code == 1
    assert state.read_text() == ""
    world.write("modules/base/main.tf", 'resource "terraform_data" "first" {}\n')
    world.commit("Live")
    world.plan()

    refused = world.run("apply", world.name, "--yes", "--retry")

    assert refused.code == 1
    assert "terraform_data.first was made, and this plan would create" in _flat(refused.stderr)
    world.apply("--retry", "--acknowledge", "recreate:modules.base")
    assert [*world.resources("base")] == ["terraform_data.first"]
    assert world.run("apply", world.name, "--yes").code == 0


def test_every_plan_tells_of_a_state_that_found_no_room(world: World) -> None:
    """What was set aside is told until somebody has seen to it and removed it."""
    world.write("modules/base/main.tf", 'resource "terraform_data" "first" {}\n')
    world.declare({"base": {"source": "./modules/base"}}, {})
    world.commit("Live")
    world.apply()
    home = world.root / ".orchestrator/units" / world.name / "default/base"
    (left,) = [each.parent for each in (home / "tree").rglob("main.tf")]
    (left / "errored.tfstate").write_text('{"version": 4, "ser')

    for _ in range(2):
        assert "an apply found no room for its Terraform state" in _flat(world.plan().stdout)
    (home / "errored.tfstate.torn").unlink()
    assert "found no room" not in world.plan().stdout


def test_a_module_applied_from_uncommitted_files_can_be_removed(world: World) -> None:
    """It is destroyed from the commit that it was applied on top of, where that declares it."""
    _stack(world, "hello")
    world.write("modules/base/notes.tf", "# not committed\n")
    world.apply("--allow-dirty")
    (world.root / "stacks" / world.name / "modules/base/notes.tf").unlink()
    _without_base(world)

    world.apply()

    assert world.resources("base") == {}


def test_a_module_that_was_never_committed_is_not_orphaned(world: World) -> None:
    """Its source is nowhere to be had: the refusal says how to get out of it, and nothing is forgotten."""
    _without_base(world)
    world.write("modules/base/main.tf", ECHO)
    module = {"source": "./modules/base", "inputs": {"text": "hello"}}
    world.declare({"base": module}, {"shop": {"path": "shop", "namespace": world.name}})
    world.manifests("shop/texts.yaml", config_map("greeting"))
    world.apply("--allow-dirty")
    shutil.rmtree(world.root / "stacks" / world.name / "modules")
    _without_base(world)

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "was applied from uncommitted files" in _flat(refused.stderr)
    assert "declare it again" in _flat(refused.stderr)
    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "hello"


def test_protection_outlives_its_line(world: World) -> None:
    """An apply after the line was deleted changes nothing about it: the unit is still protected when it goes too."""
    _stack(world, "hello", protect=True)
    world.apply()
    _stack(world, "hello")
    world.apply()
    assert "protected" in world.run("status", world.name).stdout
    _without_base(world)

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "modules.base is protected" in _flat(refused.stderr)
    assert "or first commit and apply it with `protect: false`" in _flat(refused.stderr)


def test_what_another_set_takes_over_stays_protected(world: World) -> None:
    """A set that gets another name, and loses its line, may not make anew what was in it."""
    taken = {"path": "data", "namespace": world.name, "replace": True}
    fixed = {"immutable": True}
    world.manifests("data/one.yaml", {**config_map("one", {"n": "1"}), **fixed})
    world.declare(None, {"data": {**taken, "protect": True}})
    world.commit()
    world.apply()
    world.manifests("data/one.yaml", {**config_map("one", {"n": "2"}), **fixed})
    world.declare(None, {"records": taken})
    world.commit("Give the set another name")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "manifests.data is protected" in _flat(refused.stderr)
    assert world.live()["one"]["data"] == {"n": "1"}
    world.apply("--acknowledge", "destroy:manifests.data")
    assert world.live()["one"]["data"] == {"n": "2"}


def test_a_set_that_takes_over_is_protected_from_then_on(world: World) -> None:
    """Another name, applied, and then its end: what was protected is not lost in two steps either."""
    taken = {"path": "data", "namespace": world.name}
    world.manifests("data/one.yaml", config_map("one"))
    world.declare(None, {"data": {**taken, "protect": True}})
    world.commit()
    world.apply()
    world.declare(None, {"records": taken})
    world.commit("Give the set another name")
    told = "manifests.records takes over what is protected in manifests.data"
    assert told in _flat(world.apply().stdout)
    world.declare(None, {})
    world.commit("Drop the set")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "manifests.records is protected" in _flat(refused.stderr)
    assert set(world.live()) == {"one"}


def test_protection_is_lifted_by_a_change_of_its_own(world: World) -> None:
    """The plan says that it is lifted and destroys nothing; once it is applied, the next one may."""
    _stack(world, "hello", protect=True)
    world.apply()
    _stack(world, "goodbye", protect=False)
    both = world.run("apply", world.name, "--yes")
    assert both.code == 1
    assert "apply `protect: false` alone" in _flat(both.stderr)
    _stack(world, "hello", protect=False)

    assert "protection lifted" in world.plan().stdout
    world.apply()

    assert "protected" not in world.run("status", world.name).stdout
    assert world.resources("base")["terraform_data.echo"]["output"]["value"] == "hello"
    _without_base(world)
    world.apply()
    assert world.resources("base") == {}
