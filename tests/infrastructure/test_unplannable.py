"""Modules that cannot be planned before what they wait for is known: why, and what is wrong with them anyway."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.errors import Place, TerraformError
from orchestrator.infrastructure.modules import plan_shadow
from orchestrator.stack.expressions import Tree
from tests.infrastructure.ground import ECHO, Ground
from tests.infrastructure.mirror import requiring
from tests.infrastructure.shadows import VPC, refused

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            'resource "terraform_data" "many" {\n  count = length(var.text)\n}\n',
            "the count of terraform_data.many (modules/echo/main.tf:3) depends on that",
        ),
        (
            'resource "terraform_data" "many" {\n  for_each = toset([var.text])\n}\n',
            "the for_each of terraform_data.many (modules/echo/main.tf:3) depends on that",
        ),
        (
            'module "many" {\n  source = "./many"\n  count  = length(var.text)\n}\n',
            "the count of module.many (modules/echo/main.tf:4) depends on that",
        ),
        (
            'resource "terraform_data" "a" {\n}\nimport {\n  to = terraform_data.a\n  id = var.text\n}\n',
            "before that, Terraform says: Invalid import id argument (modules/echo/main.tf:6)",
        ),
    ],
)
def test_what_cannot_be_planned_says_why(ground: Ground, body: str, why: str) -> None:
    """How many there are, how a provider is reached and what is imported cannot be left open."""
    ground.write("modules/echo/main.tf", f'variable "text" {{ type = string }}\n{body}')
    ground.write("modules/echo/many/main.tf", "")

    assert refused(ground, ground.workspace(), {"text": VPC}).startswith(why)


def test_a_provider_that_waits_is_not_even_started(mirrored: Ground) -> None:
    """Through a module that is called: nothing is asked of whatever it would reach, but known inputs are looked at."""
    ground = mirrored
    ground.write(
        "modules/echo/main.tf",
        f'{requiring("1.1.0")}variable "text" {{}}\nvariable "size" {{\n  type = number\n}}\n'
        'module "inner" {\n  source = "./inner"\n  text = var.text\n}\n'
        'provider "nothing" {\n  host = "https://${module.inner.host}"\n}\n',
    )
    ground.write(
        "modules/echo/inner/main.tf",
        'variable "text" {}\noutput "host" { value = "${var.text}.example" }\n',
    )
    workspace = ground.workspace()

    told = refused(ground, workspace, {"text": VPC, "size": 3})

    assert told == "provider 'nothing' is configured from 'text' through module.inner"
    with pytest.raises(TerraformError, match="invalid value for input variable"):
        plan_shadow(workspace, {"text": VPC, "size": "x"}, on_event=ground.events.append)


_STRICT = """
variable "text" {
  type = string
}
variable "size" {
  type    = number
  default = 2000
  validation {
    condition     = var.size > 1024
    error_message = "Too small."
  }
}
variable "it" {
  type    = object({ name = string, port = number })
  default = { name = "a", port = 2000 }
  validation {
    condition     = var.it.port > 1024
    error_message = "Too low."
  }
}
resource "terraform_data" "many" {
  count = length(var.text)
}
"""


@pytest.mark.parametrize(
    ("inputs", "summary", "detail"),
    [
        (
            {"size": "abc"},
            "invalid value for input variable (stack.yaml:7)",
            "a number is required",
        ),
        (
            {"it": {"name": VPC, "port": "abc"}},
            "invalid value for input variable (stack.yaml:8)",
            "var.it declared at modules/echo/main.tf:13: a number is required.",
        ),
        (
            {"it": {"name": VPC}},
            "invalid value for input variable (stack.yaml:8)",
            '"port" is required',
        ),
        (
            {"it": {"name": VPC, "port": 80}},
            "invalid value for variable (stack.yaml:8)",
            "Too low.",
        ),
    ],
)
def test_a_mistake_in_what_is_known_is_told_now(
    ground: Ground, inputs: Mapping[str, Tree], summary: str, detail: str
) -> None:
    """A value that is wrong whatever the others turn out to be is an error of the plan, at its place."""
    ground.write("modules/echo/main.tf", _STRICT)
    places = {
        "size": Place(file="stack.yaml", line=7, column=13, text="      size: x"),
        "it": Place(file="stack.yaml", line=8, column=13, text="      it: y"),
    }
    workspace = replace(ground.workspace(), inputs=places)

    with pytest.raises(TerraformError) as error:
        plan_shadow(workspace, {"text": VPC, **inputs}, on_event=ground.events.append)

    assert error.value.message == f"modules.echo: plan failed: {summary}"
    assert detail in error.value.detail
    assert "orchestrator" not in error.value.detail


def test_an_input_that_a_validation_refuses_is_told_at_its_place(
    either: Ground,
) -> None:
    """Terraform names the value, and OpenTofu the declaration: the stack file has what is to be changed."""
    either.write("modules/echo/main.tf", _STRICT)
    place = Place(file="stack.yaml", line=7, column=13, text="      size: 80")
    workspace = replace(either.workspace(), inputs={"size": place})

    with pytest.raises(TerraformError) as error:
        plan_shadow(workspace, {"text": VPC, "size": 80}, on_event=either.events.append)

    assert error.value.message.endswith("invalid value for variable (stack.yaml:7)")
    assert "Too small." in error.value.detail


def test_what_is_wrong_with_a_module_anyway_is_an_error(ground: Ground) -> None:
    """A mistake in the module's files is told while planning, not after its upstream was applied."""
    ground.write(
        "modules/echo/main.tf",
        f'{ECHO}resource "terraform_data" "bad" {{\n  inptu = var.text\n}}\n',
    )
    with pytest.raises(TerraformError) as error:
        plan_shadow(ground.workspace(), {"text": VPC}, on_event=ground.events.append)
    assert "unsupported argument (modules/echo/main.tf:14)" in error.value.message


def test_files_that_nobody_can_read_are_left_to_terraform(ground: Ground) -> None:
    """What cannot be rewritten is not guessed at: the module is planned in its turn, where Terraform says why."""
    file = ground.write("modules/echo/main.tf")
    file.write_bytes(file.read_bytes() + b"# \xff\n")

    assert "could not be read" in refused(ground, ground.workspace(), {"text": VPC})
