"""How benchmarks start programs: by argument vectors, quietly, and loud when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))

# Nobody is to wait for Terraform's look for a newer version of itself, and Python keeps what it
# compiled, as it does where a program is installed (an empty value is none).
_ALWAYS = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "PYTHONDONTWRITEBYTECODE": ""}


class Failed(Exception):
    """A program that is measured did not do what it should; the message ends with its output."""


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
            output = f"{ended.stdout}{ended.stderr}"
            message = f"{' '.join(self.argv)} exited with {ended.returncode}\n{output}"
            raise Failed(message)
        return ended.stdout
