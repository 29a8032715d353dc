"""Planning and applying real modules with the real engine."""

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import PlanRefused, TerraformError
from orchestrator.infrastructure.modules import (
    Workspace,
    apply_module,
    discard_plan,
    read_outputs,
    state_stamp,
    workers,
)
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.events import ChangeDone, Event, UnitProgress
from orchestrator.plans.values import ABSENT, Unknown
from orchestrator.stack.model import Json
from orchestrator.stack.scope import NOT_KNOWN, Output
from tests.infrastructure.ground import ECHO, Ground, logging_engine, values

pytestmark = pytest.mark.integration

EVERY_TYPE: Mapping[str, Json] = {
    "text": 'a "quoted" ${text} with %{ percent } and ünï¢ode\nover lines',
    "number": 12345678901234,
    "fraction": 0.1,
    "truth": True,
    "nothing": None,
    "list": ["a", 1, False, None, ["b"]],
    "map": {"plain": "x", "dotted.key/with-all": {"deep": [1, 2]}},
    "empty_list": [],
    "empty_map": {},
}


def test_a_first_plan_creates_and_its_apply_gives_the_outputs(ground: Ground) -> None:
    """A plan shows what is created with values not known yet; applying its file makes them known."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    plan = ground.plan(workspace, {"text": "hello"})
    resource, output = plan.changes
    assert (resource.subject, resource.name, resource.action) == (
        Subject.RESOURCE,
        "terraform_data.echo",
        Action.CREATE,
    )
    assert [(field.path, field.before, field.after) for field in resource.fields] == [
        ("id", ABSENT, Unknown()),
        ("input", ABSENT, "hello"),
        ("output", ABSENT, Unknown()),
    ]
    assert (output.subject, output.name, output.action) == (Subject.OUTPUT, "text", Action.CREATE)
    assert plan.outputs == {"text": Output(known=False)}
    assert plan.state_stamp == state_stamp(workspace) == ""
    assert plan.plan_file is not None
    outputs = apply_module(workspace, plan.plan_file, on_event=ground.events.append).outputs
    assert outputs == {"text": Output(value="hello")} == read_outputs(workspace)
    assert not plan.plan_file.exists()


def test_what_is_applied_already_leaves_nothing_to_do(ground: Ground) -> None:
    """A second plan has no changes and no file to apply, but the outputs and the state's stamp."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "hello"})
    plan = ground.plan(workspace, {"text": "hello"})
    assert (plan.changes, plan.plan_file) == ((), None)
    assert plan.outputs == {"text": Output(value="hello")}
    assert plan.state_stamp == state_stamp(workspace) != ""
    assert list(workspace.plans.iterdir()) == []


def test_a_warm_plan_runs_plan_and_show_alone(ground: Ground, tmp_path: Path) -> None:
    """Init is skipped while nothing that it depends on changed, and `show` when there is nothing to show."""
    ground.write("modules/echo/main.tf")
    ground, log = logging_engine(ground, tmp_path)
    ground.apply(ground.workspace(), {"text": "one"})
    assert log.read_text().split() == ["init", "plan", "show", "apply"]
    log.write_text("")
    discard(ground, ground.workspace(), {"text": "two"})
    assert log.read_text().split() == ["plan", "show"]
    log.write_text("")
    ground.plan(ground.workspace(), {"text": "one"})
    assert log.read_text().split() == ["plan"]
    assert read_outputs(ground.workspace())
    assert state_stamp(ground.workspace())
    assert log.read_text().split() == ["plan"]


def test_an_unchanged_module_of_a_new_revision_is_not_initialised_again(
    ground: Ground, tmp_path: Path
) -> None:
    """What init depends on is the content, not the folder that the revision was put in."""
    ground.write("modules/echo/main.tf")
    ground, log = logging_engine(ground, tmp_path)
    discard(ground, ground.workspace(), {"text": "one"})
    later = replace(ground, tree=tmp_path / "later")
    later.write("stacks/shop/stack.yaml", "")
    later.write("modules/echo/main.tf")
    discard(later, later.workspace(), {"text": "one"})
    assert log.read_text().split() == ["init", "plan", "show", "plan", "show"]


