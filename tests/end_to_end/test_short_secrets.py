"""Secrets that are too short to be searched for."""

import pytest

from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_PIN = """
output "pin" {
  value     = 47119
  sensitive = true
}

output "words" {
  value     = { first = "pw1" }
  sensitive = true
}
"""

_LOCK = """
variable "pin" {}

variable "word" {}

resource "terraform_data" "pin" {
  input = var.pin
}

resource "terraform_data" "words" {
  input = { word = var.word, all = [var.pin] }
}
"""


def test_what_an_input_reads_from_a_sensitive_output_is_masked_however_short(world: World) -> None:
    """A number of four digits is not searched for in texts; a field that is it and nothing else is masked."""
    world.write("modules/pin/main.tf", _PIN)
    world.write("modules/lock/main.tf", _LOCK)
    inputs = {"pin": "${{ modules.pin.pin }}", "word": "${{ modules.pin.words.first }}"}
    modules = {
        "pin": {"source": "./modules/pin"},
        "lock": {"source": "./modules/lock", "inputs": inputs},
    }
    world.declare(modules, None)
    world.commit()

    planned = world.plan("--output", "json").stdout + world.plan().stdout
    world.apply()
    destroyed = world.plan("--destroy", "--output", "json").stdout

    assert "terraform_data.pin" in planned
    for short in ("47119", "pw1"):
        assert short not in planned
        assert short not in destroyed
