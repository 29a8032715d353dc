"""Starting a child: in a process group of its own, or at our own terminal."""

import os
import subprocess
from pathlib import Path
from typing import IO

from orchestrator.processes.command import Command, ProgramMissing

_PRIVATE_UMASK = 0o077


def start(command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a child that leads a process group of its own; raises ProgramMissing when that cannot be."""
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
                pass_fds=command.keeps,
            )
    except OSError as error:
        if not command.directory.is_dir():
            message = f"the working directory {command.directory} is missing"
            raise ProgramMissing(message) from error
        message = f"cannot run {command.argv[0]}: {error.strerror}"
        raise ProgramMissing(message, hint="is it installed and executable?") from error


def start_server(command: Command, *, connection: int) -> subprocess.Popen[bytes]:
    """Start a child that serves at a socket, which is its stdin, and says what it has to say where we do.

    Raises ProgramMissing when that cannot be.
    """
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.directory,
            env=dict(command.environment),
            stdin=connection,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            umask=_PRIVATE_UMASK,
        )
    except OSError as error:
        message = f"cannot run {command.argv[0]}: {error.strerror}"
        raise ProgramMissing(message) from error


def start_attached(command: Command) -> subprocess.Popen[bytes]:
    """Start a child with our streams and in our process group; raises ProgramMissing when that cannot be."""
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


def temporary_file() -> IO[bytes]:
    """Return a file that nobody else sees, and that is gone when it is closed."""
    import tempfile

    return tempfile.TemporaryFile()


def _input(content: bytes) -> IO[bytes]:
    if not content:
        return Path(os.devnull).open("rb")
    file = temporary_file()
    file.write(content)
    file.seek(0)
    return file
