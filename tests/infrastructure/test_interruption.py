"""Being asked to stop while Terraform runs: it is interrupted, it saves its state, and nothing of it stays."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import Interrupted, TerraformError
from orchestrator.infrastructure.modules import Workspace, apply_module
from orchestrator.processes import Limits
from tests.infrastructure.ground import ECHO, Ground, values

pytestmark = pytest.mark.integration


def slow_module(folder: Path, *, before: str = "") -> str:
    """Return a module that makes one resource and then hangs in a command, whose process it notes in a file."""
    command = (
        f"{before}echo $$ > {folder}/pid.new; mv {folder}/pid.new {folder}/pid; exec sleep 600"
    )
    return (
        f'{ECHO}resource "terraform_data" "slow" {{\n  depends_on = [terraform_data.echo]\n'
        f'  provisioner "local-exec" {{\n    command = "{command}"\n  }}\n}}\n'
    )


def stopped_while(
    work: Callable[[], object], ground: Ground, folder: Path, *, times: int = 1
) -> Interrupted:
    """Do some work, ask it to stop when its command runs, and return the error that it ends with."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        noted = threading.Event()
        while not (folder / "pid").exists():
            assert not running.done(), running.exception()
            noted.wait(0.02)
        for _ in range(times):
            ground.site.stop.request()
        error = running.exception(timeout=60)
    assert isinstance(error, Interrupted), error
    return error


def apply(ground: Ground, workspace: Workspace) -> Callable[[], object]:
    """Plan, and return the apply."""
    plan_file = ground.plan(workspace, {"text": "x"}).plan_file
    assert plan_file is not None
    return lambda: apply_module(workspace, plan_file, on_event=ground.events.append)


def gone(folder: Path) -> bool:
    """Wait until the noted process has ended."""
    process = int((folder / "pid").read_text())
    patience = threading.Event()
    for _ in range(200):
        if ended(process):
            return True
        patience.wait(0.05)
    return False


def ended(process: int) -> bool:
    """Return whether a process runs no more, also when nobody has asked yet how it ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_terraform_that_is_killed_from_outside_leaves_the_names_of_what_it_was_at(
    ground: Ground, tmp_path: Path
) -> None:
    """Nobody asked it to stop, and nobody knows what became of what it was at: a system short of memory does that."""
    program, engine = tmp_path / "terraform", tmp_path / "engine"
    argv = " ".join(f"'{part}'" for part in ground.site.binary.argv)
    program.write_text(f'#!/bin/sh\necho $$ > "{engine}"\nexec {argv} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    binary = replace(ground.site.binary, argv=(str(program),))
    ground = replace(ground, site=replace(ground.site, binary=binary))
    ground.write("modules/echo/main.tf", slow_module(tmp_path))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(apply(ground, ground.workspace()))
        noted = threading.Event()
        while not (tmp_path / "pid").exists():
            assert not running.done(), running.exception()
            noted.wait(0.02)
        os.kill(int(engine.read_text()), signal.SIGKILL)
        error = running.exception(timeout=60)

    assert isinstance(error, TerraformError)
    assert error.message == "modules.echo: apply failed: Terraform was ended from outside"
    assert "it was killed" in error.detail
    assert "may exist without being in the state: terraform_data.slow" in error.hint
    assert gone(tmp_path)


def test_an_interrupted_apply_saves_what_it_did_and_names_what_it_was_at(
    ground: Ground, tmp_path: Path
) -> None:
    """The state has what was finished, the hint what may exist besides, and the command's process is gone."""
    ground.write("modules/echo/main.tf", slow_module(tmp_path))
    workspace = ground.workspace()
    error = stopped_while(apply(ground, workspace), ground, tmp_path)
    assert error.message == "modules.echo: stopped during apply"
    assert "may exist without being in the state: terraform_data.slow" in error.hint
    assert error.exit_code == 130
    assert gone(tmp_path)
    calm = replace(ground, site=replace(ground.site, stop=type(ground.site.stop)()))
    again = calm.plan(calm.workspace(), {"text": "x"})
    assert [change.name for change in again.changes] == ["terraform_data.slow"]
    assert values(again.outputs) == {"text": "x"}


