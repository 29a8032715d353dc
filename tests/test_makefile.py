"""What the Makefile would run, asked of make itself without running it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call make in the repository with no terminal and only these variables added."""
    kept = {"PATH", "HOME"} & os.environ.keys()
    return subprocess.run(
        ("make", "--directory", str(ROOT), *arguments),
        check=False,
        env={name: os.environ[name] for name in kept} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def command(*arguments: str, **variables: str) -> str:
    """Give the last command that make would run."""
    result = make("--dry-run", *arguments, **variables)
    assert result.returncode == 0, result.stderr
    commands = [line for line in result.stdout.splitlines() if not line.startswith("make")]
    return " ".join(commands[-1].split())


def test_make_alone_lists_every_target_with_its_description() -> None:
    """A target that nobody is told about does not exist."""
    targets = re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", make().stdout, re.MULTILINE))

    assert list(listed) == targets
    assert {"plan", "apply", "destroy", "test", "check", "bench", "soak"} <= set(targets)


def test_stack_environment_and_arguments_reach_the_command() -> None:
    """STACK, ENV and ARGS are the stack, its environment and anything else."""
    line = command("plan", "STACK=shop", "ENV=staging", "ARGS=--only modules.network")

    assert line == ".venv/bin/orchestrator plan shop --env staging --only modules.network"


@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_the_quickstart_starts_where_nobody_can_be_asked(verb: str) -> None:
    """The first command of the README works in a pipeline, on a sandbox and nothing else."""
    assert command(verb) == f".venv/bin/orchestrator {verb} quickstart --yes"


@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_a_named_stack_is_never_changed_without_a_yes(verb: str) -> None:
    """Whoever names a stack, as an argument or in the environment, is asked or has to say --yes."""
    assert "--yes" not in command(verb, "STACK=quickstart")
    assert "--yes" not in command(verb, STACK="quickstart")
    assert "--yes" in command(verb, "STACK=shop", "ARGS=--yes")


def test_a_python_that_is_too_old_is_named_with_a_hint(tmp_path: Path) -> None:
    """Without a Python that fits, nothing is made and the message says how to name one."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    result = make("--always-make", ".venv/run.stamp", f"PYTHON={old}")

    assert result.returncode == 2
    assert f"no Python 3.11 or later as {old}; install one, or name it" in result.stderr
