"""Modules that wait for others are in the plan like any other, and what is done in their turn is what was shown."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.end_to_end.stacks import ECHO, Json, config_map, secret
from tests.end_to_end.test_on_a_terminal import on_terminal
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_TAKES = """
variable "text" { type = string }
resource "terraform_data" "taken" {
  input = var.text
}
output "kept" { value = { text = terraform_data.taken.output, size = 3 } }
"""
_REPLACES = _TAKES.replace(
    "  input = var.text\n", "  input = var.text\n  triggers_replace = var.text\n"
)
_COUNTED = """
variable "text" { type = string }
resource "terraform_data" "letter" {
  count = length(var.text)
}
"""


def test_a_chain_of_modules_is_planned_in_one_go(world: World) -> None:
    """From scratch: each module's resources are shown with what they wait for, down to the manifests."""
    _declare_chain(world, text="one")
    world.manifests(
        "shop.yaml",
        config_map(
            "shop",
            {"text": "${{ modules.third.kept.text }}", "size": "is ${{ modules.third.kept.size }}"},
        ),
    )
    world.declare(_chain("one"), {"shop": {"path": "shop.yaml", "namespace": world.name}})
    world.commit()

    planned = world.run("plan", world.name, "--output", "json")
    applied = world.apply()

    units = {unit["unit"]: unit for unit in planned.json["units"]}
    assert planned.json["counts"] == {"create": 4, "deferred": 0}
    assert [unit["deferred"] for unit in units.values()] == ["", "", "", ""]
    assert _after(units["modules.second"])["input"] == _waits("modules.first.kept")
    assert _after(units["modules.third"])["input"] == _waits("modules.second.kept.text")
    assert _after(units["modules.third"])["triggers_replace"] == {"value": 3}
    shop = {
        item["path"]: item["after"] for item in units["manifests.shop"]["changes"][-1]["fields"]
    }
    assert shop["data.text"] == _waits("modules.third.kept.text")
    assert shop["data.size"] == {"value": "is 3"}
    assert "waits for modules.first.kept; planned again when that is known" in applied.stdout
    assert world.data("shop") == {"text": "one", "size": "is 3"}
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0


def test_a_replacement_by_an_unknown_is_shown_and_done(world: World) -> None:
    """What is replaced because of a value not known yet stands in the plan, so that nobody is asked again."""
    world.write("modules/second/main.tf", _REPLACES)
    _declare_chain(world, text="one")
    world.apply()
    made = world.resources("second")["terraform_data.taken"]["id"]
    _declare_chain(world, text="two", second=_REPLACES)

    planned = world.plan()
    world.apply()

    assert "-/+ terraform_data.taken" in planned.stdout
    assert "(known after apply: modules.first.kept)  # forces replacement" in planned.stdout
    assert world.resources("second")["terraform_data.taken"]["id"] != made


def test_protection_holds_before_anything_is_done(world: World) -> None:
    """A protected module that an unknown would replace is refused while planning, its upstream untouched."""
    _declare_chain(world, text="one", second=_REPLACES)
    world.apply()
    _declare_chain(world, text="two", second=_REPLACES, protect=True)

    refused = world.run("apply", world.name, "--yes")

    assert "modules.second is protected" in refused.stderr
    assert world.resources("first")["terraform_data.echo"]["output"] == {
        "value": "one",
        "type": "string",
    }


def test_what_cannot_be_planned_before_says_why(world: World) -> None:
    """The number of resources cannot be left open: the module is planned and guarded in its turn."""
    _declare_chain(world, text="three", second=_COUNTED, third=False)

    planned = world.plan()
    world.apply()

    told = " ".join(planned.stdout.split())
    assert "? planned after modules.first is applied, since it needs modules.first.kept:" in told
    assert "the count of terraform_data.letter" in told
    assert "1 unit planned in turn, during the apply" in told

    _declare_chain(world, text="one", second=_COUNTED, third=False)
    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert (
        "would delete or replace terraform_data.letter[3], terraform_data.letter[4]"
        in refused.stdout
    )
    assert "--allow-deferred" in refused.stdout
    assert _letters(world) == 5
    assert "failed at modules.second" in world.ledger()[0]

    planned = world.plan()
    assert "- terraform_data.letter[4]" in planned.stdout
    world.apply()
    assert _letters(world) == 3