def test_a_stale_initialisation_is_done_again_once(ground: Ground, tmp_path: Path) -> None:
    """A module called by a nested module is not seen beforehand: the plan says so, and init follows."""
    ground.write("modules/echo/main.tf", 'module "inner" {\n  source = "../inner"\n}\n')
    ground.write("modules/inner/main.tf", 'output "x" {\n  value = 1\n}\n')
    ground.write("modules/deep/main.tf", 'output "x" {\n  value = 2\n}\n')
    ground, log = logging_engine(ground, tmp_path)
    ground.plan(ground.workspace())
    ground.write("modules/inner/more.tf", 'module "deep" {\n  source = "../deep"\n}\n')
    log.write_text("")
    assert ground.plan(ground.workspace()).changes == ()
    assert log.read_text().split() == ["plan", "init", "plan"]


def test_a_change_of_an_input_updates_in_place(ground: Ground) -> None:
    """Fields go from old to new, and what follows from the change is known after apply."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    plan = ground.plan(workspace, {"text": "two"})
    update = plan.changes[0]
    assert update.action is Action.UPDATE
    assert [(field.path, field.before, field.after) for field in update.fields] == [
        ("input", "one", "two"),
        ("output", "one", Unknown()),
    ]


def test_a_replacement_names_the_field_that_forces_it(ground: Ground) -> None:
    """A replace is one change, its reason stands with it, and the field that forces it is marked."""
    trigger = 'variable "v" {}\nresource "terraform_data" "it" {\n  triggers_replace = { version = var.v }\n}\n'
    ground.write("modules/echo/main.tf", trigger)
    workspace = ground.workspace()
    ground.apply(workspace, {"v": 1})
    replace_ = ground.plan(workspace, {"v": 2}).changes[0]
    assert (replace_.action, replace_.reason) == (Action.REPLACE, "cannot be updated in place")
    forcing = {field.path for field in replace_.fields if field.forces_replacement}
    assert forcing == {"triggers_replace.version"}


def test_resources_that_stay_are_counted_only(ground: Ground) -> None:
    """No-ops are no changes; how many stay is told."""
    many = 'variable "n" {}\nresource "terraform_data" "one" {\n  count = var.n\n}\n'
    ground.write("modules/echo/main.tf", many)
    workspace = ground.workspace()
    ground.apply(workspace, {"n": 3})
    plan = ground.plan(workspace, {"n": 4})
    assert [change.name for change in plan.changes] == ["terraform_data.one[3]"]
    assert plan.unchanged == 3


def test_a_move_and_a_forgotten_resource_are_what_they_are(ground: Ground) -> None:
    """`moved` is a move with the former name, `removed` without destroying is a forget."""
    ground.write(
        "modules/echo/main.tf",
        'resource "terraform_data" "a" {}\nresource "terraform_data" "b" {}\n',
    )
    workspace = ground.workspace()
    ground.apply(workspace)
    ground.write(
        "modules/echo/main.tf",
        'resource "terraform_data" "new" {}\nmoved {\n  from = terraform_data.a\n  to = terraform_data.new\n}\n'
        "removed {\n  from = terraform_data.b\n  lifecycle {\n    destroy = false\n  }\n}\n",
    )
    found = {
        (change.name, change.action, change.previous)
        for change in ground.plan(ground.workspace()).changes
    }
    assert found == {
        ("terraform_data.new", Action.MOVE, "terraform_data.a"),
        ("terraform_data.b", Action.FORGET, ""),
    }


def test_an_outputs_value_is_known_from_the_plan_where_terraform_knows_it(ground: Ground) -> None:
    """An output that depends on nothing unknown has its value before anything is applied."""
    ground.write(
        "modules/echo/main.tf",
        'resource "terraform_data" "a" {}\n'
        'output "known" {\n  value = { a = 1, b = ["x"] }\n}\n'
        'output "partly" {\n  value = { a = 1, ids = ["x", terraform_data.a.id] }\n}\n',
    )
    outputs = ground.plan(ground.workspace()).outputs
    assert outputs["known"] == Output(value={"a": 1, "b": ["x"]})
    assert outputs["partly"].known is False
    assert outputs["partly"].parts == {"a": 1, "ids": ["x", NOT_KNOWN]}


def test_inputs_of_every_json_type_come_back_as_they_went_in(ground: Ground) -> None:
    """Values pass through Terraform with their types, whatever characters are in them."""
    ground.write(
        "modules/echo/main.tf",
        "".join(f'variable "{name}" {{ type = any }}\n' for name in EVERY_TYPE)
        + "".join(
            f'output "{name}" {{ value = var.{name} }}\n'
            for name in EVERY_TYPE
            if name != "nothing"
        ),
    )
    workspace = ground.workspace()
    expected = {name: value for name, value in EVERY_TYPE.items() if name != "nothing"}
    assert values(ground.plan(workspace, EVERY_TYPE).outputs) == expected
    assert values(ground.apply(workspace, EVERY_TYPE)) == expected


def test_destruction_is_planned_and_applied_like_everything(ground: Ground) -> None:
    """A destroy plan deletes what there is; afterwards there is nothing, and nothing is run to see that."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    plan = ground.plan(workspace, {"text": "one"}, destroy=True)
    assert {(change.name, change.action) for change in plan.changes} == {
        ("terraform_data.echo", Action.DELETE),
        ("text", Action.DELETE),
    }
    assert plan.outputs == {}
    assert plan.plan_file is not None
    assert apply_module(workspace, plan.plan_file, on_event=ground.events.append).outputs == {}
    again = ground.plan(workspace, {"text": "one"}, destroy=True)
    assert (again.changes, again.plan_file) == ((), None)


