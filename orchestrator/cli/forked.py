"""The process that ``processes/forking.py`` has commands forked from: ``python -m orchestrator.cli.forked``.

It imports what they need, and then only forks: one thread, no work, and no word of what is forked, which each fork
is told by itself. Asked over the socket that is its stdin, it ends when whoever asks is gone.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any, Final, NoReturn

from orchestrator.garbage import look_rarely
from orchestrator.processes.forking import LENGTH_BYTES

_FILES: Final = 3
_LOADED: Final = (
    "orchestrator.agent.work",
    "orchestrator.engine",
    "orchestrator.infrastructure",
    "orchestrator.ledger",
    "orchestrator.repository",
    "orchestrator.sandbox",
    "orchestrator.workloads",
)
"""The packages whose modules a task of the agent may need, with all that those import."""


def main() -> NoReturn:
    """Load, and fork until whoever asks is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A group that is asked to stop is asked as a whole: what is forked here is stopped by the agent.
        signal.signal(number, signal.SIG_IGN)
    look_rarely()
    load()
    gc.collect()
    gc.freeze()  # what never changes is not copied, either
    _Server(socket.socket(fileno=os.dup(0))).serve()


def load() -> None:
    """Import all that a task of the agent imports, in the product's own ways."""
    for package in _LOADED:
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    from orchestrator.importing import import_alone
    from orchestrator.repository.library import git_in
    from orchestrator.workloads.cluster.connection.library import preload

    git_in(".")
    preload()
    import_alone("pydantic_core._pydantic_core", "pydantic_core")
    for name in ("asyncio", "structlog", "yaml", "orchestrator.cli"):
        importlib.import_module(name)


class _Server:
    """Forks on request, tells how each fork ended, and lets go of it when its channel is closed."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._running: dict[int, socket.socket] = {}
        self._ended: set[int] = set()

    def serve(self) -> NoReturn:
        ended, wake = socket.socketpair()
        for each in (ended, wake):
            each.setblocking(False)  # noqa: FBT003 - the name of its only argument is private
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        waiting = select.poll()
        waiting.register(self._requests, select.POLLIN)
        waiting.register(ended, select.POLLIN)
        while True:
            for file, _ in waiting.poll():
                if file == ended.fileno():
                    ended.recv(4096)
                    self._tell_of_ends()
                elif file == self._requests.fileno():
                    channel = self._fork()
                    if channel is not None:
                        waiting.register(channel, 0)  # whether it is closed, and no word in it
                else:
                    waiting.unregister(file)
                    self._let_go(file)
            self._reap()

    def _fork(self) -> socket.socket | None:
        """Fork once more, and return its channel; one that cannot be is told so by a channel that is closed."""
        start, files, _, _ = socket.recv_fds(self._requests, 1, _FILES)
        if not start:
            os._exit(0)  # whoever asked is gone, and forks see that on their own
        try:
            out, err, channel = files  # fewer than were sent, where no more may be open
            process = os.fork()
        except (ValueError, OSError):  # no process, or no memory for it: that of others goes on
            for each in files:
                os.close(each)
            return None
        if not process:
            self._requests.close()
            for other in self._running.values():
                other.close()
            become(out, err, socket.socket(fileno=channel))
        for each in (out, err):
            os.close(each)
        self._running[process] = socket.socket(fileno=channel)
        _tell(self._running[process], process)
        return self._running[process]

    def _tell_of_ends(self) -> None:
        """Tell of those that ended; they are not reaped yet, so that no other process gets their number."""
        for process in self._running.keys() - self._ended:
            found = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if found is not None:
                killed = found.si_code != os.CLD_EXITED
                self._ended.add(process)
                _tell(self._running[process], -found.si_status if killed else found.si_status)

    def _let_go(self, file: int) -> None:
        for process, each in [*self._running.items()]:
            if each.fileno() == file:
                each.close()
                del self._running[process]
                self._ended.discard(process)

    def _reap(self) -> None:
        """Reap those that ended and that nobody asks about any more."""
        with suppress(ChildProcessError):
            while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                if found.si_pid in self._running:
                    return
                os.waitpid(found.si_pid, 0)


def become(out: int, err: int, channel: socket.socket) -> NoReturn:
    """Be what the channel says, as if this process had just been started for it."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for own, stream in enumerate((nothing, out, err)):
            os.dup2(stream, own)
            os.close(stream)
        told = _told(channel)
        channel.close()
        os.chdir(told["directory"])
        os.environ.clear()
        os.environ.update(told["environment"])
        time.tzset()
        tempfile.tempdir = None  # it is looked up once, and was for another environment
        sys.argv = ["orchestrator", *told["arguments"]]
        from orchestrator.cli import main as command

        command()
    except BaseException:  # noqa: BLE001 - a fork never goes on as its parent
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(1)


def _told(channel: socket.socket) -> Any:
    length = int.from_bytes(_read(channel, LENGTH_BYTES))
    return json.loads(_read(channel, length))


def _read(channel: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = channel.recv(length - len(found))
        if not part:
            os._exit(1)  # nobody waits for it
        found += part
    return found


def _tell(channel: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody cares for it any more
        channel.sendall(f"{number}\n".encode())


if __name__ == "__main__":
    main()
