"""Verbs and flags: each command parses, calls one function, prints one report and exits with its code.

Imports of what a verb needs happen inside it, so that ``--help`` and ``--version`` cost next to nothing.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from orchestrator import __version__, clock
from orchestrator.errors import OrchestratorError, StorageError, UsageError, storage_error
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.planning import Planned
    from orchestrator.engine.session import Session, Surroundings
    from orchestrator.plans.events import Event
    from orchestrator.plans.redaction import Secrets
    from orchestrator.processes import Stop
    from orchestrator.stack.model import Json

_INTERNAL_ERROR_HINT = (
    "this is a bug of the orchestrator; run again with --verbose for the traceback"
)


@dataclass(slots=True)
class _Options:
    """The flags before the verb, and what the verb said about its output."""

    directory: Path = field(default_factory=Path.cwd)
    verbose: bool = False
    as_json: bool = False
    redact: Callable[[str], str] = str
    pause: Callable[[], None] = lambda: None


_options = click.make_pass_decorator(_Options, ensure=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="orchestrator", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Run as if started in this directory.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log every step to stderr.")
@_options
def cli(options: _Options, directory: Path, verbose: bool) -> None:
    """Plan and apply Terraform modules and Kubernetes manifests as one."""
    options.directory = directory.resolve()
    options.verbose = verbose


def _stack_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--env", "-e", "environment", metavar="NAME", help="The environment.")(
        command
    )
    return click.argument("stack", required=False)(command)


def _output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What to write to stdout.",
    )(command)


def _only_option(command: Callable[..., Any]) -> Callable[..., Any]:
    help_text = "Take only this unit and what it needs; may be repeated."
    return click.option("--only", multiple=True, metavar="UNIT", help=help_text)(command)


def _execution_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option(
            "--allow-dirty", is_flag=True, help="Apply what differs from the last commit too."
        ),
        click.option(
            "--allow-deferred",
            is_flag=True,
            help="Let units that are planned in turn delete or replace things.",
        ),
        click.option(
            "--acknowledge",
            multiple=True,
            metavar="destroy:UNIT",
            help="Let this plan delete or replace parts of a protected unit.",
        ),
    ):
        command = option(command)
    return command


@cli.command()
@_stack_arguments
@_only_option
@_output_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply FILE`."
)
@click.option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when something would change.")
@_options
def plan(
    options: _Options,
    stack: str | None,
    environment: str | None,
    only: tuple[str, ...],
    output: str,
    out: Path | None,
    destroy: bool,
    detailed_exitcode: bool,
) -> None:
    """Show what an apply would do, infrastructure and workloads as one plan."""
    from orchestrator.engine.planning import Selection, make_plan

    options.as_json = output == "json"
    selection = Selection(only=only, destroy=destroy)
    with _session(options, stack, environment) as (session, resources):
        planned = make_plan(session, selection, resources)
        if out is not None:
            from orchestrator.engine.bundle import save

            save(planned, out)
    _show_plan(options, planned)
    if out is not None:
        click.echo(f"Saved to {out}, readable only by you: it may hold secrets.", err=True)
    sys.exit(2 if detailed_exitcode and planned.plan.effective else 0)


@cli.command()
@_stack_arguments
@_only_option
@_output_option
@_execution_options
@_options
def apply(
    options: _Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
) -> None:
    """Plan, show, ask and apply; or apply the plan that `plan --out FILE` saved.

    STACK is a stack's name or path, or the FILE of a saved plan.
    """
    saved = stack if stack is not None and _is_bundle(options.directory / stack) else None
    _carry_out(
        options,
        saved or stack,
        environment,
        output,
        saved=saved is not None,
        destroy=False,
        **flags,
    )


@cli.command()
@_stack_arguments
@_only_option
@_output_option
@_execution_options
@_options
def destroy(
    options: _Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
) -> None:
    """Take everything away again: workloads, then infrastructure, in reverse."""
    _carry_out(options, stack, environment, output, saved=False, destroy=True, **flags)


def _carry_out(
    options: _Options,
    stack: str | None,
    environment: str | None,
    output: str,
    *,
    saved: bool,
    destroy: bool,
    yes: bool,
    only: tuple[str, ...],
    **permissions: Any,
) -> None:
    from orchestrator.engine.applying import execute
    from orchestrator.engine.bundle import open_bundle
    from orchestrator.engine.permissions import Permissions, check
    from orchestrator.engine.planning import Selection, make_plan
    from orchestrator.reports.json import report_json
    from orchestrator.reports.text import render_report

    options.as_json = output == "json"
    allowed = Permissions(
        dirty=permissions["allow_dirty"],
        deferred=permissions["allow_deferred"],
        acknowledged=frozenset(permissions["acknowledge"]),
    )
    if not yes and not Settings.read().interactive:
        message = "there is no terminal to ask on"
        raise UsageError(message, hint="pass --yes to go ahead without a question")
    selection = Selection(only=only, destroy=destroy)
    with ExitStack() as resources:
        surroundings = resources.enter_context(_surroundings(options))
        if saved and stack is not None:
            planned = open_bundle(surroundings, options.directory / stack, resources)
        else:
            session = _open_session(surroundings, stack, environment)
            planned = make_plan(session, selection, resources)
        options.pause()
        check(planned, allowed)
        if not options.as_json:
            _show_plan(options, planned)
        asked = planned.plan.effective and not yes
        if asked:
            _ask(planned)
        report = execute(planned, allowed, fresh=not asked and not saved)
    redact = options.redact
    if options.as_json:
        _print_json(options, report_json(report))
    else:
        click.echo(redact(render_report(report)), nl=False)
    sys.exit(_exit_code(report.outcome))


def _exit_code(outcome: str) -> int:
    return {"failed": 1, "interrupted": 130}.get(outcome, 0)


def _ask(planned: "Planned") -> None:
    verb = "Destroy" if planned.plan.destroy else "Apply"
    where = f"{planned.plan.stack}/{planned.plan.environment}"
    answer = click.prompt(
        f"\n{verb} this to {where}? Only 'yes' goes ahead", default="", show_default=False, err=True
    )
    if answer.strip() != "yes":
        message = "nothing was changed, since the answer was not 'yes'"
        raise OrchestratorError(message)


@cli.command()
@_stack_arguments
@_output_option
@_options
def validate(options: _Options, stack: str | None, environment: str | None, output: str) -> None:
    """Check stack files, manifests and module inputs; without STACK, all of them."""
    from orchestrator.engine.validation import validate as check_stacks

    options.as_json = output == "json"
    checked = check_stacks(options.directory, stack=stack, environment=environment)
    if options.as_json:
        return _print_json(options, {"format": 1, "valid": [str(name) for name in checked]})
    for name in checked:
        click.echo(f"{name}: valid")
    return None


@cli.command()
def schema() -> None:
    """Print the stack file's JSON Schema, for completion and checking in editors."""
    from orchestrator.reports.json import dumps
    from orchestrator.stack.published import json_schema

    click.echo(dumps(json_schema()), nl=False)


