"""Values that a killed process left in clear text are gone as soon as anything of the repository is worked on."""

import fcntl
import os
from pathlib import Path

from orchestrator.infrastructure.layout.leftovers import sweep

_OLD = 1_000_000_000


def test_what_was_left_of_any_unit_is_removed(tmp_path: Path) -> None:
    """Of other stacks and of units that Git forgot too; what belongs to a unit stays, and so does a fresh plan."""
    home = _unit(tmp_path, "shop", "gone")
    old, new = _write(home / "plans/old.tfplan"), _write(home / "plans/new.tfplan")
    os.utime(old, (_OLD, _OLD))
    kept = {_write(home / name) for name in ("errored.tfstate", "placed.json", "data/initialised")}

    sweep(tmp_path)

    left = {file for file in home.rglob("*") if file.is_file()}
    assert left == {*kept, new, home / "lock"}


def test_a_unit_at_work_is_left_alone(tmp_path: Path) -> None:
    """Its lock says so; the next run finds what it leaves."""
    busy, idle = _unit(tmp_path, "shop", "busy"), _unit(tmp_path, "other", "idle")
    with (busy / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        sweep(tmp_path)
    assert (busy / "inputs-1/inputs.tfvars.json").exists()
    assert (busy / "plan.jsonl").exists()
    assert not (idle / "inputs-1").exists()


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    """Neither is a folder that cannot be looked into a reason to fail."""
    sweep(tmp_path / "nowhere")
    _write(tmp_path / "units/shop/default/file")
    sweep(tmp_path)


def _unit(folder: Path, stack: str, name: str) -> Path:
    """Make what a process leaves that is killed at its worst."""
    home = folder / "units" / stack / "default" / name
    for file in (
        "inputs-1/inputs.tfvars.json",
        "plan.jsonl",
        "apply.jsonl",
        "init.txt",
        "data/backend.json",
    ):
        _write(home / file)
    return home


def _write(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("hunter2")
    return file
