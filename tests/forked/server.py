"""A process that has all of the command loaded, and forks to become it as often as it is asked.

Starting Python and importing the product is most of what a short command takes, and tests start hundreds of
them. What is forked is a process of its own all the same: its arguments, directory, environment, streams,
signals and end are those of a command that was just started. It is asked over the socket that is its stdin:
by a length, four files (the three streams, and a socket for what becomes of it), and a request in JSON.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from typing import Any, NoReturn

LENGTH_BYTES = 4
FIRST = "FORKED_FIRST"
"""The variable that names a program in Python which a fork runs before it becomes the command."""

_FILES = 4


def main() -> NoReturn:
    """Load, and serve until whoever asks is gone."""
    _load()
    gc.collect()
    gc.freeze()  # what never changes is not copied, either
    _Server(socket.socket(fileno=os.dup(0))).serve()


def _load() -> None:
    """Import all that a run imports, in the product's own ways."""
    import orchestrator

    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from orchestrator.importing import import_alone
    from orchestrator.repository.library import git_in
    from orchestrator.workloads.cluster.connection.library import preload

    git_in(".")
    preload()
    import_alone("pydantic_core._pydantic_core", "pydantic_core")
    for name in ("asyncio", "structlog", "yaml"):
        importlib.import_module(name)


class _Server:
    """Forks on request, and tells how each fork ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._running: dict[int, socket.socket] = {}

    def serve(self) -> NoReturn:
        ended, wake = socket.socketpair()
        for each in (ended, wake):
            each.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_READ)
            selector.register(ended, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is ended:
                        ended.recv(4096)
                        self._reap()
                    else:
                        self._fork()

    def _fork(self) -> None:
        start, files, _, _ = socket.recv_fds(self._requests, LENGTH_BYTES, _FILES)
        if not start:
            os._exit(0)
        request = json.loads(_read(self._requests, int.from_bytes(start)))
        *streams, teller = files
        process = os.fork()
        if not process:
            for connection in (self._requests, *self._running.values()):
                connection.close()
            os.close(teller)
            _become(request, streams)
        for each in streams:
            os.close(each)
        self._running[process] = socket.socket(fileno=teller)
        self._tell(process, process)

    def _reap(self) -> None:
        for process in [*self._running]:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                self._tell(process, os.waitstatus_to_exitcode(status))
                self._running.pop(process).close()

    def _tell(self, process: int, number: int) -> None:
        with suppress(OSError):  # nobody cares for it any more
            self._running[process].sendall(f"{number}\n".encode())


def _become(request: Any, streams: list[int]) -> NoReturn:
    """Be the command, as if this process had just been started for it."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, each in enumerate(streams):
            os.dup2(each, number)
            os.close(each)
        os.chdir(request["directory"])
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None  # it is looked up once, and was for another environment
        if FIRST in os.environ:
            runpy.run_path(os.environ[FIRST])
        sys.argv = request["arguments"]
        from orchestrator.cli import main as command

        command()
    except BaseException:  # noqa: BLE001 - a fork never goes on as its parent
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(1)


def _read(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            os._exit(0)
        found += part
    return found


if __name__ == "__main__":
    main()
