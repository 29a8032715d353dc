"""The process edge: one Terraform command of one unit, run to its end."""

import json
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, Terraform

from orchestrator.errors import Interrupted
from orchestrator.infrastructure.binary import Binary
from orchestrator.infrastructure.reading.diagnostics import Diagnostic, from_event, from_text
from orchestrator.infrastructure.running.environment import child_environment
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.processes import Command, Completed, Limits, run, stream
from orchestrator.stack.written.durations import written

FLAG = IsFlagged
"""The value of an option that is a bare flag."""

Options = Mapping[str, Any]
OnMessage = Callable[[Mapping[str, Any]], None]


_LONGER = "give it more time with `terraform: {timeout: …}`, if it needs that"
_QUIETER = "see to it that the module's programs write less, for example into /dev/null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: exit code, its messages for people, and its output where that was captured.

    Messages and stderr hold no secrets any more; stdout is data and may. ``interrupted`` says that
    somebody asked to end it, ``overran`` which of its limits was not enough ("it took longer than 3s") with ``remedy``
    as what to do about that, and ``capped`` that it wrote more than is kept.
    """

    code: int
    diagnostics: tuple[Diagnostic, ...]
    stdout: str
    stderr: str
    interrupted: bool
    overran: str = ""
    remedy: str = ""
    capped: bool = False


class _Arguments(Terraform):  # type: ignore[misc]
    """python-terraform's way from options to an argument vector, and nothing else of it.

    Its own process layer can neither stream nor be stopped, shares files between threads and logs secrets.
    """

    def read_state_file(self, file_path: str | None = None) -> None:
        """Leave state files alone: the original reads one on construction and fails on an empty one."""

    def __getattr__(self, item: str) -> Any:
        """Refuse unknown names: the original would run any of them as a command."""
        raise AttributeError(item)


def arguments(binary: Binary, command: str, *positional: str, **options: Any) -> tuple[str, ...]:
    """Return the whole argument vector; in option names ``_`` stands for ``-``, a list repeats the option."""
    built: list[str] = _Arguments().generate_cmd_string(command, *positional, **options)
    return (*binary.argv, *built[1:])


def capture(workspace: Workspace, argv: tuple[str, ...]) -> Ended:
    """Run a command whose output is one text."""
    done = run(command_of(workspace, argv), limits=workspace.site.limits, stop=workspace.site.stop)
    return _ended(workspace, done)


def listen(
    workspace: Workspace, command: Command, *, journal: Path, on_line: Callable[[str], None]
) -> Ended:
    """Run a command that writes text for people, and hand its lines on as they come."""
    site = workspace.site
    done = stream(command, sink=journal, on_line=on_line, limits=site.limits, stop=site.stop)
    journal.unlink(missing_ok=True)
    return _ended(workspace, done)


def follow(
    workspace: Workspace, argv: tuple[str, ...], *, journal: Path, on_message: OnMessage
) -> Ended:
    """Run a command that writes one JSON event per line, and hand the events on as they come.

    The events are kept in ``journal`` while it runs, so that a run that died can be told from it.
    """
    diagnostics: list[Diagnostic] = []

    def on_line(line: str) -> None:
        message = _message(line)
        if message.get("type") == "diagnostic":
            diagnostics.append(from_event(message.get("diagnostic") or {}))
        elif message:
            on_message(message)

    site = workspace.site
    command = command_of(workspace, argv)
    done = stream(command, sink=journal, on_line=on_line, limits=site.limits, stop=site.stop)
    return _ended(workspace, done, diagnostics)


def command_of(
    workspace: Workspace, argv: tuple[str, ...], variables: Mapping[str, str] | None = None
) -> Command:
    """Return a command as engines run: raises Interrupted when asked to stop.

    ``variables`` are set over the environment that engines have.
    """
    site = workspace.site
    if site.stop.requested:
        raise Interrupted(
            f"{workspace.unit}: stopped before `terraform {argv[len(site.binary.argv)]}`"
        )
    environment = child_environment(
        site.settings.environment,
        site.passes,
        **{"TF_DATA_DIR": str(workspace.data), **(variables or {})},
    )
    return Command(argv=argv, directory=workspace.directory, environment=environment)


def _message(line: str) -> Mapping[str, Any]:
    with suppress(ValueError):
        content = json.loads(line)
        return content if isinstance(content, dict) else {}
    return {}


def _ended(workspace: Workspace, done: Completed, told: Iterable[Diagnostic] = ()) -> Ended:
    diagnostics = tuple(told) or from_text(done.stderr)
    overran, remedy = _overrun(done, workspace.site.limits)
    return Ended(
        code=done.code,
        diagnostics=tuple(map(workspace.as_known, diagnostics)),
        stdout=done.stdout,
        stderr=workspace.site.secrets.redact(done.stderr.strip() or _silent_end(done.code)),
        interrupted=done.interrupted,
        overran=overran,
        remedy=remedy,
        capped=done.capped,
    )


def _overrun(done: Completed, limits: Limits) -> tuple[str, str]:
    if done.timed_out:
        return f"it took longer than {written(limits.timeout or 0)}", _LONGER
    if done.flooded:
        return f"it wrote more than {limits.written // 1024**2} MB", _QUIETER
    return "", ""


def _silent_end(code: int) -> str:
    """Return how a command ended that wrote nothing: what the system does when memory is short, above all."""
    if code == -signal.SIGKILL:
        return "it was killed, as a system does that runs out of memory"
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
