"""The only place that starts child processes.

No shell, an environment that the caller chose, a process group of their own, a time limit, output that is
capped, and a ladder of signals (interrupt once, wait, interrupt again, kill the group), because Terraform
saves its state on the first interrupt and needs time for it.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from orchestrator import clock, log
from orchestrator.errors import OrchestratorError
from orchestrator.footprint import Footprint

_POLL_SECONDS = 0.03
_ERRORS_KEPT_BYTES = 64 * 1024 * 1024
_PRIVATE_UMASK = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: an argument vector, a working directory and the whole environment of the child."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    stdin: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a child may run, and how long it is left to finish after an interrupt; in seconds.

    ``output`` is how much is kept of what it writes, and ``memory`` how much it may take with all that it started,
    both in bytes.
    """

    timeout: float | None = None
    grace: float = 30.0
    second_grace: float = 5.0
    output: int = 256 * 1024 * 1024
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a child ended: its exit code (negative for a signal) and its output as text.

    ``interrupted``, ``timed_out`` and ``exceeded`` (of its memory) say that this side ended it, and why. ``capped``
    says that it wrote more than is kept.
    """

    code: int
    stdout: str
    stderr: str
    interrupted: bool = False
    timed_out: bool = False
    exceeded: bool = False
    capped: bool = False


class ProgramMissing(OrchestratorError):
    """The program to run does not exist or cannot be executed."""


class Stop:
    """A request to stop, set by a signal or a caller and looked at between and during steps.

    Asking a second time means that the patience is over: children get their next signal at once.
    """

    def __init__(self, *, above: "Stop | None" = None) -> None:
        """Start unset; what is asked of one that stands ``above`` this is asked of this too."""
        self._above = above
        self._event = threading.Event()
        self._requests = 0
        self._keyed = 0
        self._guard = threading.Lock()
        self._allowed: Callable[[], bool] = lambda: True

    def request(self, *, keyed: bool = False) -> None:
        """Ask everything that looks at this to stop; ``keyed`` says that it may come from the keys of a terminal."""
        with self._guard:
            self._requests += 1
            self._keyed += keyed
            self._event.set()

    @contextmanager
    def unless(self, allowed: Callable[[], bool]) -> Iterator[None]:
        """Take it for a request when what allows the block's work is over: it is asked at each look.

        So nothing is begun in between, also when this process was paused and nobody else had a chance to ask.
        """
        self._allowed = allowed
        try:
            yield
        finally:
            self._allowed = lambda: True

    @property
    def requests(self) -> int:
        """How many times somebody asked."""
        return self._requests + (self._above.requests if self._above else 0)

    @property
    def keyed(self) -> int:
        """How many of the requests may come from the keys of a terminal."""
        return self._keyed + (self._above.keyed if self._above else 0)

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop, or the work is not allowed any more."""
        if not self._event.is_set() and not self._allowed():
            with self._guard:
                self._requests = max(self._requests, 1)
                self._event.set()
        return self._event.is_set() or (self._above is not None and self._above.requested)

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for the request; return whether it came."""
        self._event.wait(timeout)
        return self.requested


def run(command: Command, *, limits: Limits | None = None, stop: Stop | None = None) -> Completed:
    """Run a child to its end and return its captured output.

    Raises ProgramMissing when it cannot be started.
    """
    with _temporary_file() as out, _temporary_file() as err:
        limits = limits or Limits()
        child = _start(command, stdout=out, stderr=err)
        ended = _supervise(child, limits=limits, stop=stop, on_poll=_nothing)
        log.step("process ended", argv=command.argv, code=child.returncode)
        most = limits.output
        done = _completed(child.returncode, _read(out, most), _read(err, most), ended)
        return replace(done, capped=out.seek(0, os.SEEK_END) > most)


def stream(
    command: Command,
    *,
    sink: Path,
    on_line: Callable[[str], None],
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Completed:
    """Run a child whose stdout goes to the file ``sink``, and hand its lines on as they come.

    A file and not a pipe, since a reader that dies or stalls would take Terraform down in the middle of an
    apply; the file is also the journal of what was in flight. ``stdout`` of the result is left empty.
    Raises ProgramMissing when the child cannot be started.
    """
    with sink.open("wb") as out, sink.open("rb") as reader, _temporary_file() as err:
        sink.chmod(0o600)
        lines = _Lines(reader, on_line)
        child = _start(command, stdout=out, stderr=err)
        ended = _supervise(child, limits=limits or Limits(), stop=stop, on_poll=lines.drain)
        log.step("process ended", argv=command.argv, code=child.returncode)
        lines.drain()
        lines.finish()
        return _completed(child.returncode, "", _read(err), ended)


def attach(command: Command, *, stop: Stop) -> int:
    """Run a child on our own stdin, stdout and stderr; return its exit code, negative for a signal.

    It stays in our process group, so that the keys of a terminal reach it: those are not passed on, since a second
    interrupt makes Terraform give up without saving. Every other request to stop is passed on as an interrupt.
    Raises ProgramMissing when it cannot be started.
    """
    child = _start_attached(command)
    passed_on = heard = 0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(_POLL_SECONDS)
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


def _start_attached(command: Command) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.directory,
            env=dict(command.environment),
            umask=_PRIVATE_UMASK,
        )
    except OSError as error:
        message = f"cannot run {command.argv[0]}: {error.strerror}"
        raise ProgramMissing(message, hint="is it installed and executable?") from error


def follow(
    command: Command,
    *,
    sink: Path,
    on_line: Callable[[str], None],
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Completed:
    """Run a child whose stdout and stderr both go to the file ``sink``, and hand the lines on as they come.

    For tools that tell their progress on stderr; both texts of the result are left empty.
    Raises ProgramMissing when the child cannot be started.
    """
    with sink.open("wb") as out, sink.open("rb") as reader:
        sink.chmod(0o600)
        lines = _Lines(reader, on_line)
        child = _start(command, stdout=out, stderr=out)
        ended = _supervise(child, limits=limits or Limits(), stop=stop, on_poll=lines.drain)
        log.step("process ended", argv=command.argv, code=child.returncode)
        lines.drain()
        lines.finish()
        return _completed(child.returncode, "", "", ended)


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
        return Daemon(_start(command, stdout=out, stderr=out))


def _start(command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        with _input(command.stdin) as stdin:
            return subprocess.Popen(
                command.argv,
                cwd=command.directory,
                env=dict(command.environment),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                umask=_PRIVATE_UMASK,
            )
    except OSError as error:
        if not command.directory.is_dir():
            message = f"the working directory {command.directory} is missing"
            raise ProgramMissing(message) from error
        message = f"cannot run {command.argv[0]}: {error.strerror}"
        raise ProgramMissing(message, hint="is it installed and executable?") from error


def _supervise(
    child: subprocess.Popen[bytes],
    *,
    limits: Limits,
    stop: Stop | None,
    on_poll: Callable[[], None],
) -> str:
    """Wait for the child while walking the signal ladder; return why it was ended, or an empty text."""
    exited = threading.Event()
    waiter = threading.Thread(target=_announce_exit, args=(child.pid, exited), daemon=True)
    waiter.start()
    deadline = clock.seconds() + limits.timeout if limits.timeout is not None else None
    ladder, footprint = _Ladder(child, limits), Footprint(child.pid)
    try:
        while not exited.wait(_POLL_SECONDS):
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


def _announce_exit(process: int, exited: threading.Event) -> None:
    # Not reaped yet, so that its number, and with it the group's, cannot be taken by a stranger before the
    # group is killed.
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    exited.set()


class _Ladder:
    """Interrupt once and be patient, interrupt again, then kill the group."""

    def __init__(self, child: subprocess.Popen[bytes], limits: Limits) -> None:
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


class _Lines:
    """Hands on complete lines of a growing file."""

    def __init__(self, reader: IO[bytes], on_line: Callable[[str], None]) -> None:
        self._reader = reader
        self._on_line = on_line
        self._rest = b""

    def drain(self) -> None:
        *complete, self._rest = (self._rest + self._reader.read()).split(b"\n")
        for line in complete:
            self._on_line(line.decode(errors="replace"))

    def finish(self) -> None:
        if self._rest:
            self._on_line(self._rest.decode(errors="replace"))


def _signal_group(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, number)


def _temporary_file() -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile()


def _input(content: bytes) -> IO[bytes]:
    if not content:
        return Path(os.devnull).open("rb")
    file = _temporary_file()
    file.write(content)
    file.seek(0)
    return file


def _read(file: IO[bytes], most: int = _ERRORS_KEPT_BYTES) -> str:
    file.seek(0)
    return file.read(most).decode(errors="replace")


def _completed(code: int, stdout: str, stderr: str, ended: str) -> Completed:
    return Completed(
        code=code,
        stdout=stdout,
        stderr=stderr,
        interrupted=ended == "interrupted",
        timed_out=ended == "timed out",
        exceeded=ended == "exceeded",
    )


def _nothing() -> None:
    return None