def test_an_apply_that_does_not_heed_is_killed_with_all_it_started(
    ground: Ground, tmp_path: Path
) -> None:
    """After the second interrupt comes the end, and the message says what that means for the state."""
    ground.write("modules/echo/main.tf", slow_module(tmp_path, before="trap '' INT TERM; "))
    program = tmp_path / "stubborn"
    program.write_text(
        f"#!/bin/sh\ntrap '' INT\n{engine(ground)} \"$@\" &\nwait $!\n", encoding="utf-8"
    )
    program.chmod(0o755)
    stubborn = replace(
        ground.workspace(),
        site=replace(
            ground.site,
            binary=replace(ground.site.binary, argv=(str(program),)),
            limits=Limits(grace=0.2, second_grace=0.2),
        ),
    )
    error = stopped_while(apply(ground, stubborn), ground, tmp_path)
    assert "Terraform was killed" in error.hint
    assert gone(tmp_path)


def test_asking_again_ends_the_patience(ground: Ground, tmp_path: Path) -> None:
    """A person who asks three times does not wait for the times that a supervisor would."""
    ground.write("modules/echo/main.tf", slow_module(tmp_path, before="trap '' INT TERM; "))
    patient = replace(
        ground, site=replace(ground.site, limits=Limits(grace=300.0, second_grace=300.0))
    )
    stopped_while(apply(patient, patient.workspace()), patient, tmp_path, times=3)
    assert gone(tmp_path)


def test_an_apply_that_takes_too_long_saves_what_it_did(ground: Ground, tmp_path: Path) -> None:
    """It is interrupted as a person would, so that the state is saved, and says which setting gives more time."""
    ground.write("modules/echo/main.tf", slow_module(tmp_path))
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"text": "x"}).plan_file
    assert plan_file is not None
    limits = Limits(timeout=3.0, grace=60.0)
    hurried = replace(workspace, site=replace(ground.site, limits=limits))
    with pytest.raises(TerraformError) as caught:
        apply_module(hurried, plan_file, on_event=ground.events.append)
    assert caught.value.message == "modules.echo: apply was stopped, since it took longer than 3s"
    assert "terraform: {timeout: …}" in caught.value.hint
    assert "may exist without being in the state: terraform_data.slow" in caught.value.hint
    assert gone(tmp_path)
    assert values(ground.plan(workspace, {"text": "x"}).outputs) == {"text": "x"}


def test_an_apply_that_writes_without_end_saves_what_it_did(ground: Ground) -> None:
    """It is stopped before the disk is full, on which the state has to be saved."""
    chatty = 'resource "terraform_data" "chatty" {\n  provisioner "local-exec" {\n    command = "yes"\n  }\n}\n'
    ground.write("modules/echo/main.tf", ECHO + chatty)
    workspace = ground.workspace()
    plan_file = ground.plan(workspace, {"text": "x"}).plan_file
    assert plan_file is not None
    limits = Limits(written=3 * 1024**2, grace=60.0)
    narrow = replace(workspace, site=replace(ground.site, limits=limits))
    with pytest.raises(TerraformError) as caught:
        apply_module(narrow, plan_file, on_event=ground.events.append)
    assert caught.value.message == "modules.echo: apply was stopped, since it wrote more than 3 MB"
    assert "the module's programs write less" in caught.value.hint
    assert values(ground.plan(workspace, {"text": "x"}).outputs) == {"text": "x"}


def test_an_interrupted_plan_leaves_nothing(ground: Ground, tmp_path: Path) -> None:
    """Neither a plan file nor the inputs stay behind."""
    ground.write("modules/echo/main.tf")
    fifo = tmp_path / "pid"
    program = tmp_path / "hanging"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = plan ] || exec {engine(ground)} "$@"\necho $$ > {fifo}; exec sleep 600\n'
    )
    program.chmod(0o755)
    hanging = replace(
        ground.workspace(),
        site=replace(ground.site, binary=replace(ground.site.binary, argv=(str(program),))),
    )
    error = stopped_while(lambda: ground.plan(hanging, {"text": "x"}), ground, tmp_path)
    assert error.message == "modules.echo: stopped during plan"
    assert list(hanging.plans.iterdir()) == []
    assert not list(hanging.home.glob("inputs-*"))
    assert not list(hanging.home.glob("*.jsonl"))


def test_nothing_is_begun_after_the_request(ground: Ground) -> None:
    """Who asked to stop before a module's turn sees it untouched."""
    ground.write("modules/echo/main.tf")
    ground.site.stop.request()
    with pytest.raises(Interrupted, match=r"modules\.echo: stopped before"):
        ground.plan(ground.workspace(), {"text": "x"})


def engine(ground: Ground) -> str:
    """Return the engine's argument vector for a shell."""
    return " ".join(f"'{part}'" for part in ground.site.binary.argv)