def test_what_was_deferred_may_delete_when_that_was_allowed(world: World) -> None:
    """`--allow-deferred` says beforehand that units planned in turn may delete things."""
    _declare_chain(world, text="three", second=_COUNTED, third=False)
    world.apply()
    _declare_chain(world, text="one", second=_COUNTED, third=False)

    world.apply("--allow-deferred")

    assert _letters(world) == 3


def test_what_was_deferred_is_in_no_approval(world: World) -> None:
    """Where plans have to be approved, nobody allows what could not be shown: it is a plan of its own, afterwards."""
    _declare_chain(world, text="three", second=_COUNTED, third=False)
    world.apply()
    file = world.root / "stacks" / world.name / "stack.yaml"
    _declare_chain(world, text="one", second=_COUNTED, third=False)
    file.write_text(f"guards: {{approvals: 1, own_approvals: true}}\n{file.read_text()}")
    world.commit("Approve first")
    digest = world.plan("--output", "json").json["digest"]
    assert world.run("approve", digest, world.name).code == 0

    refused = world.run("apply", world.name, "--yes", "--allow-deferred")

    assert refused.code == 1
    assert "would delete or replace terraform_data.letter[3]" in " ".join(refused.stdout.split())
    assert _letters(world) == 5


def test_more_than_was_shown_is_refused_without_a_person(world: World, tmp_path: Path) -> None:
    """A late plan that touches what the plan did not show stops, and does nothing to that module."""
    _declare_surprise(world, tmp_path / "there")
    world.apply()
    (tmp_path / "there").unlink()
    _declare_surprise(world, tmp_path / "there", text="two")

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert (
        "would now do more than the plan showed: to delete terraform_data.extra[0]"
        in refused.stdout
    )
    assert world.resources("second")["terraform_data.taken"]["input"]["value"] == "one"


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_more_than_was_shown_is_asked_on_a_terminal(
    world: World, tmp_path: Path, answer: str
) -> None:
    """A person sees what the module would do now, and decides."""
    kept = answer == "no"
    _declare_surprise(world, tmp_path / "there")
    world.apply()
    (tmp_path / "there").unlink()
    _declare_surprise(world, tmp_path / "there", text="two")

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        terminal.type("yes\n")
        asked = terminal.wait_for("Only 'yes' does: ")
        terminal.type(f"{answer}\n")
        code = terminal.end()

    assert "- terraform_data.extra[0]" in asked.rpartition("Only 'yes' goes ahead")[2]
    assert code == (1 if kept else 0)
    resources = world.resources("second")
    assert ("terraform_data.extra" in resources) is kept
    assert resources["terraform_data.taken"]["input"]["value"] == ("one" if kept else "two")
    if kept:
        assert "that was not agreed to" in " ".join(terminal.seen.split())


def test_asking_in_the_middle_can_be_interrupted(world: World, tmp_path: Path) -> None:
    """^C at the question ends the run; what was applied before is recorded."""
    _declare_surprise(world, tmp_path / "there")
    world.apply()
    (tmp_path / "there").unlink()
    _declare_surprise(world, tmp_path / "there", text="two")

    with on_terminal(world, "apply", world.name) as terminal:
        terminal.wait_for("Only 'yes' goes ahead")
        terminal.type("yes\n")
        terminal.wait_for("Only 'yes' does: ")
        terminal.type("\x03")
        code = terminal.end()

    assert code == 130
    assert "interrupted" in world.ledger()[0]
    assert world.locks() == ""


