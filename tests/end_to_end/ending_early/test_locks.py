"""One writer: who comes second is told who came first, and a writer that died does not block the next."""

import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.commands import Running, alive, eventually, held
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, declare_held
from tests.git import git

pytestmark = pytest.mark.integration


def test_a_second_writer_is_refused_and_told_who_is_first(world: World, folder: Path) -> None:
    """Exit code 75, the holder's name and process; plans and status go on; afterwards the stack is free."""
    running = _hold(world, folder)

    second = world.run("apply", world.name, "--yes")
    destroying = world.run("destroy", world.name, "--yes")
    status = world.run("status", world.name)

    for refused in (second, destroying):
        assert refused.code == 75, refused.said
        assert "Grace Hopper" in refused.stderr
        assert f"process {running.process.pid}" in refused.stderr
        assert "waiting for" not in refused.stderr
    assert f"process {running.process.pid}" in status.stdout
    assert world.run("unlock", world.name).code == 75
    (folder / "go").touch()
    first = running.end()
    assert first.code == 0, first.said
    assert world.live().keys() == {"shop"}
    assert not world.locks()
    assert world.run("unlock", world.name).code == 0


def test_a_run_of_a_pipeline_is_told_with_its_address(world: World, folder: Path) -> None:
    """Whoever finds the stack locked, or reads of it later, is led to the log of the run."""
    address = "https://ci.example/jobs/7"
    running = _hold(world, folder, ci_run=address)

    refused = world.run("apply", world.name, "--yes")
    locked = world.run("lock", "status", world.name)
    holder = world.run("lock", "status", world.name, "--output", "json").json["holder"]
    (folder / "go").touch()
    ended = running.end()

    assert f"CI run: {address}" in refused.stderr
    assert f"  CI run     {address}" in locked.stdout
    assert holder["ci_run"] == address
    assert ended.code == 0, ended.said
    (run,) = world.run("history", world.name, "--output", "json").json["runs"]
    assert run["ci_run"] == address
    shown = world.run("history", "show", run["entry"], world.name)
    assert f"  CI run    {address}" in shown.stdout


def test_a_killed_writer_is_succeeded(world: World, folder: Path) -> None:
    """Its lock is taken over since its process is gone, and what it left open is finished."""
    running = _hold(world, folder)
    processes = held(folder)

    running.signal(signal.SIGKILL)
    killed = running.end()
    assert killed.code == -signal.SIGKILL
    assert world.locks()
    status = world.run("status", world.name)
    assert status.code == 0, status.said
    assert "Unfinished" in status.stdout
    assert "whose process has ended" in status.stdout
    (folder / "go").touch()  # Terraform itself lived on, and now comes to its end
    eventually(lambda: not any(map(alive, processes)), "the end of Terraform")

    applied = world.apply()

    assert "took the lock over" in applied.stderr
    told = " ".join(applied.stdout.split())
    assert "what became of modules.held (2 to create) and manifests.shop (1 to create)" in told
    assert world.live().keys() == {"shop"}
    assert world.resources("held").keys() == {"terraform_data.before", "terraform_data.held"}
    assert not world.locks()
    assert "Unfinished" not in world.run("status", world.name).stdout


def test_a_machine_that_went_down_in_an_apply_is_recovered_from(world: World, folder: Path) -> None:
    """The orchestrator and Terraform die together: what was made is in the state or made again, and nothing doubles."""
    running = _hold(world, folder)
    processes = held(folder)

    running.signal(signal.SIGKILL)
    running.end()
    for process in processes:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: not any(map(alive, processes)), "the end of Terraform")
    (folder / "go").touch()

    world.apply()

    assert world.resources("held").keys() == {"terraform_data.before", "terraform_data.held"}
    assert world.live().keys() == {"shop"}
    assert world.run("plan", world.name, "--detailed-exitcode").code == 0


def test_unlock_releases_a_dead_writer(world: World, folder: Path) -> None:
    """It gives the proof that it acts on, and changes nothing else."""
    running = _hold(world, folder)
    running.signal(signal.SIGKILL)
    running.end()
    (folder / "go").touch()
    entries = world.ledger()

    unlocked = world.run("unlock", world.name)

    assert unlocked.code == 0, unlocked.said
    assert "whose process has ended" in unlocked.stdout
    assert not world.locks()
    assert world.ledger() == entries


def _hold(world: World, folder: Path, *, ci_run: str = "") -> Running:
    """Start an apply that is held in the middle of Terraform's work."""
    declare_held(world, folder)
    running = world.start("apply", world.name, "--yes", CI_JOB_URL=ci_run)
    held(folder)
    assert git(world.root, "for-each-ref", "refs/orchestrator-lock")
    return running


def test_what_a_killed_run_made_is_destroyed_although_git_forgot_it(
    world: World, folder: Path
) -> None:
    """The intent is in the ledger: a module whose first apply died, and that left Git since, is not orphaned."""
    running = _hold(world, folder)
    running.signal(signal.SIGKILL)
    running.end()
    (folder / "go").touch()
    eventually(lambda: not any(map(alive, held(folder))), "the end of Terraform")
    assert world.resources("held")

    world.declare({}, {"shop": {"path": "shop.yaml", "namespace": world.name}})
    world.manifests("shop.yaml", config_map("shop", {"id": "none"}))
    world.commit("Go without what was never recorded as applied")
    world.apply()

    assert world.resources("held") == {}
    assert world.live().keys() == {"shop"}
