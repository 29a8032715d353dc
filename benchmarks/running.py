"""How benchmarks start programs: by argument vectors, quietly, and loud when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.memory import PeakMemory

ROOT = Path(__file__).resolve().parent.parent
ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))

# Nobody is to wait for Terraform's look for a newer version of itself, and Python keeps what it
# compiled, as it does where a program is installed (an empty value is none).
_ALWAYS = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "PYTHONDONTWRITEBYTECODE": ""}
_TOLD_OF_A_FAILURE = 20_000


class Failed(Exception):
    """A program that is measured did not do what it should; the message ends with its output."""


class NotHere(Exception):
    """This machine lacks what rows are measured on; the message says what, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run took: seconds by the clock on the wall, and memory at its peak, children included."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run where; ``variables`` come on top of this process's environment."""

    argv: tuple[str, ...]
    directory: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return the whole environment of the child."""
        return {**os.environ, **_ALWAYS, **self.variables}

    def run(self) -> str:
        """Run to the end and return stdout; raises Failed for any exit code but 0."""
        ended = subprocess.run(
            self.argv,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise self._failed(ended.returncode, f"{ended.stdout}{ended.stderr}")
        return ended.stdout

    def measured(self) -> Usage:
        """Run to the end and return what that took; raises Failed for any exit code but 0."""
        with tempfile.TemporaryFile("w+") as output:
            began = time.perf_counter()
            child = subprocess.Popen(
                self.argv,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            peak = PeakMemory(child.pid)
            _, status, used = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
            megabytes = peak.megabytes(used.ru_maxrss)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise self._failed(child.returncode, _end_of(output))
        return Usage(seconds=seconds, megabytes=megabytes)

    def _failed(self, code: int, output: str) -> Failed:
        message = f"{' '.join(self.argv)} exited with {code}\n{output}"
        return Failed(message)


def tell(text: str) -> None:
    """Say how far a benchmark is."""
    sys.stderr.write(f"  {text}\n")


def _end_of(output: IO[str]) -> str:
    output.seek(0)
    return output.read()[-_TOLD_OF_A_FAILURE:]
