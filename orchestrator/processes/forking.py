"""Commands of this program, forked from a process that has it loaded: a start takes most of what a short one takes.

A fork is a process of its own all the same: with its arguments, directory, environment, output, process group, limits
and end. The process that they are forked from does nothing else, keeps nothing of any of them, and ends with this one.
It hears of a fork only that there is to be one: what to be is told to the fork itself, over a channel of its own.
"""

import json
import os
import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Final

from orchestrator import log
from orchestrator.errors import OrchestratorError
from orchestrator.processes.command import Command, Completed, Limits
from orchestrator.processes.daemon import Daemon
from orchestrator.processes.running import captured
from orchestrator.processes.starting import start_server, temporary_file
from orchestrator.processes.stop import Stop
from orchestrator.processes.supervising import supervise

LENGTH_BYTES: Final = 8
"""How a fork is told what to be: the length of a JSON document, and that."""

_ANSWER_SECONDS: Final = 30.0
"""How long the process that forks may take to fork, in seconds, a start of its own included."""

_ATTEMPTS: Final = 3
"""How often a fork is asked for: the first may meet a process that dies, and the second find that it is dead."""

_LOST: Final = 70
"""What a fork counts as ended with when nobody can tell any more (sysexits.h, EX_SOFTWARE)."""


def can_fork() -> bool:
    """Whether this system tells of the end of a process that is not our own child, as Linux does (pidfd_open(2)).

    Some containers forbid to ask for it.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class NotForked(OrchestratorError):
    """Nothing was forked, and nothing of the command has begun."""


@dataclass(slots=True)
class _Fork:
    """A fork that runs: its channel tells how it ended, and is closed to let go of it."""

    pid: int
    channel: socket.socket
    # Tells of its end, too, when the process that it was forked from is gone.
    handle: int
    code: int = _LOST

    def await_end(self) -> None:
        said = _line(self.channel)
        if said:
            self.code = int(said)
            return
        ended = select.poll()  # select(2) takes none from 1024 on, and an agent may have more
        ended.register(self.handle, select.POLLIN)
        ended.poll()

    def wait(self) -> int:
        os.close(self.handle)
        self.channel.close()
        return self.code


@dataclass(slots=True)
class Forks:
    """Has commands forked; the process that does is started for the first of them, and anew when it is gone.

    ``server`` is how it is started: it serves at the socket that is its stdin. Any thread may ask.
    """

    server: Command
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: socket.socket | None = None
    _process: Daemon | None = None

    def start(self) -> None:
        """Start the process that forks, so that the first command need not wait for it."""
        with self._lock, suppress(OSError, OrchestratorError):
            self._connection()

    @property
    def process(self) -> int:
        """The process that forks, 0 while there is none."""
        return self._process.process if self._process is not None else 0

    def run(
        self, command: Command, *, limits: Limits | None = None, stop: Stop | None = None
    ) -> Completed:
        """Run a command to its end and return its captured output; its ``argv`` begins with the first argument.

        Raises NotForked when nothing could be forked.
        """
        limits = limits or Limits()
        with temporary_file() as out, temporary_file() as err:
            child = self._forked_in_the_end(command, out, err)
            ended = supervise(
                child, limits=limits, stop=stop, on_poll=_nothing, await_end=child.await_end
            )
            log.step("fork ended", argv=command.argv, code=child.code)
            return captured(child.code, out, err, most=limits.output, ended=ended)

    def close(self) -> None:
        """End the process that forks; what was forked ends as it does when this one is gone."""
        with self._lock:
            self._let_go()

    def _forked_in_the_end(self, command: Command, out: IO[bytes], err: IO[bytes]) -> _Fork:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._forked(command, out, err)
            except NotForked as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise  # it is busy, and will be
        return self._forked(command, out, err)

    def _forked(self, command: Command, out: IO[bytes], err: IO[bytes]) -> _Fork:
        try:
            ours = self._asked(out, err)
        except (OSError, OrchestratorError) as error:
            raise NotForked("nothing could be forked") from error
        handle = -1
        try:
            ours.settimeout(_ANSWER_SECONDS)
            pid = int(_line(ours))
            handle = os.pidfd_open(pid)
            _tell(ours, command)
            ours.settimeout(None)
        except (OSError, ValueError) as error:
            # Of this one alone: were the process that forks let go of, all that runs would end.
            ours.close()  # a fork that was told nothing ends
            if handle >= 0:
                os.close(handle)
            raise NotForked("nothing could be forked") from error
        return _Fork(pid, ours, handle)

    def _asked(self, out: IO[bytes], err: IO[bytes]) -> socket.socket:
        """Ask for a fork, and return where it answers; lets go of a process that hears nothing any more."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            files = [out.fileno(), err.fileno(), theirs.fileno()]
            try:
                socket.send_fds(self._connection(), [b"+"], files)
            except (OSError, OrchestratorError):
                ours.close()
                self._let_go()
                raise
        return ours

    def _connection(self) -> socket.socket:
        if self._requests is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                child = start_server(self.server, connection=theirs.fileno())
                self._process = Daemon(child)
            self._requests = ours
        return self._requests

    def _let_go(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None


def _nothing() -> None:
    return None


def _tell(channel: socket.socket, command: Command) -> None:
    told = json.dumps(
        {
            "arguments": command.argv,
            "directory": str(command.directory),
            "environment": dict(command.environment),
        }
    ).encode()
    channel.sendall(len(told).to_bytes(LENGTH_BYTES) + told)


def _line(channel: socket.socket) -> str:
    """Return what is told next, byte by byte: nothing that comes later is taken away. Empty when nobody will."""
    found = b""
    while not found.endswith(b"\n"):
        try:
            part = channel.recv(1)
        except ConnectionError:
            return ""
        if not part:
            return ""
        found += part
    return found.decode()
