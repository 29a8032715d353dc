"""Planning modules before what they wait for is known, with the real engine: as if planned directly."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted
from orchestrator.infrastructure.modules import Workspace, state_stamp
from orchestrator.infrastructure.shadow.planning import plan_shadow
from orchestrator.plans.change import Action
from orchestrator.plans.values import Unknown
from orchestrator.stack.expressions import Pending, Tree
from orchestrator.stack.scope import NOT_KNOWN, Output
from tests.infrastructure.ground import ECHO, Ground
from tests.infrastructure.shadows import VPC, WAITS, after, contents, shadow

pytestmark = pytest.mark.integration

_EVERY_WAY = """
variable "vpc" { type = string }
variable "tags" { type = map(string) }
variable "zones" {
  type    = list(string)
  default = ["a", "b"]
}
terraform {
  backend "s3" {}
}
resource "terraform_data" "direct" {
  input = var.vpc
}
resource "terraform_data" "text" {
  input = "in ${var.vpc}"
}
resource "terraform_data" "replaced" {
  triggers_replace = [var.vpc]
}
resource "terraform_data" "tagged" {
  input = var.tags
}
resource "terraform_data" "kept" {
  input = "${path.module} ${path.root} ${abspath(path.module)} ${terraform.workspace} ${file("note.txt")}"
}
resource "terraform_data" "counted" {
  count = length(var.zones)
  input = var.zones[count.index]
}
resource "terraform_data" "each" {
  for_each = var.tags
  input    = each.key
}
module "inner" {
  source = "./inner"
  vpc    = var.vpc
}
output "known" { value = var.zones }
output "direct" { value = var.vpc }
output "made" { value = terraform_data.replaced.id }
output "tags" { value = var.tags }
"""

_INNER = """
variable "vpc" {}
resource "terraform_data" "deep" {
  input = var.vpc
}
resource "terraform_data" "quiet" {
  input = path.module
}
"""


def test_every_resource_reads_as_if_planned_directly(ground: Ground) -> None:
    """What depends on the unknown is unknown, what it forces is replaced, and all the rest stays as it is."""
    workspace = _every_way(ground)
    ground.apply(workspace, {"vpc": "vpc-1", "tags": {"Name": "x", "vpc": "vpc-1"}})

    plan = shadow(ground, workspace, {"vpc": VPC, "tags": {"Name": "x", "vpc": VPC}})

    found = {change.name: change for change in plan.changes}
    assert {name: change.action for name, change in found.items()} == {
        "terraform_data.direct": Action.UPDATE,
        "terraform_data.text": Action.UPDATE,
        "terraform_data.replaced": Action.REPLACE,
        "terraform_data.tagged": Action.UPDATE,
        "module.inner.terraform_data.deep": Action.UPDATE,
        "direct": Action.UPDATE,
        "made": Action.UPDATE,
        "tags": Action.UPDATE,
    }
    assert after(found["terraform_data.direct"]) == {"input": WAITS, "output": Unknown()}
    assert after(found["terraform_data.text"])["input"] == WAITS
    assert after(found["module.inner.terraform_data.deep"])["input"] == WAITS
    assert after(found["terraform_data.tagged"]) == {"input.vpc": WAITS, "output": Unknown()}
    forcing = [
        item.path for item in found["terraform_data.replaced"].fields if item.forces_replacement
    ]
    assert forcing == ["triggers_replace[0]"]
    assert after(found["direct"]) == {"": WAITS}
    assert after(found["made"]) == {"": Unknown()}
    assert plan.unchanged == 6
    assert plan.plan_file is None


def test_a_first_plan_creates_everything(ground: Ground) -> None:
    """Without a state the same module is created, with what is known of it."""
    workspace = _every_way(ground)

    plan = shadow(ground, workspace, {"vpc": VPC, "tags": {"Name": "x", "vpc": VPC}})

    resources = [change for change in plan.changes if change.type]
    assert {change.action for change in resources} == {Action.CREATE}
    assert len(resources) == 11
    assert plan.outputs["known"] == Output(value=["a", "b"])
    assert not plan.outputs["direct"].known
    assert plan.state_stamp == ""


def test_a_partly_known_input_is_unknown_only_there(ground: Ground) -> None:
    """What is known beside a pending value keeps its value and type, and each unknown names its own source."""
    ground.write(
        "modules/echo/main.tf",
        'variable "it" {\n  type = object({ name = string, port = number, hosts = list(string),'
        ' more = optional(string, "by default") })\n}\n'
        'resource "terraform_data" "it" {\n  input = var.it\n}\n'
        'resource "terraform_data" "port" {\n  count = var.it.port\n}\n'
        'resource "terraform_data" "turned" {\n  input = reverse(var.it.hosts)\n}\n'
        'output "it" { value = var.it }\n',
    )
    name = Pending(references=("modules.a.name",))
    first, last = Pending(references=("modules.b.host",)), Pending(references=("modules.c.host",))
    hosts: Tree = ["first", first, last]

    plan = shadow(ground, ground.workspace(), {"it": {"name": name, "port": 2, "hosts": hosts}})

    found = after(plan.changes[0])
    assert plan.changes[0].name == "terraform_data.it"
    assert found == {
        "id": Unknown(),
        "input.name": Unknown(sources=("modules.a.name",)),
        "input.port": 2,
        "input.hosts[0]": "first",
        "input.hosts[1]": Unknown(sources=("modules.b.host", "modules.c.host")),
        "input.hosts[2]": Unknown(sources=("modules.b.host", "modules.c.host")),
        "input.more": "by default",
        "output": Unknown(),
    }
    turned = after(next(one for one in plan.changes if one.name == "terraform_data.turned"))
    assert turned["input[0]"] == Unknown(sources=("modules.b.host", "modules.c.host"))
    assert turned["input[2]"] == "first"
    assert sum(change.name.startswith("terraform_data.port") for change in plan.changes) == 2
    assert plan.outputs["it"].parts == {
        "name": NOT_KNOWN,
        "port": 2,
        "hosts": ["first", NOT_KNOWN, NOT_KNOWN],
        "more": "by default",
    }


def test_imports_moves_removals_and_instances_are_what_they_are(ground: Ground) -> None:
    """The state is planned against as it is: instances, nested modules, tainted and forgotten resources."""
    ground.write("modules/echo/main.tf", f"{_HELD}{_BEFORE}")
    ground.write("modules/echo/inner/main.tf", _INNER)
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "x"})
    _taint(workspace, "tainted")
    ground.write("modules/echo/main.tf", f"{_HELD}{_AFTER}")

    plan = shadow(ground, ground.workspace(), {"text": VPC})

    resources = {change.name: change for change in plan.changes if change.type}
    assert {name: change.action for name, change in resources.items()} == {
        "terraform_data.imported": Action.IMPORT,
        "terraform_data.new_name": Action.MOVE,
        "terraform_data.left": Action.FORGET,
        "terraform_data.tainted": Action.REPLACE,
        'terraform_data.each["b"]': Action.DELETE,
        'module.inner["a"].terraform_data.deep': Action.UPDATE,
        'module.inner["b"].terraform_data.deep': Action.DELETE,
        'module.inner["b"].terraform_data.quiet': Action.DELETE,
    }
    assert resources["terraform_data.new_name"].previous == "terraform_data.old_name"
    assert after(resources['module.inner["a"].terraform_data.deep'])["input"] == WAITS


_HELD = """
variable "text" { type = string }
resource "terraform_data" "tainted" {
}
"""


_BEFORE = """
resource "terraform_data" "old_name" {
}
resource "terraform_data" "left" {
}
resource "terraform_data" "each" {
  for_each = toset(["a", "b"])
}
module "inner" {
  source   = "./inner"
  for_each = toset(["a", "b"])
  vpc      = var.text
}
"""


_AFTER = """
resource "terraform_data" "new_name" {
}
moved {
  from = terraform_data.old_name
  to   = terraform_data.new_name
}
removed {
  from = terraform_data.left
  lifecycle {
    destroy = false
  }
}
resource "terraform_data" "imported" {
}
import {
  to = terraform_data.imported
  id = "an-id"
}
resource "terraform_data" "each" {
  for_each = toset(["a"])
}
module "inner" {
  source   = "./inner"
  for_each = toset(["a"])
  vpc      = var.text
}
"""


def _taint(workspace: Workspace, name: str) -> None:
    assert workspace.local_state is not None
    state = json.loads(workspace.local_state.read_text())
    for resource in state["resources"]:
        if resource["name"] == name:
            resource["instances"][0]["status"] = "tainted"
    workspace.local_state.write_text(json.dumps(state))


def test_the_json_syntax_and_overrides_are_read_too(ground: Ground) -> None:
    """A pending variable may be declared and read in any form that Terraform reads."""
    document = {
        "variable": {"text": {"type": "string", "sensitive": False}},
        "terraform": [{"backend": {"s3": {}}}],
        "locals": {"said": "it is ${var.text}", "plain": "var.text"},
        "resource": {"terraform_data": {"it": {"input": ["${local.said}", "${local.plain}"]}}},
    }
    ground.write("modules/echo/main.tf.json", json.dumps(document))
    ground.write("modules/echo/it_override.tf", 'variable "text" {\n  sensitive = true\n}\n')

    plan = shadow(ground, ground.workspace(), {"text": VPC})

    assert after(plan.changes[0]) == {
        "id": Unknown(),
        "input[0]": Unknown(),
        "input[1]": "var.text",
        "output": Unknown(),
    }


def test_secrets_stay_secret_and_nothing_stays_behind(ground: Ground) -> None:
    """Marks of variables and outputs hold as ever; the module's files and its state are untouched."""
    ground.write(
        "modules/echo/main.tf",
        'variable "vpc" { type = string }\n'
        'variable "both" {\n  type      = map(string)\n  sensitive = true\n}\n'
        'resource "terraform_data" "it" {\n  input = { both = var.both, text = "for ${var.vpc}" }\n}\n'
        'output "both" {\n  value     = var.both\n  sensitive = true\n}\n',
    )
    workspace = ground.workspace()
    ground.apply(workspace, {"vpc": "v", "both": {"a": "hunter22", "b": "correct horse"}})
    before = contents(workspace.home)
    stamp = state_stamp(workspace)

    plan = shadow(ground, workspace, {"vpc": VPC, "both": {"a": "swordfish", "b": VPC}})

    assert "swordfish" not in repr((plan.changes, plan.warnings, ground.events))
    assert ground.site.secrets.redact("hunter22 swordfish") == "(sensitive) (sensitive)"
    assert plan.outputs["both"].sensitive
    assert contents(workspace.home) == before
    assert state_stamp(workspace) == stamp == plan.state_stamp
    ground.apply(workspace, {"vpc": "w", "both": {"a": "swordfish", "b": "x"}})