def test_a_state_that_moves_while_its_module_waits_stops_it(world: World) -> None:
    """What was shown was made against another state, so that nothing is done to that module."""
    state = world.root / ".orchestrator/state" / world.name / "default/second.tfstate"
    _declare_chain(world, text="one", third=False)
    world.apply()
    _declare_chain(world, text="two", third=False)
    moves = f'test ! -e {state} || sed -i \'s/"serial": /"serial": 9/\' {state}'
    world.write(
        "modules/first/moves.tf",
        'resource "terraform_data" "moves" {\n  provisioner "local-exec" {\n'
        f"    command = {json.dumps(moves)}\n  }}\n}}\n",
    )
    world.commit()

    refused = world.run("apply", world.name, "--yes")

    assert refused.code == 1
    assert "the Terraform state of modules.second moved since the plan was made" in refused.stdout
    assert world.resources("second")["terraform_data.taken"]["input"]["value"] == "one"


def test_a_module_that_is_told_to_wait_reads_nothing_too_early(world: World) -> None:
    """It reads what the other one makes, without a reference: planned as with `depends_on`, and done in its turn."""
    made = world.root.with_name("made.tfstate")
    left = world.root / ".orchestrator/units/gone/default/unit/inputs-left/inputs.tfvars.json"
    left.parent.mkdir(parents=True)
    left.touch()
    _declare_reader(world, made, text="one")

    planned = world.plan("--output", "json")
    world.apply()

    assert not left.parent.exists()
    (first, second) = planned.json["units"]
    assert (first["pending"], second["pending"]) == ([], ["modules.first"])
    assert _after(second)["input"] == {"unknown": True, "sources": []}
    assert world.resources("second")["terraform_data.taken"]["input"]["value"] == "one"

    _declare_reader(world, made, text="two")
    told = " ".join(world.apply().stdout.split())
    assert "waits for modules.first; planned again when that is applied" in told
    assert world.resources("second")["terraform_data.taken"]["input"]["value"] == "two"


def test_what_reads_a_module_that_waits_gets_what_came_of_it(world: World) -> None:
    """Its output was known, and turns out to be another: its readers are held to what they showed, and not to that.

    Who waits for a module that only stands on what changes reads nothing too early either.
    """
    made = world.root.with_name("made.tfstate")
    made.write_text(_made("zero"))
    _declare_readers(world, made, text="one")

    created = world.run("apply", world.name, "--yes")

    assert world.resources("reader")["terraform_data.echo"]["input"]["value"] == "one"
    told = " ".join(created.stdout.split())
    assert "manifests.shop would now do more than the plan showed: ConfigMap" in told
    assert not world.exists("ConfigMap", "shop")
    world.apply()
    assert world.data("shop") == {"text": "one"}

    _declare_readers(world, made, text="two")
    planned = world.plan("--output", "json")
    refused = world.run("apply", world.name, "--yes")

    pending = {unit["unit"]: unit["pending"] for unit in planned.json["units"]}
    assert pending["modules.behind"] == ["modules.still"]
    told = " ".join(refused.stdout.split())
    assert "modules.reader would now do more than the plan showed: to update" in told
    assert world.resources("reader")["terraform_data.echo"]["input"]["value"] == "one"
    assert world.resources("behind")["terraform_data.taken"]["input"]["value"] == "two"


