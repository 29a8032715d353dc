"""Every message that planning and applying can end with, from the real engine."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import (
    OrchestratorError,
    StorageError,
    TerraformError,
    TerraformUnavailable,
)
from orchestrator.infrastructure.layout.occupancy import held
from orchestrator.infrastructure.modules import apply_module
from orchestrator.stack.model import Json, UnitId
from tests.infrastructure.ground import ECHO, Ground, values

pytestmark = pytest.mark.integration


def failing(ground: Ground, text: str, **inputs: Json) -> OrchestratorError:
    """Plan a module of one file and return the error that it ends with."""
    ground.write("modules/echo/main.tf", text)
    with pytest.raises(TerraformError) as caught:
        ground.plan(ground.workspace(), inputs)
    return caught.value


def test_a_syntax_error_is_told_with_file_and_line(ground: Ground) -> None:
    """The file is named as it is in the repository, and the line is shown."""
    error = failing(ground, 'variable "text" {\n  type = string\n\nresource "x" "y" {}\n')
    assert error.message.startswith("modules.echo: init failed: ")
    assert "modules/echo/main.tf:" in error.message
    assert ".orchestrator" not in error.message + error.detail


def test_an_unknown_reference_is_told_with_its_line(ground: Ground) -> None:
    """What a plan refuses names the place, the block and the source line."""
    error = failing(ground, 'output "x" {\n  value = var.nothing\n}\n')
    assert error.message == (
        "modules.echo: plan failed: reference to undeclared input variable (modules/echo/main.tf:2)"
    )
    assert error.detail.splitlines()[:2] == [
        'modules/echo/main.tf:2, in output "x"',
        "  value = var.nothing",
    ]


def test_an_error_in_a_called_module_names_that_modules_file(ground: Ground) -> None:
    """The path is the repository's, wherever the file lies while it is planned."""
    ground.write("modules/inner/main.tf", 'output "x" {\n  value = nonsense()\n}\n')
    error = failing(ground, 'module "inner" {\n  source = "../inner"\n}\n')
    assert "modules/inner/main.tf:2" in error.message


def test_every_error_of_a_module_is_told_at_once(ground: Ground) -> None:
    """The message has the first, the detail all of them."""
    error = failing(
        ground, 'output "x" {\n  value = var.one\n}\noutput "y" {\n  value = var.two\n}\n'
    )
    assert "modules/echo/main.tf:2" in error.message
    assert "modules/echo/main.tf:5" in error.detail


def test_a_missing_input_has_a_hint(ground: Ground) -> None:
    """Where a check beforehand could not see it, Terraform's message gets our hint."""
    error = failing(ground, ECHO)
    assert "no value for required variable (modules/echo/main.tf:2)" in error.message
    assert error.hint == "compare the unit's `inputs` with the module's variables"


def test_an_input_of_the_wrong_type_has_a_hint(ground: Ground) -> None:
    """The type that is wanted stands in the detail."""
    error = failing(ground, 'variable "count_of" {\n  type = list(number)\n}\n', count_of="many")
    assert "invalid value for input variable" in error.message
    assert "list of number required" in error.detail
    assert error.hint == "compare the unit's `inputs` with the module's variables"


def test_a_validation_of_the_module_speaks_in_its_own_words(ground: Ground) -> None:
    """The module's error message is what people read."""
    validation = 'variable "n" {\n  validation {\n    condition = var.n > 3\n    error_message = "Too few."\n  }\n}\n'
    error = failing(ground, validation, n=1)
    assert "Too few." in error.detail


def test_a_called_module_that_is_missing_is_told(ground: Ground) -> None:
    """The address and the line of the call are named."""
    error = failing(ground, 'module "inner" {\n  source = "../nowhere"\n}\n')
    assert "modules.echo: init failed: unreadable module directory" in error.message
    assert "nowhere" in error.detail


def test_a_provider_registry_that_cannot_be_reached_has_a_hint(ground: Ground) -> None:
    """Behind a proxy that does not answer: what was asked for, the cause, and what to look at."""
    ground = ground.with_environment(HTTPS_PROXY="http://127.0.0.1:9")
    error = failing(
        ground, 'terraform {\n  required_providers {\n    x = { source = "acme/x" }\n  }\n}\n'
    )
    assert re.search(
        r"init failed: failed to (query available|resolve) provider packages", error.message
    )
    assert "proxyconnect tcp: dial tcp 127.0.0.1:9" in error.detail
    assert error.hint.startswith("is the registry reachable from here?")


