"""Prometheus's own linter of rules: built once from the Go module proxy, and kept in the cache."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from orchestrator.processes import Stop
from orchestrator.sandbox.programs.build import Program, built
from orchestrator.settings import Settings

_PROMTOOL: Final = Program(
    name="promtool",
    title="Prometheus's promtool",
    sources=Path(__file__).with_name("golang") / "promtool",
    package="github.com/prometheus/prometheus/cmd/promtool",
    tags=("remove_all_sd",),  # one of the modules for service discovery cannot be had
)


@cache
def promtool_program() -> Path:
    """Return the program, built first when there is none; that takes some minutes."""
    return built(_PROMTOOL, Settings.read(), on_progress=_tell, stop=Stop())


def promtool(*arguments: str, given: str = "") -> str:
    """Run it, which has to succeed, and return what it said."""
    ended = subprocess.run(
        (str(promtool_program()), *arguments),
        check=False,
        capture_output=True,
        text=True,
        input=given,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