def _declare_readers(world: World, made: Path, *, text: str) -> None:
    """Declare, beside the two, one that waits and reads the file, and a module and a set that read its output."""
    _declare_reader(world, made, text=text)
    world.write("modules/first/id.tf", 'output "id" {\n  value = terraform_data.writes.id\n}\n')
    reads = (world.root / "stacks" / world.name / "modules/second/main.tf").read_text()
    world.write(
        "modules/waits/main.tf",
        f'variable "id" {{}}\n{reads.replace("data.terraform_remote_state.it.outputs.text", "var.id")}'
        'output "text" {\n  value = data.terraform_remote_state.it.outputs.text\n}\n',
    )
    world.write("modules/echo/main.tf", ECHO)
    read = "${{ modules.waits.text }}"
    modules: dict[str, Json] = {
        "first": {"source": "./modules/first"},
        "waits": {"source": "./modules/waits", "inputs": {"id": "${{ modules.first.id }}"}},
        "reader": {"source": "./modules/echo", "inputs": {"text": read}},
        "still": {"source": "./modules/echo", "inputs": {"text": "still"}, "needs": ["first"]},
        "behind": {"source": "./modules/second", "needs": ["still"]},
    }
    world.manifests("shop.yaml", config_map("shop", {"text": read}))
    world.declare(modules, {"shop": {"path": "shop.yaml", "namespace": world.name}})
    world.commit()


def test_units_in_their_turn_share_what_may_be_destroyed(world: World) -> None:
    """Two that nobody could plan before delete two things each: one of them is over the limit of three."""
    _declare_letters(world, text="three")
    world.apply()
    _declare_letters(world, text="one")

    refused = world.run("apply", world.name, "--yes", "--allow-deferred")

    assert refused.code == 1
    told = " ".join(refused.stdout.split())
    assert "this plan deletes or replaces 4 things, more than the 3" in told
    assert sorted((_letters(world), _letters(world, "third"))) == [3, 5]


def _declare_letters(world: World, *, text: str) -> None:
    """Declare two modules that have a resource for each letter of what another one gives."""
    world.write("modules/first/main.tf", ECHO)
    world.write("modules/second/main.tf", _COUNTED)
    letters = {"source": "./modules/second", "inputs": {"text": "${{ modules.first.kept }}"}}
    first = {"source": "./modules/first", "inputs": {"text": text}}
    modules: dict[str, Json] = {"first": first, "second": letters, "third": letters}
    world.declare(modules, {}, guards={"destroys": 3})
    world.commit()


def _made(text: str) -> str:
    """Return a state that has an output."""
    content = {"version": 4, "serial": 1, "lineage": "a", "outputs": {}, "resources": []}
    outputs = {"text": {"value": text, "type": "string"}}
    return json.dumps({**content, "terraform_version": "1.5.0", "outputs": outputs})


def _declare_reader(world: World, made: Path, *, text: str) -> None:
    """Declare a module that writes a file, and one behind it that reads that."""
    command = json.dumps(f"echo '{_made(text)}' > {made}")
    world.write(
        "modules/first/main.tf",
        f'resource "terraform_data" "writes" {{\n  triggers_replace = {json.dumps(text)}\n'
        f'  provisioner "local-exec" {{\n    command = {command}\n  }}\n}}\n',
    )
    world.write(
        "modules/second/main.tf",
        f'data "terraform_remote_state" "it" {{\n  backend = "local"\n  config  = {{ path = "{made}" }}\n}}\n'
        'resource "terraform_data" "taken" {\n'
        "  input = data.terraform_remote_state.it.outputs.text\n}\n",
    )
    modules: dict[str, Json] = {
        "second": {"source": "./modules/second", "needs": ["first"]},
        "first": {"source": "./modules/first"},
    }
    world.declare(modules, {})
    world.commit()


def test_a_saved_plan_keeps_what_waits(world: World, tmp_path: Path) -> None:
    """A bundle of a chain is executed as it was shown, and refused when what it showed changed."""
    _declare_chain(world, text="one", second=_REPLACES)
    world.apply()
    _declare_chain(world, text="two", second=_REPLACES)
    world.plan("--out", str(tmp_path / "good.plan"))
    world.plan("--out", str(tmp_path / "stale.plan"))
    state = world.root / ".orchestrator/state" / world.name / "default/second.tfstate"
    before = state.read_text()
    state.write_text(before.replace('"serial": ', '"serial": 9'))

    moved = world.run("apply", str(tmp_path / "good.plan"), "--yes")
    assert "the Terraform state of modules.second moved since the plan was made" in moved.stderr
    state.write_text(before)

    applied = world.run("apply", str(tmp_path / "good.plan"), "--yes")
    assert applied.code == 0, applied.said
    assert world.resources("third")["terraform_data.taken"]["input"]["value"] == "two"

    refused = world.run("apply", str(tmp_path / "stale.plan"), "--yes")
    assert refused.code == 1


