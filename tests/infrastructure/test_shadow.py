"""Planning modules before what they wait for is known, with the real engine: as if planned directly."""

from collections.abc import Mapping

import pytest

from orchestrator.infrastructure.modules import ModulePlan, Workspace
from orchestrator.infrastructure.shadow.planning import Unplannable, plan_shadow
from orchestrator.plans.change import Action, Change
from orchestrator.plans.values import Unknown
from orchestrator.stack.expressions import Pending, Tree
from orchestrator.stack.scope import Output
from tests.infrastructure.ground import Ground

pytestmark = pytest.mark.integration

VPC = Pending(references=("modules.network.vpc",))
WAITS = Unknown(sources=("modules.network.vpc",))

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


def _every_way(ground: Ground) -> Workspace:
    ground.write("modules/every/main.tf", _EVERY_WAY)
    ground.write("modules/every/inner/main.tf", _INNER)
    ground.write("modules/every/note.txt", "a note")
    return ground.workspace("every")


def shadow(ground: Ground, workspace: Workspace, inputs: Mapping[str, Tree]) -> ModulePlan:
    """Plan a module of whose inputs something is pending; that has to be possible."""
    plan = plan_shadow(workspace, inputs, on_event=ground.events.append)
    assert isinstance(plan, ModulePlan), plan
    return plan


def refused(ground: Ground, workspace: Workspace, inputs: Mapping[str, Tree]) -> str:
    """Plan a module that cannot be planned yet, and return why."""
    plan = plan_shadow(workspace, inputs, on_event=ground.events.append)
    assert isinstance(plan, Unplannable), plan
    return plan.why


def after(change: Change) -> dict[str, object]:
    """Return the new values of a change by path."""
    return {item.path: item.after for item in change.fields}
