"""Waiting for a child, and ending it: by a request, by its time limit, or by the memory it takes."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from orchestrator import clock
from orchestrator.footprint import Footprint
from orchestrator.processes.command import Limits
from orchestrator.processes.stop import Stop

POLL_SECONDS: Final = 0.03
"""How often a child is looked at."""


class Child(Protocol):
    """A child that leads a process group of its own, however it came about."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def wait(self) -> int:
        """Wait for its end, let go of it, and return its exit code, negative for a signal."""


def supervise(
    child: Child,
    *,
    limits: Limits,
    stop: Stop | None,
    on_poll: Callable[[], None],
    await_end: Callable[[], None] | None = None,
) -> str:
    """Wait for the child while walking the signal ladder; return why it was ended, or an empty text.

    ``await_end`` returns once it ended, without letting go of it, where it is no child of this very process.
    """
    exited = threading.Event()
    awaited = await_end or partial(_await_end, child.pid)
    waiter = threading.Thread(target=_announce_exit, args=(awaited, exited), daemon=True)
    waiter.start()
    deadline = clock.seconds() + limits.timeout if limits.timeout is not None else None
    ladder, footprint = _Ladder(child, limits), Footprint(child.pid)
    try:
        while not exited.wait(POLL_SECONDS):
            on_poll()
            if stop is not None and stop.requested:
                ladder.climb("interrupted", asked=stop.requests)
            elif deadline is not None and clock.seconds() > deadline:
                ladder.climb("timed out", asked=1)
            elif limits.memory is not None and footprint.exceeds(limits.memory):
                ladder.climb("exceeded", asked=1)
    finally:
        # Providers and local-exec children outlive a killed Terraform; on any exit the whole group goes.
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()
    return ladder.reason


def _announce_exit(await_end: Callable[[], None], exited: threading.Event) -> None:
    await_end()
    exited.set()


def _await_end(process: int) -> None:
    # Not reaped yet, so that its number, and with it the group's, cannot be taken by a stranger before the
    # group is killed.
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


class _Ladder:
    """Interrupt once and be patient, interrupt again, then kill the group."""

    def __init__(self, child: Child, limits: Limits) -> None:
        self._child = child
        self._waits = [limits.grace, limits.second_grace]
        self._due = 0.0
        self._asked = 0
        self.reason = ""

    def climb(self, reason: str, *, asked: int) -> None:
        self.reason = self.reason or reason
        if clock.seconds() < self._due and asked <= self._asked:
            return
        self._asked = max(asked, self._asked)
        if not self._waits:
            _signal_group(self._child.pid, signal.SIGKILL)
            return
        self._due = clock.seconds() + self._waits.pop(0)
        with suppress(ProcessLookupError):
            # To the process alone: its own children are its business until the group is killed.
            os.kill(self._child.pid, signal.SIGINT)


def _signal_group(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)
