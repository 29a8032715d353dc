"""What to run, within which limits, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: an argument vector, a working directory and the whole environment of the child.

    ``keeps`` are file descriptors that the child holds open too: a lock stays taken if only this process dies.
    """

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    stdin: bytes = b""
    keeps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a child may run, and how long it is left to finish after an interrupt; in seconds.

    ``output`` is how much is kept of what it writes, ``written`` how much it may write at all where that goes to a
    file, and ``memory`` how much it may take with all that it started, each in bytes.
    """

    timeout: float | None = None
    grace: float = 30.0
    second_grace: float = 5.0
    output: int = 256 * 1024 * 1024
    written: int = 4 * 1024**3
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a child ended: its exit code (negative for a signal) and its output as text.

    ``interrupted``, ``timed_out``, ``exceeded`` (of its memory) and ``flooded`` (it wrote more than it may) say that
    this side ended it, and why. ``capped`` says that it wrote more than is kept.
    """

    code: int
    stdout: str
    stderr: str
    interrupted: bool = False
    timed_out: bool = False
    exceeded: bool = False
    flooded: bool = False
    capped: bool = False


class ProgramMissing(OrchestratorError):
    """The program to run does not exist or cannot be executed."""