@cli.command()
@_stack_arguments
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "dot", "mermaid"]),
    default="text",
    show_default=True,
)
@_options
def graph(options: _Options, stack: str | None, environment: str | None, form: str) -> None:
    """Show a stack's units and what each needs."""
    from orchestrator.engine.validation import read_graph
    from orchestrator.reports.graph import RENDERERS

    name, units = read_graph(options.directory, stack=stack, environment=environment)
    click.echo(RENDERERS[form](units, name), nl=False)


@cli.command()
@click.argument("name")
@_options
def init(options: _Options, name: str) -> None:
    """Write a small commented stack to start from."""
    from orchestrator.stack.template import write_stack

    for path in write_stack(options.directory, name):
        click.echo(f"wrote {path}")
    click.echo(f"Next: commit it, then `orchestrator plan {name}`.")


@cli.command()
@_stack_arguments
@_output_option
@_options
def status(options: _Options, stack: str | None, environment: str | None, output: str) -> None:
    """Show what the ledger says is applied, unit by unit."""
    from orchestrator.engine.records import read_status
    from orchestrator.reports.ledger import render_status, status_json

    options.as_json = output == "json"
    with _session(options, stack, environment) as (session, _):
        record = read_status(session)
    if options.as_json:
        _print_json(options, status_json(record))
    else:
        click.echo(options.redact(render_status(record)), nl=False)


@cli.command()
@_stack_arguments
@_output_option
@click.option(
    "--limit", "-n", default=20, show_default=True, help="How many entries, newest first."
)
@_options
def history(
    options: _Options, stack: str | None, environment: str | None, output: str, limit: int
) -> None:
    """List what was applied, when and by whom, newest first."""
    from orchestrator.engine.records import read_history
    from orchestrator.reports.ledger import history_json, render_history

    options.as_json = output == "json"
    with _session(options, stack, environment) as (session, _):
        entries = read_history(session, limit)
    if options.as_json:
        _print_json(options, history_json(entries))
    else:
        click.echo(options.redact(render_history(entries)), nl=False)