def test_an_engine_that_the_module_refuses_is_told_as_such(ground: Ground) -> None:
    """`required_version` of the module is not the stack's constraint, but ends the same way."""
    error = failing(ground, 'terraform {\n  required_version = ">= 99"\n}\n')
    assert isinstance(error, TerraformUnavailable)
    assert "required_version" in error.hint


def test_what_a_module_protects_is_told_as_protected(ground: Ground) -> None:
    """`prevent_destroy` of the module stops the plan."""
    text = 'resource "terraform_data" "x" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n'
    ground.write("modules/echo/main.tf", text)
    ground.apply(ground.workspace())
    with pytest.raises(TerraformError, match="instance cannot be destroyed") as caught:
        ground.plan(ground.workspace(), destroy=True)
    assert "prevent_destroy" in caught.value.hint


def test_a_failed_apply_keeps_what_was_done(ground: Ground) -> None:
    """The error names the resource, and what was applied before it is in the state."""
    command = "echo to stdout; echo to stderr >&2; exit 3"
    text = f'{ECHO}resource "terraform_data" "bad" {{\n  depends_on = [terraform_data.echo]\n'
    text += f'  provisioner "local-exec" {{\n    command = "{command}"\n  }}\n}}\n'
    ground.write("modules/echo/main.tf", text)
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"text": "x"}).plan_file
    assert plan_file is not None
    with pytest.raises(
        TerraformError, match=r"apply failed: local-exec provisioner error"
    ) as caught:
        apply_module(workspace, plan_file, on_event=ground.events.append)
    assert "to stderr" in caught.value.detail
    assert "terraform_data.bad" in caught.value.detail
    names = [change.name for change in ground.plan(workspace, {"text": "x"}).changes]
    assert names == ["terraform_data.bad"]


def test_a_locked_state_is_waited_for_and_then_told(ground: Ground) -> None:
    """Who holds it stands in the detail, and how to get rid of it in the hint."""
    sleeping = f'{ECHO}resource "terraform_data" "slow" {{\n  provisioner "local-exec" {{\n'
    sleeping += (
        '    command = "touch $STARTED; while [ ! -e $DONE ]; do sleep 0.05; done"\n  }\n}\n'
    )
    ground.write("modules/echo/main.tf", sleeping)
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"text": "x"}).plan_file
    started, done = workspace.home / "started", workspace.home / "done"
    argv = (*ground.site.binary.argv, "apply", "-input=false", str(plan_file))
    environment = {
        **os.environ,
        "TF_DATA_DIR": str(workspace.data),
        "STARTED": str(started),
        "DONE": str(done),
    }
    with subprocess.Popen(
        argv, cwd=workspace.directory, env=environment, stdout=subprocess.DEVNULL
    ) as other:
        wait_for(started, other)
        try:
            with pytest.raises(
                TerraformError, match=r"its state is locked by .*@.* \(apply\) since 2"
            ) as caught:
                ground.plan(workspace, {"text": "x"})
        finally:
            done.touch()
        assert other.wait(timeout=30) == 0
    assert "OperationTypeApply" in caught.value.detail
    assert "force-unlock" in caught.value.hint


def test_a_lock_that_goes_while_it_is_read_is_waited_for(ground: Ground, tmp_path: Path) -> None:
    """With S3 the engine gives up when its holder is just gone, whatever it was told of waiting."""
    ground.write("modules/echo/main.tf")
    detail = "412 PreconditionFailed; failed to read the lock: StatusCode: 404, NoSuchKey"
    told = {"severity": "error", "summary": "Error acquiring the state lock", "detail": detail}
    message = json.dumps({"type": "diagnostic", "diagnostic": told})
    quoted = " ".join(f"'{part}'" for part in ground.site.binary.argv)
    program = tmp_path / "racing"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = plan ] && [ ! -e {tmp_path}/once ] && touch {tmp_path}/once &&'
        f" echo '{message}' && exit 1\nexec {quoted} \"$@\"\n"
    )
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    racing = replace(ground, site=replace(ground.site, binary=binary))
    assert racing.plan(racing.workspace(), {"text": "x"}).plan_file is not None