def test_destroying_what_never_was_runs_nothing(ground: Ground, tmp_path: Path) -> None:
    """Without a state there is nothing to destroy, and no engine is needed to know that."""
    ground.write("modules/echo/main.tf")
    ground, log = logging_engine(ground, tmp_path)
    assert ground.plan(ground.workspace(), destroy=True).plan_file is None
    assert log.read_text() == ""


def test_events_tell_what_is_done_as_it_is_done(ground: Ground) -> None:
    """Each resource is announced when it begins, and reported when it is done."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    assert UnitProgress(unit=workspace.unit, text="creating terraform_data.echo") in ground.events
    done = ChangeDone(unit=workspace.unit, name="terraform_data.echo", action=Action.CREATE)
    assert ground.events[-1] == done


def test_a_display_that_fails_does_not_stop_an_apply(ground: Ground) -> None:
    """An error in the callback is the display's own: what Terraform does goes on and is recorded."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"text": "one"}).plan_file
    assert plan_file is not None

    def fail(_: Event) -> None:
        raise RuntimeError("no terminal any more")

    assert values(apply_module(workspace, plan_file, on_event=fail).outputs) == {"text": "one"}


def test_two_units_share_a_source_side_by_side(ground: Ground) -> None:
    """Each unit has a state and a working directory of its own, also while both run."""
    ground.write("modules/echo/main.tf", ECHO + 'module "common" {\n  source = "../common"\n}\n')
    ground.write("modules/common/main.tf", 'resource "terraform_data" "common" {}\n')
    names = [f"unit{number}" for number in range(4)]
    together = threading.Barrier(len(names))

    def work(name: str) -> Mapping[str, Output]:
        workspace = ground.workspace(name, source="../../modules/echo")
        together.wait(timeout=60)
        return ground.apply(workspace, {"text": name})

    with ThreadPoolExecutor(len(names)) as pool:
        assert [values(outputs) for outputs in pool.map(work, names)] == [
            {"text": name} for name in names
        ]
    assert [
        values(read_outputs(ground.workspace(name, "../../modules/echo"))) for name in names
    ] == [{"text": name} for name in names]
    assert not list(ground.tree.rglob(".terraform*"))


def test_environments_and_stacks_do_not_see_each_other(ground: Ground) -> None:
    """The same unit of another environment or stack has a state of its own."""
    ground.write("modules/echo/main.tf")
    ground.apply(ground.workspace(), {"text": "staging"})
    for site in (
        replace(ground.site, environment="production"),
        replace(ground.site, stack="other"),
    ):
        other = replace(ground, site=site)
        assert read_outputs(other.workspace()) == {}
        assert other.plan(other.workspace(), {"text": "x"}).plan_file is not None
    assert values(read_outputs(ground.workspace())) == {"text": "staging"}


