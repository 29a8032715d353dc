"""Running a child to its end, for what it says."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

from orchestrator import log
from orchestrator.processes.command import Command, Completed, Limits
from orchestrator.processes.starting import start, temporary_file
from orchestrator.processes.stop import Stop
from orchestrator.processes.supervising import supervise

_ERRORS_KEPT_BYTES = 64 * 1024 * 1024


def run(command: Command, *, limits: Limits | None = None, stop: Stop | None = None) -> Completed:
    """Run a child to its end and return its captured output.

    Raises ProgramMissing when it cannot be started.
    """
    with temporary_file() as out, temporary_file() as err:
        limits = limits or Limits()
        child = start(command, stdout=out, stderr=err)
        ended = supervise(child, limits=limits, stop=stop, on_poll=_nothing)
        log.step("process ended", argv=command.argv, code=child.returncode)
        return captured(child.returncode, out, err, most=limits.output, ended=ended)


def captured(code: int, out: IO[bytes], err: IO[bytes], *, most: int, ended: str) -> Completed:
    """Return how a child ended whose output went to two files, with up to ``most`` bytes of each.

    ``ended`` says why this side ended it, as it was supervised.
    """
    done = _completed(code, _read(out, most), _read(err, most), ended)
    return replace(done, capped=out.seek(0, os.SEEK_END) > most)


def stream(
    command: Command,
    *,
    sink: Path,
    on_line: Callable[[str], None],
    limits: Limits | None = None,
    stop: Stop | None = None,
    with_errors: bool = False,
) -> Completed:
    """Run a child whose stdout goes to the file ``sink``, and hand its lines on as they come.

    ``with_errors`` treats stderr alike, for tools that tell their progress there; ``stderr`` of the result is
    left empty then.

    A file and not a pipe, since a reader that dies or stalls would take Terraform down in the middle of an
    apply; the file is also the journal of what was in flight. ``stdout`` of the result is left empty. A child that
    writes too much is interrupted before the disk is full, on which Terraform has to save its state.
    Raises ProgramMissing when the child cannot be started.
    """
    limits = limits or Limits()
    with sink.open("wb") as out, sink.open("rb") as reader, temporary_file() as err:
        sink.chmod(0o600)
        lines, flood = _Lines(reader, on_line), _Flood((out, err), limits.written, stop)

        def look() -> None:
            lines.drain()
            flood.look()

        child = start(command, stdout=out, stderr=out if with_errors else err)
        ended = supervise(child, limits=limits, stop=flood.stop, on_poll=look)
        log.step("process ended", argv=command.argv, code=child.returncode)
        lines.drain()
        lines.finish()
        return _completed(child.returncode, "", _read(err), flood.why(ended))


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


class _Flood:
    """Asks a child to stop that writes more than it may, on top of whoever else does."""

    def __init__(self, files: tuple[IO[bytes], ...], most: int, above: Stop | None) -> None:
        self.stop = Stop(above=above)
        self._files = files
        self._most = most
        self._above = above
        self._over = False

    def look(self) -> None:
        if (
            not self._over
            and sum(os.fstat(each.fileno()).st_size for each in self._files) > self._most
        ):
            self._over = True
            self.stop.request()

    def why(self, ended: str) -> str:
        """Return why the child was ended, as it was supervised, with this reason too."""
        asked = self._above is not None and self._above.requested
        return "flooded" if self._over and ended == "interrupted" and not asked else ended


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
        flooded=ended == "flooded",
    )


def _nothing() -> None:
    return None