@cli.command()
@_stack_arguments
@click.option(
    "--force", metavar="HOLDER", help="Release even a living holder's lock, named by its id."
)
@_options
def unlock(
    options: _Options, stack: str | None, environment: str | None, force: str | None
) -> None:
    """Release a lock whose holder is dead."""
    from orchestrator.engine.records import release_lock

    with _session(options, stack, environment) as (session, _):
        click.echo(release_lock(session, force=force))


@cli.command()
@_output_option
@_options
def doctor(options: _Options, output: str) -> None:
    """Say what this machine has, what is missing and how to get it."""
    from orchestrator.engine.doctor import examine
    from orchestrator.reports.doctor import findings_json, render_findings

    options.as_json = output == "json"
    findings = examine(Settings.read(), options.directory)
    if options.as_json:
        _print_json(options, findings_json(findings))
    else:
        click.echo(render_findings(findings), nl=False)
    sys.exit(1 if any(finding.missing for finding in findings) else 0)


def _show_plan(options: _Options, planned: "Planned") -> None:
    from orchestrator.reports.json import plan_json
    from orchestrator.reports.terminal import paint
    from orchestrator.reports.text import render_plan

    if options.as_json:
        return _print_json(options, plan_json(planned.plan))
    text = options.redact(render_plan(planned.plan))
    click.echo(paint(text) if sys.stdout.isatty() else text, nl=False)
    return None


def _print_json(options: _Options, value: "Json") -> None:
    from orchestrator.reports.json import dumps

    click.echo(options.redact(dumps(value)), nl=False)


@contextmanager
def _session(
    options: _Options, stack: str | None, environment: str | None
) -> "Iterator[tuple[Session, ExitStack]]":
    with ExitStack() as resources:
        surroundings = resources.enter_context(_surroundings(options))
        yield _open_session(surroundings, stack, environment), resources


def _open_session(
    surroundings: "Surroundings", stack: str | None, environment: str | None
) -> "Session":
    from orchestrator.engine.session import open_session

    return open_session(surroundings, stack=stack, environment=environment)


@contextmanager
def _surroundings(options: _Options) -> "Iterator[Surroundings]":
    """Give a run its surroundings, with signals turned into a request to stop while it lasts."""
    from orchestrator import log
    from orchestrator.engine.session import Surroundings
    from orchestrator.plans.redaction import Secrets
    from orchestrator.processes import Stop

    secrets, stop = Secrets(), Stop()
    options.redact = secrets.redact
    terminal = sys.stderr.isatty()
    log.configure(verbose=options.verbose, terminal=terminal, redact=secrets.redact)
    on_event = _progress(options, secrets, terminal=terminal)
    with _signals(stop):
        try:
            yield Surroundings(
                settings=Settings.read(),
                directory=options.directory,
                on_event=on_event,
                secrets=secrets,
                stop=stop,
            )
        finally:
            options.pause()


def _progress(
    options: _Options, secrets: "Secrets", *, terminal: bool
) -> "Callable[[Event], None]":
    if not terminal:
        from orchestrator.reports.progress import plain

        return plain(lambda line: click.echo(secrets.redact(line), err=True))
    from orchestrator.reports.terminal import LiveTree

    tree = LiveTree(clock.seconds)
    options.pause = tree.pause
    return tree.listen


@contextmanager
def _signals(stop: "Stop") -> Iterator[None]:
    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.request()
        if stop.requests > _PATIENCE:
            raise KeyboardInterrupt
        click.echo("stopping; what runs saves its state first (again: hurry)", err=True)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_PATIENCE = 2  # the third request breaks off even what does not look at the first two


def _is_bundle(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".yaml", ".yml"}


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    options = _Options()
    try:
        cli.main(standalone_mode=False, obj=options)
    except OrchestratorError as error:
        _print_error(options, error)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code if isinstance(error, click.UsageError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        _print_error(options, storage_error(error))
        sys.exit(StorageError.exit_code)
    except Exception as error:
        if options.verbose:
            raise
        message = f"{type(error).__name__}: {error}"
        _print_error(options, OrchestratorError(message, hint=_INTERNAL_ERROR_HINT))
        sys.exit(1)
    sys.exit(0)


def _print_error(options: _Options, error: OrchestratorError) -> None:
    from orchestrator.reports.errors import render_error
    from orchestrator.reports.json import error_json

    if options.as_json:
        _print_json(options, error_json(error))
    click.echo(options.redact(render_error(error)), err=True, nl=False)
