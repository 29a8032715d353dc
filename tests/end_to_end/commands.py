"""Commands as they run, and waiting for what they bring about."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forked.command import Forked

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and all that it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Return both streams."""
        return self.stdout + self.stderr

    @property
    def json(self) -> Any:
        """Return what was written to stdout, which is one JSON document and nothing else."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A command that runs."""

    process: Forked

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, to it alone."""
        self.process.send_signal(number)

    def await_line(self, part: str) -> str:
        """Wait for a line of stderr that holds ``part``, and return it; lines before it are gone for good."""
        for line in self.process.stderr:
            if part in line:
                return line
        raise AssertionError(f"it ended without a line with {part}")

    def end(self, patience: float = _PATIENCE_SECONDS) -> Ended:
        """Wait until it has ended, for so many seconds at most."""
        stdout, stderr = self.process.communicate(timeout=patience)
        return Ended(code=self.process.wait(), stdout=stdout, stderr=stderr)


def eventually(holds: Callable[[], Any], what: str) -> Any:
    """Look again and again until something is there, and return it; fail after a minute."""
    pause = threading.Event()
    for _ in range(int(_PATIENCE_SECONDS / 0.02)):
        found = holds()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"waited in vain for {what}")


def alive(process: int) -> bool:
    """Whether a process is there; one that has ended and was not collected yet is not."""
    listed = subprocess.run(
        ("ps", "-o", "stat=", "-p", str(process)), capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1] not in {"", "Z"}


def held(folder: Path) -> list[int]:
    """Wait until something is held, and return the ids of its processes, its own first."""
    eventually((folder / "started").exists, "something to be held")
    return [int(word) for word in (folder / "started").read_text().split()]