def test_a_call_that_came_since_the_last_initialisation_is_fetched(ground: Ground) -> None:
    """A module that is called now and was not before is installed, as for any plan."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "x"})
    ground.write("modules/echo/inner/main.tf", _INNER)
    ground.write(
        "modules/echo/more.tf", 'module "inner" {\n  source = "./inner"\n  vpc = var.text\n}\n'
    )

    plan = shadow(ground, ground.workspace(), {"text": VPC})

    assert "module.inner.terraform_data.deep" in {change.name for change in plan.changes}


def test_failing_checks_and_warnings_are_told(ground: Ground) -> None:
    """What the module is warned of is told as ever, and nothing of how it is called here."""
    fixed = 'resource "terraform_data" "fixed" {\n  input = "one"\n}\n'
    failing = (
        'check "known" {\n  assert {\n    condition     = terraform_data.fixed.input == "two"\n'
        '    error_message = "it is not"\n  }\n}\n'
    )
    ground.write("modules/echo/main.tf", f"{ECHO}{fixed}{failing}")

    plan = shadow(ground, ground.workspace(), {"text": VPC})

    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith("check.known failed")
    assert "it is not" in plan.warnings[0]


def test_variables_from_the_environment_count(ground: Ground) -> None:
    """What a stack passes on from the environment is given to the shadow as well."""
    ground.write(
        "modules/echo/main.tf",
        f'{ECHO}variable "more" {{}}\noutput "more" {{ value = var.more }}\n',
    )
    around = ground.with_environment(TF_VAR_more="from outside")
    site = replace(around.site, passes=("TF_VAR_more",))

    plan = shadow(ground, replace(ground.workspace(), site=site), {"text": VPC})

    assert plan.outputs["more"] == Output(value="from outside")


def test_an_interrupted_shadow_leaves_nothing(ground: Ground, tmp_path: Path) -> None:
    """Neither values nor rewritten files stay behind, also when it is stopped in the middle."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "x"})
    before = contents(workspace.home)
    noted, program = tmp_path / "pid", tmp_path / "hanging"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = plan ] || exec {ground.site.binary.argv[0]} "$@"\n'
        f"echo $$ > {noted}; exec sleep 600\n"
    )
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    hanging = replace(workspace, site=replace(ground.site, binary=binary))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(plan_shadow, hanging, {"text": VPC}, on_event=ground.events.append)
        waiting = threading.Event()
        while not noted.exists() and not running.done():
            waiting.wait(0.02)
        written = [*workspace.home.glob("inputs-*"), *workspace.home.glob("inputs-*/**/*")]
        modes = {file.stat().st_mode & 0o077 for file in written if not file.is_symlink()}
        ground.site.stop.request()
        error = running.exception(timeout=60)

    assert isinstance(error, Interrupted)
    assert modes == {0}
    assert contents(workspace.home) == before


def test_files_of_a_killed_shadow_are_put_right(ground: Ground) -> None:
    """Whoever plans next finds the module as it is, and removes what held values."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "x"})
    before = contents(workspace.home)
    (workspace.home / "inputs-left").mkdir()
    (workspace.home / "inputs-left" / "shadow.tfstate").write_text("{}")
    (workspace.directory / "main.tf").write_text("rewritten")
    (workspace.directory / "zzz_orchestrator_pending.tf.json").write_text("{}")

    assert ground.plan(workspace, {"text": "x"}).changes == ()

    assert contents(workspace.home) == before


def _every_way(ground: Ground) -> Workspace:
    ground.write("modules/every/main.tf", _EVERY_WAY)
    ground.write("modules/every/inner/main.tf", _INNER)
    ground.write("modules/every/note.txt", "a note")
    return ground.workspace("every")
