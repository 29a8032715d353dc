"""A child at our own terminal, such as Terraform's console."""

import os
import signal
import subprocess
from contextlib import suppress

from orchestrator import log
from orchestrator.processes.command import Command
from orchestrator.processes.starting import start_attached
from orchestrator.processes.stop import Stop
from orchestrator.processes.supervising import POLL_SECONDS


def attach(command: Command, *, stop: Stop) -> int:
    """Run a child on our own stdin, stdout and stderr; return its exit code, negative for a signal.

    It stays in our process group, so that the keys of a terminal reach it: those are not passed on, since a second
    interrupt makes Terraform give up without saving. Every other request to stop is passed on as an interrupt.
    Raises ProgramMissing when it cannot be started.
    """
    child = start_attached(command)
    passed_on = heard = 0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(POLL_SECONDS)
            if stop.requested and stop.requests > passed_on + heard:
                heard = stop.keyed if _in_foreground() else 0
                for _ in range(passed_on + heard, stop.requests):
                    child.send_signal(signal.SIGINT)
                    passed_on += 1
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        log.step("process ended", argv=command.argv, code=child.returncode)


def _in_foreground() -> bool:
    """Whether the keys of a terminal reach our process group, wherever our streams lead to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:  # there is none
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it was closed
        return False
    finally:
        os.close(terminal)
