"""The command, forked from a process that has it loaded, as if it had been started: see ``server``."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from tests.forked import server

ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))


@dataclass(slots=True, kw_only=True)
class Forked:
    """A command that runs; it is asked as ``subprocess.Popen`` is."""

    pid: int
    stdout: TextIO
    stderr: TextIO
    outcome: socket.socket
    returncode: int | None = None
    _said: dict[str, str] = field(default_factory=dict)

    def poll(self) -> int | None:
        """Return its exit code, or the negative number of the signal that ended it; None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise ``subprocess.TimeoutExpired`` when that does not come."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(ORCHESTRATOR, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return all that it says until its end."""
        readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True)
            for name in ("stdout", "stderr")
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(ORCHESTRATOR, timeout or 0.0)
        self.wait(timeout)
        return self._said["stdout"], self._said["stderr"]

    def _read(self, name: str) -> None:
        stream: TextIO = getattr(self, name)
        with stream:
            self._said[name] = stream.read()

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self.outcome], [], [], timeout)[0]:
            self.returncode = int(_line(self.outcome))
            self.outcome.close()
        return self.returncode


class Forks:
    """Starts commands; the process that they are forked from is started for the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def start(
        self,
        *arguments: str,
        directory: Path,
        environment: Mapping[str, str],
        stdin: str = "",
    ) -> Forked:
        """Start the command; ``stdin`` is all that it can read."""
        ours, theirs = zip(os.pipe(), os.pipe(), strict=True)
        outcome, teller = socket.socketpair()
        request = {
            "arguments": [ORCHESTRATOR, *arguments],
            "directory": str(directory),
            "environment": dict(environment),
        }
        with _input(stdin) as given, teller:
            self._ask(request, (given.fileno(), *theirs, teller.fileno()))
        for each in theirs:
            os.close(each)
        stdout, stderr = (os.fdopen(each, encoding="utf-8") for each in ours)
        return Forked(pid=int(_line(outcome)), stdout=stdout, stderr=stderr, outcome=outcome)

    def close(self) -> None:
        """End the process that all were forked from."""
        if self._server is not None and self._requests is not None:
            self._requests.close()
            self._server.wait()

    def _ask(self, request: Mapping[str, object], files: Sequence[int]) -> None:
        text = json.dumps(request).encode()
        with self._lock:
            if self._requests is None:
                self._requests = self._serve()
            socket.send_fds(self._requests, [len(text).to_bytes(server.LENGTH_BYTES)], files)
            self._requests.sendall(text)

    def _serve(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                (sys.executable, "-P", server.__file__),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
            )
        return ours


def _input(text: str) -> IO[bytes]:
    """Return a file with a text to read, which is nowhere any more once it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asks closes it
    file.write(text.encode())
    file.seek(0)
    return file


def _line(connection: socket.socket) -> str:
    """Return what is told next, byte by byte: nothing that comes later is taken away."""
    found = b""
    while not found.endswith(b"\n"):
        part = connection.recv(1)
        assert part, "the process that commands are forked from is gone"
        found += part
    return found.decode()
