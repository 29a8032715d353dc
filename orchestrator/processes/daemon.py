"""A child that outlives this process."""

import subprocess
import threading
from pathlib import Path

from orchestrator.processes.command import Command
from orchestrator.processes.starting import start


class Daemon:
    """A child that outlives this process; as long as this process lives, its exit code is known."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        # Collects the exit code at once: a zombie would look alive to everybody else.
        threading.Thread(target=child.wait, daemon=True).start()

    @property
    def process(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._child.returncode


def start_daemon(command: Command, *, log: Path) -> Daemon:
    """Start a child that outlives this process, with its output appended to ``log``.

    Raises ProgramMissing when it cannot be started.
    """
    with log.open("ab") as out:
        log.chmod(0o600)
        return Daemon(start(command, stdout=out, stderr=out))
