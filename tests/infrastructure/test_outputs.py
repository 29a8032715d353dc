"""Outputs as their readers see them, whatever Terraform keeps of them."""

import pytest

from orchestrator.infrastructure.modules import apply_module, read_outputs
from tests.infrastructure.ground import Ground, values

pytestmark = pytest.mark.integration

NULL = """
resource "terraform_data" "it" {}

output "nothing" {
  value = terraform_data.it.id == "" ? "something" : null
}

output "never" {
  value     = null
  sensitive = true
}
"""


def test_an_output_that_is_null_is_null_and_not_missing(ground: Ground) -> None:
    """Terraform does not keep it: what reads it would wait, or fail, for good."""
    ground.write("modules/echo/main.tf", NULL)
    workspace = ground.workspace()
    assert read_outputs(workspace) == {}

    first = ground.plan(workspace)
    assert first.plan_file is not None
    applied = apply_module(workspace, first.plan_file, on_event=ground.events.append)
    again = ground.plan(workspace)

    assert not first.outputs["nothing"].known
    assert values(applied.outputs) == {"nothing": None, "never": None}
    assert again.outputs == applied.outputs == read_outputs(workspace)
    assert applied.outputs["never"].sensitive