def test_two_processes_do_not_work_in_one_directory(ground: Ground) -> None:
    """A plan beside an apply of the same unit waits, and says what it waits for when that takes too long."""
    ground.write("modules/echo/main.tf")
    workspace = ground.workspace()
    workspace.home.mkdir(parents=True)
    with (
        held(workspace.home / "lock", ground.site, UnitId("modules.echo")),
        pytest.raises(TerraformError, match=r"modules\.echo: another process is working on it"),
    ):
        ground.plan(workspace, {"text": "x"})


def test_an_encoding_error_in_a_file_is_told_by_terraform(ground: Ground) -> None:
    """Bytes that are no text end in Terraform's message, not in a crash of ours."""
    ground.write("modules/echo/main.tf").write_bytes(b'output "x" {\n  value = "\xff\xfe"\n}\n')
    with pytest.raises(TerraformError):
        ground.plan(ground.workspace())


def test_an_engine_that_is_killed_is_told(ground: Ground, tmp_path: Path) -> None:
    """A system without memory kills it without a word: the message has one for that."""
    ground.write("modules/echo/main.tf")
    program = tmp_path / "dying"
    program.write_text("#!/bin/sh\nkill -KILL $$\n", encoding="utf-8")
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    dying = replace(ground, site=replace(ground.site, binary=binary))
    with pytest.raises(TerraformError, match="init failed without a message") as caught:
        dying.plan(dying.workspace(), {"text": "x"})
    assert caught.value.detail == "it was killed, as a system does that runs out of memory"


def test_a_plan_that_is_too_much_to_read_is_told(ground: Ground) -> None:
    """Half of a document is never taken for all of it."""
    ground.write("modules/echo/main.tf")
    limits = replace(ground.site.limits, output=100)
    small = replace(ground, site=replace(ground.site, limits=limits))
    with pytest.raises(TerraformError, match=r"reading the plan was given up, since it is more"):
        small.plan(small.workspace(), {"text": "x"})


def test_an_environment_of_the_user_does_not_change_a_plan(ground: Ground) -> None:
    """Flags, workspaces and variables left over in a shell are not passed on unless the stack names them."""
    ground.write("modules/echo/main.tf")
    ground = ground.with_environment(
        TF_CLI_ARGS="-no-such-flag",
        TF_CLI_ARGS_plan="-destroy",
        TF_WORKSPACE="other",
        TF_VAR_text="left over",
    )
    assert values(ground.apply(ground.workspace(), {"text": "x"})) == {"text": "x"}
    named = replace(ground, site=replace(ground.site, passes=("TF_VAR_text",)))
    assert named.plan(named.workspace()).changes[0].fields[0].after == "left over"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    command = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    if not mounted or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(("umount", "-l", str(folder)), check=True)


def fill(folder: Path, leave: int = 0) -> None:
    """Fill a file system but for some bytes."""
    free = os.statvfs(folder)
    with (folder / "filler").open("wb") as file:
        file.write(b"x" * max(free.f_bavail * free.f_frsize - leave, 0))


def test_a_full_disk_is_told_before_anything_is_run(ground: Ground, small_disk: Path) -> None:
    """What cannot be written is named, and what to do."""
    ground.write("modules/echo/main.tf")
    ground = replace(ground, site=replace(ground.site, folder=small_disk / ".orchestrator"))
    fill(small_disk)
    with pytest.raises(StorageError) as caught:
        ground.plan(ground.workspace(), {"text": "x"})
    assert "no space left on device" in caught.value.message
    assert caught.value.hint


def test_a_disk_that_is_full_for_terraform_is_told_too(ground: Ground, small_disk: Path) -> None:
    """A plan file that does not fit ends in the same kind of error."""
    ground.write("modules/echo/main.tf")
    ground = replace(ground, site=replace(ground.site, folder=small_disk / ".orchestrator"))
    workspace = ground.workspace()
    ground.plan(workspace, {"text": "x"})
    fill(small_disk, leave=8192)
    with pytest.raises(StorageError, match=r"disk is full|no space left"):
        ground.plan(workspace, {"text": "x" * 500_000})


def wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until another process made a file."""
    while not file.exists():
        assert process.poll() is None, "the other process ended"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
