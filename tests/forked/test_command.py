"""A command that is forked is like one that is started."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.forked.command import ORCHESTRATOR, Forks

_STACK = "version: 1\nname: shop\ncluster: {sandbox: true}\nmodules: {}\nmanifests: {}\n"


@pytest.fixture
def forks() -> Iterator[Forks]:
    """Return what forks, which ends with the test."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with a stack."""
    file = tmp_path / "stacks" / "shop" / "stack.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(_STACK)
    (tmp_path / ".git").mkdir()
    return tmp_path


def _started(
    *arguments: str, directory: Path, environment: Mapping[str, str]
) -> tuple[int, str, str]:
    done = subprocess.run(
        (ORCHESTRATOR, *arguments),
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_it_says_and_ends_as_one_that_is_started(forks: Forks, checkout: Path) -> None:
    """Its arguments, directory, environment, streams and exit code are its own, whatever ran before it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(checkout), "COLUMNS": "60"}
    for arguments in (
        ["--version"],
        ["validate"],
        ["validate", "shp"],
        ["plam"],
        ["plan", "--help"],
    ):
        forked = forks.start(*arguments, directory=checkout, environment=environment)
        said = forked.communicate(timeout=60.0)
        assert (forked.wait(), *said) == _started(
            *arguments, directory=checkout, environment=environment
        )


def test_it_is_a_process_that_a_signal_ends(forks: Forks, checkout: Path) -> None:
    """It has an id of its own, and the signal that ended it is told; others run on."""
    waiting = checkout / "git"  # what the command waits for, until it is gone itself
    waiting.write_text('#!/bin/sh\nwhile kill -0 "$PPID" 2> /dev/null; do sleep 0.05; done\n')
    waiting.chmod(0o755)
    environment = {"PATH": f"{checkout}{os.pathsep}{os.environ['PATH']}", "HOME": str(checkout)}
    first, second = (
        forks.start("status", "shop", directory=checkout, environment=environment) for _ in range(2)
    )
    assert first.pid != second.pid

    first.kill()

    assert first.communicate(60.0) == ("", "")
    assert first.wait() == -signal.SIGKILL
    assert second.poll() is None
    second.kill()
    assert second.communicate(60.0) == ("", "")
    assert second.wait() == -signal.SIGKILL
