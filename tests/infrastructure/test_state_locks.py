"""Terraform's locks that a dead run left on states: released when they are surely that run's."""

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.errors import TerraformError
from orchestrator.infrastructure.reading.locks import StateLock
from orchestrator.infrastructure.state_locks import Former, release_state_lock
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.settings import Settings
from tests.infrastructure.ground import Ground
from tests.infrastructure.test_backends import Place, aws, holding, place, postgres, states

__all__ = ["aws", "place", "postgres", "states"]  # fixtures

NOON = datetime(2025, 3, 14, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("place", ["s3", "kubernetes"], indirect=True)
@pytest.mark.integration
def test_a_lock_that_a_killed_run_left_is_released(
    ground: Ground,
    place: Place,
    tmp_path: Path,
) -> None:
    """Not while Terraform of that run works, nor for another's account; then the state can be used again."""
    ground.write("modules/echo/main.tf", holding(tmp_path))
    workspace = ground.workspace(state=place("left"))
    settings = Settings.read()
    before = clock.now()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ground.apply, workspace, {"text": "one"})
        process = _terraform(workspace, tmp_path)
        os.killpg(process, signal.SIGKILL)
        with pytest.raises(TerraformError):
            running.result(timeout=60)
    former = Former(
        account=f"{settings.user}@{settings.host}", since=before, until=clock.now() + HOUR
    )
    stranger = release_state_lock(workspace, replace(former, account="root@elsewhere"))
    assert f"its state is locked by {former.account} (apply) since" in stranger
    assert "not known to be the dead run's" in stranger

    with subprocess.Popen(("cat",), cwd=workspace.directory, stdin=subprocess.PIPE) as survivor:
        working = release_state_lock(workspace, former)
        survivor.communicate()
    assert "Terraform of that run still works here (process " in working
    (tmp_path / "go").touch()

    told = _when_it_ended(workspace, former)

    assert told.startswith("modules.echo: its state is locked by ")
    assert told.endswith("; released it")
    assert release_state_lock(workspace, former) == ""
    ground.apply(workspace, {"text": "two"})


def test_whose_lock_it_is() -> None:
    """Of the same account and taken while that run lasted: any doubt leaves the lock alone."""
    former = Former(account="ada@build-7", since=NOON, until=NOON + HOUR)
    lock = StateLock(id="1", who="ada@build-7", since=NOON + HOUR / 2)
    assert former.locked(lock)
    for other in (
        replace(lock, who="ada@build-8"),
        replace(lock, who=""),
        replace(lock, id=""),
        replace(lock, since=None),
        replace(lock, since=NOON - timedelta(seconds=1)),
        replace(lock, since=NOON + 2 * HOUR),
    ):
        assert not former.locked(other)


def _when_it_ended(workspace: Workspace, former: Former) -> str:
    pause = threading.Event()
    for _ in range(200):
        told = release_state_lock(workspace, former)
        if "still works here" not in told:
            return told
        pause.wait(0.1)
    raise AssertionError("Terraform never ended")


def _terraform(workspace: Workspace, folder: Path) -> int:
    """Wait until an apply is held, and return the process of its Terraform."""
    pause = threading.Event()
    for _ in range(6000):
        if (folder / "started").exists():
            break
        pause.wait(0.01)
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == workspace.directory:
                return os.getpgid(int(link.parent.name))
    raise AssertionError("Terraform does not run")
