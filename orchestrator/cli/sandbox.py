"""The verbs of the sandbox: up, down, status, kubeconfig."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import Options, output_option, pass_options, print_json
from orchestrator.cli.surroundings import surroundings_of
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.sandbox import SandboxStatus
    from orchestrator.stack.model import Json


@click.group()
def sandbox() -> None:
    """Run a real Kubernetes control plane on this machine, to try and to test on."""


def _data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where it keeps its data; .orchestrator/sandbox of the repository otherwise.",
    )(command)


@sandbox.command()
@_data_option
@pass_options
def up(options: Options, data: Path | None) -> None:
    """Start it, built first where nothing else has its programs; return when it is ready."""
    from orchestrator.plans.events import Notice
    from orchestrator.sandbox import up as start

    with surroundings_of(options) as around:
        running = start(
            _directory(options, data),
            around.settings,
            on_progress=lambda text: around.on_event(Notice(text=text)),
            stop=around.stop,
        )
    click.echo(f"export KUBECONFIG={running.kubeconfig}")


@sandbox.command()
@_data_option
@pass_options
def down(options: Options, data: Path | None) -> None:
    """End it and remove its data."""
    from orchestrator.plans.events import Notice
    from orchestrator.sandbox import down as end

    with surroundings_of(options) as around:
        directory = _directory(options, data)
        there = end(
            directory,
            on_progress=lambda text: around.on_event(Notice(text=text)),
            stop=around.stop,
        )
    click.echo(
        f"nothing is left of {directory}" if there else f"there is no sandbox in {directory}"
    )


@sandbox.command()
@_data_option
@output_option
@pass_options
def status(options: Options, data: Path | None, output: str) -> None:
    """Show what of it is alive; exits with 1 when it is not ready."""
    from orchestrator.sandbox import status as look

    options.as_json = output == "json"
    found = look(_directory(options, data))
    if options.as_json:
        print_json(options, _as_json(found))
    else:
        click.echo("\n".join(_lines(found)))
    sys.exit(0 if found.is_ready else 1)


@sandbox.command()
@_data_option
@pass_options
def kubeconfig(options: Options, data: Path | None) -> None:
    """Print the path of its kubeconfig, for KUBECONFIG."""
    from orchestrator.errors import UsageError
    from orchestrator.sandbox import kubeconfig_path

    path = kubeconfig_path(_directory(options, data))
    if not path.exists():
        message = f"there is no sandbox in {path.parent}"
        raise UsageError(message, hint="start one with `orchestrator sandbox up`")
    click.echo(path)


def _lines(found: "SandboxStatus") -> Iterator[str]:
    state = "ready" if found.is_ready else "not ready" if found.is_up else "not up"
    yield f"sandbox in {found.directory}: {state}"
    if not found.is_up:
        yield "start it with `orchestrator sandbox up`"
        return
    yield f"server {found.server}, programs from {found.origin}"
    for part in found.components:
        alive = f"process {part.process}" if part.is_alive else f"dead, see {part.log}"
        yield f"  {part.component:<24}  {alive}"
        yield from (f"    | {line}" for line in part.log_end.splitlines())


def _as_json(found: "SandboxStatus") -> "dict[str, Json]":
    return {
        "format": 1,
        "directory": str(found.directory),
        "kubeconfig": str(found.kubeconfig),
        "server": found.server,
        "up": found.is_up,
        "ready": found.is_ready,
        "components": [
            {"component": str(part.component), "process": part.process, "log": str(part.log)}
            for part in found.components
        ],
    }


def _directory(options: Options, data: Path | None) -> Path:
    """Return where the sandbox is meant to be: as said, as the environment says, or in the repository."""
    chosen = data or Settings.read().sandbox
    if chosen is not None:
        return (options.directory / chosen).resolve()
    from orchestrator.repository.repository import open_repository

    return open_repository(options.directory).folder / "sandbox"
