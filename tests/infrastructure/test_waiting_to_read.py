"""Modules that stand behind another one as a whole: what they read of the world is read in their turn."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.infrastructure.modules import ModulePlan, Unplannable, plan_shadow, reads_data
from orchestrator.plans.change import Action
from orchestrator.plans.values import Unknown
from tests.infrastructure.ground import ECHO, Ground
from tests.infrastructure.shadows import after

pytestmark = pytest.mark.integration


def test_a_module_behind_another_reads_nothing_yet(ground: Ground, tmp_path: Path) -> None:
    """Data sources wait, in called modules too, as with Terraform's own `depends_on`; the rest is as it is."""
    there = tmp_path / "there.tfstate"
    read = f'data "terraform_remote_state" "it" {{\n  backend = "local"\n  config = {{ path = "{there}" }}\n}}\n'
    ground.write(
        "modules/echo/main.tf",
        f'{read}module "inner" {{\n  source = "./inner"\n}}\n'
        'resource "terraform_data" "text" {\n  input = data.terraform_remote_state.it.outputs\n}\n'
        'resource "terraform_data" "fixed" {\n  input = "one"\n}\n'
        f'check "there" {{\n{read.replace("it", "checked", 1)}  assert {{\n'
        "    condition     = data.terraform_remote_state.checked.outputs == {}\n"
        '    error_message = "it is not"\n  }\n}\n',
    )
    ground.write("modules/echo/inner/main.tf", read)
    workspace = ground.workspace()
    assert reads_data(workspace)

    plan = plan_shadow(workspace, {}, behind=True, on_event=ground.events.append)

    assert isinstance(plan, ModulePlan), plan
    found = {change.name: change for change in plan.changes}
    assert found["data.terraform_remote_state.it"].action is Action.READ
    assert found["module.inner.data.terraform_remote_state.it"].action is Action.READ
    assert after(found["terraform_data.text"])["input"] == Unknown()
    assert after(found["terraform_data.fixed"])["input"] == "one"
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("files", "reads"),
    [
        ({"main.tf": ECHO}, False),
        ({"main.tf": 'data "t" "n" {}\n'}, True),
        ({"main.tf": 'module "m" {\n  source = "./m"\n}\n', "m/m.tf": ECHO}, False),
        ({"main.tf": 'module "m" {\n  source = "./m"\n}\n', "m/m.tf.json": '{"data": {}}'}, True),
        ({"main.tf": 'module "m" {\n  source = "acme/m/any"\n}\n'}, True),
    ],
)
def test_what_reads_the_world(ground: Ground, files: Mapping[str, str], *, reads: bool) -> None:
    """A module that has data sources, or calls one that has or that nobody has fetched yet."""
    for name, text in files.items():
        ground.write(f"modules/echo/{name}", text)
    assert reads_data(ground.workspace()) is reads


def test_what_is_counted_by_what_is_read_is_planned_in_its_turn(ground: Ground) -> None:
    """The reason names the line that the module's file has, whatever was added to it on the way."""
    ground.write(
        "modules/echo/main.tf",
        'data "terraform_remote_state" "it" {\n  backend = "local"\n}\n'
        'data "terraform_remote_state" "more" { backend = "local" }\n'
        'resource "terraform_data" "many" {\n'
        "  count = length(data.terraform_remote_state.it.outputs)\n}\n",
    )

    found = plan_shadow(ground.workspace(), {}, behind=True, on_event=ground.events.append)

    assert isinstance(found, Unplannable), found
    assert found.why == "the count of terraform_data.many (modules/echo/main.tf:6) depends on that"