def test_a_plan_whose_state_moved_is_refused(ground: Ground) -> None:
    """What was shown is what is done: a second plan of the same state cannot be applied after the first."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    first, second = (ground.plan(workspace, {"text": text}).plan_file for text in ("one", "two"))
    assert first is not None
    assert second is not None
    apply_module(workspace, first, on_event=ground.events.append)
    with pytest.raises(
        PlanRefused, match=r"modules\.echo: apply failed: its state changed"
    ) as caught:
        apply_module(workspace, second, on_event=ground.events.append)
    assert caught.value.hint == "plan again and look at the new plan"
    assert values(read_outputs(workspace)) == {"text": "one"}


def test_a_plan_can_be_applied_after_the_module_changed(ground: Ground) -> None:
    """The saved plan is what is applied, not what the files say by then."""
    ground.write("modules/echo/main.tf")
    plan_file = ground.plan(ground.workspace(), {"text": "planned"}).plan_file
    assert plan_file is not None
    ground.write("modules/echo/main.tf", ECHO.replace("var.text", '"changed"'))
    outputs = apply_module(ground.workspace(), plan_file, on_event=ground.events.append).outputs
    assert values(outputs) == {"text": "planned"}


def test_a_modules_own_backend_gives_way_to_the_stacks(ground: Ground) -> None:
    """Where state lives is the stack's word, whatever backend the module was written with."""
    ground.write(
        "modules/echo/main.tf", ECHO + 'terraform {\n  backend "s3" {\n    bucket = "b"\n  }\n}\n'
    )
    ground.write("modules/echo/other_override.tf", 'terraform {\n  backend "gcs" {}\n}\n')
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    assert workspace.local_state is not None
    assert workspace.local_state.is_file()


def test_variable_files_beside_a_module_are_not_read(ground: Ground) -> None:
    """A unit's inputs stand in the stack file and nowhere else."""
    ground.write("modules/echo/main.tf")
    ground.write("modules/echo/terraform.tfvars", 'text = "from a file"\n')
    ground.write("modules/echo/more.auto.tfvars.json", '{"text": "from another"}\n')
    with pytest.raises(TerraformError, match="no value for required variable"):
        ground.plan(ground.workspace())


def test_a_state_that_somebody_committed_is_not_used(ground: Ground) -> None:
    """State files in the tree are neither read nor adopted."""
    ground.write("modules/echo/main.tf")
    ground.write("modules/echo/terraform.tfstate", "not a state")
    ground.write("modules/echo/.terraform/terraform.tfstate", "not a state either")
    assert values(ground.apply(ground.workspace(), {"text": "one"})) == {"text": "one"}


def test_warnings_are_kept_with_the_plan(ground: Ground) -> None:
    """A failed check stands in the plan with its address and message, whether anything is to be done or not."""
    check = 'check "it" {\n  assert {\n    condition = var.text == "right"\n    error_message = "it is wrong"\n  }\n}\n'
    ground.write("modules/echo/main.tf", ECHO + check)
    workspace = ground.workspace()
    assert ground.plan(workspace, {"text": "wrong"}).warnings == ("check.it failed: it is wrong",)
    ground.apply(workspace, {"text": "wrong"})
    plan = ground.plan(workspace, {"text": "wrong"})
    assert plan.plan_file is None
    assert plan.warnings == ("check.it failed (modules/echo/main.tf:15): it is wrong",)


def test_nothing_of_a_run_can_be_read_by_others(ground: Ground) -> None:
    """Folders are 0700 and files 0600, plan files and state included; inputs are gone afterwards."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    ground.apply(workspace, {"text": "one"})
    assert ground.plan(workspace, {"text": "two"}).plan_file is not None
    for path in ground.site.folder.rglob("*"):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path
    assert not list(workspace.home.glob("inputs-*"))
    assert not list(workspace.home.glob("*.jsonl"))


def test_what_a_killed_process_left_is_cleaned_up(ground: Ground) -> None:
    """Inputs go at once, since they hold secrets; plans go after a day, since somebody may look at them."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    recent = ground.plan(workspace, {"text": "one"}).plan_file
    old = ground.plan(workspace, {"text": "two"}).plan_file
    assert recent is not None
    assert old is not None
    two_days_ago = old.stat().st_mtime - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    inputs = workspace.home / "inputs-left"
    inputs.mkdir()
    (inputs / "inputs.tfvars.json").write_text("{}")
    ground.plan(workspace, {"text": "three"})
    assert (recent.exists(), old.exists(), inputs.exists()) == (True, False, False)


def test_as_many_modules_at_once_as_there_are_cores(ground: Ground) -> None:
    """Terraform is bound by cores: more at once make each slower and the whole not faster."""
    assert workers(ground.site.settings) >= 1


def discard(ground: Ground, workspace: Workspace, inputs: Mapping[str, Json]) -> None:
    """Plan and throw the plan away."""
    plan_file = ground.plan(workspace, inputs).plan_file
    assert plan_file is not None
    discard_plan(plan_file)
