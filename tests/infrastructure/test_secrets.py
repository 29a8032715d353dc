"""No secret leaves: not by a plan's fields, not by events, not by the errors of the engine."""

import pytest

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.modules import ModulePlan, apply_module
from orchestrator.plans.values import ABSENT, Masked, Unknown, masked
from orchestrator.stack.scope import Output
from tests.infrastructure.ground import Ground

pytestmark = pytest.mark.integration

SECRET = "correct horse battery"
OTHER = "staple staple staple"

MODULE = """
variable "password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "it" {
  input = {
    user     = "admin"
    password = var.password
    address  = "postgres://admin:${var.password}@db"
    nested   = [{ token = sensitive("abcdefgh-token") }]
  }
}

output "password" {
  value     = var.password
  sensitive = true
}

output "digest" {
  value = nonsensitive("begins with ${var.password}")
}
"""


def fields(plan: ModulePlan, name: str) -> dict[str, tuple[object, object]]:
    """Return a change's fields by path, old and new."""
    change = next(change for change in plan.changes if change.name == name)
    return {field.path: (field.before, field.after) for field in change.fields}


def test_marked_values_are_masked_and_planned_outputs_keep_their_mark(ground: Ground) -> None:
    """What Terraform marks is shown as a mark; equal secrets are equal marks."""
    ground.write("modules/echo/main.tf", MODULE)
    plan = ground.plan(ground.workspace(), {"password": SECRET})
    resource = fields(plan, "terraform_data.it")
    assert resource["input.password"] == (ABSENT, masked(SECRET))
    assert isinstance(resource["input.nested[0].token"][1], Masked)
    assert resource["input.user"] == (ABSENT, "admin")
    assert resource["output"] == (ABSENT, Unknown())
    assert fields(plan, "password") == {"": (ABSENT, masked(SECRET))}
    assert plan.outputs["password"] == Output(value=SECRET, sensitive=True)
    assert SECRET not in repr(plan.changes)


def test_a_value_that_lost_its_mark_is_masked_by_what_it_holds(ground: Ground) -> None:
    """`terraform_data.output` copies its input without the mark, and `nonsensitive` takes one away."""
    ground.write("modules/echo/main.tf", MODULE)
    workspace = ground.workspace()
    ground.apply(workspace, {"password": SECRET})
    plan = ground.plan(workspace, {"password": OTHER})
    resource = fields(plan, "terraform_data.it")
    assert resource["input.password"] == (masked(SECRET), masked(OTHER))
    assert isinstance(resource["output"][0], Masked)
    assert resource["output"][1] == Unknown()
    assert all(isinstance(value, Masked) for value in fields(plan, "digest")[""])
    assert not any(secret in repr(plan.changes) for secret in (SECRET, OTHER, "abcdefgh-token"))


def test_what_is_destroyed_is_masked_too(ground: Ground) -> None:
    """The old side of a deletion is as secret as the new side of a creation."""
    ground.write("modules/echo/main.tf", MODULE)
    workspace = ground.workspace()
    ground.apply(workspace, {"password": SECRET})
    plan = ground.plan(workspace, {"password": SECRET}, destroy=True)
    assert fields(plan, "terraform_data.it")["output.password"] == (masked(SECRET), ABSENT)
    assert SECRET not in repr(plan.changes)


def test_an_error_that_quotes_a_secret_does_not(ground: Ground) -> None:
    """The engine prints a failed command in full, with its output; both are redacted."""
    bad = """
        resource "terraform_data" "bad" {
          provisioner "local-exec" {
            command     = "echo $PASSWORD; echo ${nonsensitive(var.password)}; exit 1"
            environment = { PASSWORD = nonsensitive(var.password) }
          }
        }
    """
    ground.write("modules/echo/main.tf", MODULE + bad)
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"password": SECRET}).plan_file
    assert plan_file is not None
    with pytest.raises(TerraformError) as caught:
        apply_module(workspace, plan_file, on_event=ground.events.append)
    told = caught.value.message + caught.value.detail + repr(ground.events)
    assert SECRET not in told
    assert "(sensitive)" in caught.value.detail
    assert "(sensitive)" in repr(ground.events)


def test_an_input_is_secret_before_the_first_plan(ground: Ground) -> None:
    """A validation that quotes what the module calls sensitive fails before any plan document tells."""
    quoting = 'variable "password" {\n  sensitive = true\n  type = number\n}\n'
    ground.write("modules/echo/main.tf", quoting)
    with pytest.raises(TerraformError) as caught:
        ground.plan(ground.workspace(), {"password": SECRET})
    assert SECRET not in caught.value.message + caught.value.detail
    assert ground.site.secrets.redact(SECRET) == "(sensitive)"


def test_warnings_are_redacted(ground: Ground) -> None:
    """A check's message may quote anything."""
    told = f"it was {SECRET}"
    check = f'check "it" {{\n  assert {{\n    condition = var.password == ""\n    error_message = "{told}"\n  }}\n}}\n'
    ground.write("modules/echo/main.tf", MODULE + check)
    plan = ground.plan(ground.workspace(), {"password": SECRET})
    assert [warning.endswith("it was (sensitive)") for warning in plan.warnings] == [True]
