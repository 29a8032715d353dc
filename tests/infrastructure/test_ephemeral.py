"""Ephemeral inputs: in no plan file and in no state, so that they are given again when they are needed."""

import pytest

from orchestrator.infrastructure.modules import apply_module, reopen_plan
from tests.infrastructure.ground import Ground

pytestmark = pytest.mark.integration

TOKEN = "correct horse battery"
MODULE = """
variable "token" {
  type      = string
  ephemeral = true
}

variable "text" {
  type = string
}

resource "terraform_data" "it" {
  input = var.text
}
"""


def test_a_module_with_an_ephemeral_input_is_applied_and_destroyed(ground: Ground) -> None:
    """Terraform asks for it once more at every apply, and takes no other input there; nothing of it is left."""
    ground.write("modules/echo/main.tf", MODULE)
    workspace, inputs = ground.workspace(), {"token": TOKEN, "text": "one"}
    for destroy in (False, True):
        planned = ground.plan(workspace, inputs, destroy=destroy)
        assert planned.plan_file is not None
        saved = planned.plan_file.read_bytes()
        reopened = reopen_plan(workspace, saved, state_stamp=planned.state_stamp)
        assert reopened.plan_file is not None
        apply_module(workspace, reopened.plan_file, inputs=inputs, on_event=ground.events.append)

    left = [file for file in ground.site.folder.rglob("*") if file.is_file()]
    assert not [file for file in left if TOKEN.encode() in file.read_bytes()]
    assert ground.site.secrets.redact(TOKEN) == "(sensitive)"
