"""A control plane of a test's own, whose servers can be killed and started again as they were."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.processes import Command, Stop, start_daemon
from orchestrator.sandbox import Sandbox, down, up
from orchestrator.settings import Settings
from tests.end_to_end.commands import alive, eventually


@dataclass(slots=True)
class Component:
    """A server of a control plane, which can be killed and started again as it was."""

    process: int
    command: Command
    log: Path

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """Kill it, and start it again; the sandbox ends it like the one before.

        It ends at once while a connection of somebody else happens to have its port: it is started while the block
        lasts.
        """
        self.kill()
        with self.starting():
            yield

    def kill(self) -> None:
        """End it at once; on return its port is free."""
        os.kill(self.process, signal.SIGKILL)
        eventually(lambda: not alive(self.process), "it to be gone")

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Start it once it was killed, again and again while the block lasts."""
        done = threading.Event()
        starting = threading.Thread(target=self._start, args=(done,))
        starting.start()
        try:
            yield
        finally:
            done.set()
            starting.join()

    def _start(self, done: threading.Event) -> None:
        daemon = start_daemon(self.command, log=self.log)
        while not done.wait(0.1):
            if daemon.exit_code is not None:
                daemon = start_daemon(self.command, log=self.log)
        self.process = daemon.process


@contextmanager
def control_plane(directory: Path) -> Iterator[Sandbox]:
    """Start a control plane for the block alone."""
    place = directory / "sandbox"
    try:
        yield up(place, Settings.read(), on_progress=print, stop=Stop())
    finally:
        down(place, on_progress=print, stop=Stop())


def api_of(sandbox: Sandbox) -> Component:
    """Return its API server."""
    return _component(sandbox.directory, "cert-dir")


def etcd_of(sandbox: Sandbox) -> Component:
    """Return its etcd."""
    return _component(sandbox.directory, "data-dir")


def _component(directory: Path, flag: str) -> Component:
    """Return the server that is told this directory by a flag."""
    mark = f"--{flag}={directory.resolve()}"
    (found,) = [
        Component(
            process=int(entry.name),
            command=Command(
                argv=_argv(entry),
                directory=(entry / "cwd").readlink(),
                environment=Settings.read().environment,
            ),
            log=directory / "restarted.log",
        )
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(part.startswith(mark) for part in _argv(entry))
    ]
    return found


def _argv(entry: Path) -> tuple[str, ...]:
    try:
        return tuple((entry / "cmdline").read_bytes().decode().split("\0")[:-1])
    except OSError:
        return ()