def test_a_destruction_goes_through_the_chain_as_ever(world: World) -> None:
    """Destroying needs no value that is not known: everything goes, in reverse."""
    _declare_chain(world, text="one")
    world.apply()

    destroyed = world.run("destroy", world.name, "--yes")

    assert destroyed.code == 0, destroyed.said
    assert [world.resources(unit) for unit in ("first", "second", "third")] == [{}, {}, {}]


def _declare_chain(
    world: World, *, text: str, second: str = _TAKES, third: bool = True, protect: bool = False
) -> None:
    world.write("modules/first/main.tf", ECHO)
    world.write("modules/second/main.tf", second)
    world.write(
        "modules/third/main.tf",
        _TAKES.replace("var.text\n}", "var.text\n  triggers_replace = var.size\n}")
        + 'variable "size" { type = number }\n',
    )
    modules = _chain(text)
    modules["second"]["protect"] = protect
    if not third:
        del modules["third"]
    world.declare(modules, {})
    world.commit()


def _chain(text: str) -> dict[str, Json]:
    second = "${{ modules.second.kept.%s }}"
    return {
        "third": {
            "source": "./modules/third",
            "inputs": {"text": second % "text", "size": second % "size"},
        },
        "second": {"source": "./modules/second", "inputs": {"text": "${{ modules.first.kept }}"}},
        "first": {"source": "./modules/first", "inputs": {"text": text}},
    }


def _declare_surprise(world: World, file: Path, *, text: str = "one") -> None:
    """Declare a second module with one resource as long as a file is there, which the first one's apply removes."""
    file.touch()
    removes = (
        f'resource "terraform_data" "removes" {{\n  triggers_replace = var.text\n'
        f'  provisioner "local-exec" {{\n    command = "test $TEXT = one || rm -f {file}"\n'
        "    environment = { TEXT = var.text }\n  }\n}\n"
    )
    world.write("modules/first/main.tf", f"{ECHO}{removes}")
    extra = f'resource "terraform_data" "extra" {{\n  count = fileexists("{file}") ? 1 : 0\n}}\n'
    world.write("modules/second/main.tf", f"{_TAKES}{extra}")
    modules = _chain(text)
    del modules["third"]
    world.declare(modules, {})
    world.commit()


def _waits(path: str) -> Mapping[str, Json]:
    return {"unknown": True, "sources": [path]}


def _after(unit: Json) -> dict[str, Json]:
    made = (change for change in unit["changes"] if change["subject"] == "resource")
    change = next(change for change in made if change["action"] != "read")
    return {item["path"]: item["after"] for item in change["fields"]}


def _letters(world: World, unit: str = "second") -> int:
    found = world.state(unit)["resources"]
    return len(found[0]["instances"])


def test_a_secret_that_is_drawn_anew_is_no_surprise(world: World) -> None:
    """A module that waits is planned again in its turn; a password that it chooses then was shown as masked."""
    world.write("modules/first/main.tf", ECHO)
    world.write(
        "modules/second/main.tf",
        _TAKES + 'output "token" {\n  value = "token-${plantimestamp()}"\n  sensitive = true\n}\n',
    )
    world.manifests("shop.yaml", secret("shop", {"token": "${{ modules.second.token }}"}))
    world.declare(
        {
            "first": {"source": "./modules/first", "inputs": {"text": "one"}},
            "second": {
                "source": "./modules/second",
                "inputs": {"text": "${{ modules.first.kept }}"},
            },
        },
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
    )
    world.commit()

    world.apply()

    assert world.secret("shop", "token").startswith("token-20")
