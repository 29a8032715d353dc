"""What verbs share: the flags, what the flags before the verb said, and writing JSON to stdout."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from orchestrator.stack.model import Json

_COLUMNS = 80  # of a terminal that does not know its size


@dataclass(slots=True)
class Options:
    """The flags before the verb, and what the verb said about its output.

    ``redact`` takes secrets out of a text, once a run has met some; ``pause`` leaves a live display, and
    ``held`` keeps it from being drawn while something else is on the screen.
    """

    directory: Path = field(default_factory=Path.cwd)
    verbose: bool = False
    as_json: bool = False
    redact: Callable[[str], str] = str
    pause: Callable[[], None] = lambda: None
    held: Callable[[], AbstractContextManager[None]] = nullcontext


pass_options = click.make_pass_decorator(Options, ensure=True)


def stack_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take a stack, by name or path, and an environment."""
    command = click.option("--env", "-e", "environment", metavar="NAME", help="The environment.")(
        command
    )
    return click.argument("stack", required=False)(command)


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take the form of what goes to stdout."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What to write to stdout.",
    )(command)


def only_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take the units to restrict a plan to."""
    help_text = (
        "Take only this unit and what it needs (to destroy: what needs it); may be repeated."
    )
    return click.option("--only", multiple=True, metavar="UNIT", help=help_text)(command)


def acknowledge_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take what a person named that a plan would be refused for otherwise."""
    return click.option(
        "--acknowledge",
        multiple=True,
        metavar="WHAT",
        help="Name what may be lost: a thing by its name, destroy:UNIT, prune:UNIT, recreate:UNIT,"
        " forget:UNIT, new-cluster, unknown-objects, unknown-states or unknown-revisions; or a guard that"
        " does not hold now: destroys:NUMBER, empty, window, unapproved, or guards for those that this commit"
        " loosens. May be repeated.",
    )(command)


class Duration(click.ParamType[float]):
    """Seconds, as people write them: ``90s``, ``5m``, ``1h30m``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds; refuses what is no duration."""
        import re

        from orchestrator.stack.written.durations import DURATION, seconds

        if not isinstance(value, str):
            return float(value)
        if not re.match(DURATION, value):
            self.fail(f"{value!r} is not a duration, such as 90s, 5m or 1h30m", param, ctx)
        return seconds(value)


def lock_timeout_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take how long to wait while another run holds the stack."""
    return click.option(
        "--lock-timeout",
        type=Duration(),
        default=0.0,
        metavar="DURATION",
        help="Wait that long (such as 5m) while another run holds the stack, in line with others.",
    )(command)


def execution_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take what a person allows for one run."""
    for option in (
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option(
            "--allow-dirty", is_flag=True, help="Apply what differs from the last commit too."
        ),
        click.option(
            "--allow-deferred",
            is_flag=True,
            help="Let units that are planned in turn, or brought back after a failure, do what no plan could show.",
        ),
    ):
        command = option(command)
    return command


def fitted(text: str, stream: TextIO) -> str:
    """Return a text folded for the terminal that a stream is; for anything else it stays as it is."""
    if not stream.isatty():
        return text
    from orchestrator.reports.folding import fold

    return fold(text, os.get_terminal_size(stream.fileno()).columns or _COLUMNS)


def print_json(options: Options, value: "Json") -> None:
    """Write a JSON document to stdout, redacted."""
    from orchestrator.reports.json import dumps, redacted

    click.echo(dumps(redacted(value, options.redact)), nl=False)
