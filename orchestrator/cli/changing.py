"""The verbs that plan and change: plan, apply, destroy."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import (
    Options,
    execution_options,
    only_option,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.surroundings import open_session_of, session_of, surroundings_of
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.planning import Planned


@click.command()
@stack_arguments
@only_option
@output_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply FILE`."
)
@click.option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when something would change.")
@pass_options
def plan(
    options: Options,
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
    with session_of(options, stack, environment) as (session, resources):
        planned = make_plan(session, selection, resources)
        if out is not None:
            from orchestrator.engine.bundle import save

            save(planned, out)
    _show_plan(options, planned)
    if out is not None:
        click.echo(f"Saved to {out}, readable only by you: it may hold secrets.", err=True)
    sys.exit(2 if detailed_exitcode and planned.plan.effective else 0)


@click.command()
@stack_arguments
@only_option
@output_option
@execution_options
@pass_options
def apply(
    options: Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
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


@click.command()
@stack_arguments
@only_option
@output_option
@execution_options
@pass_options
def destroy(
    options: Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
) -> None:
    """Take everything away again: workloads, then infrastructure, in reverse."""
    _carry_out(options, stack, environment, output, saved=False, destroy=True, **flags)


def _carry_out(
    options: Options,
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
        surroundings = resources.enter_context(surroundings_of(options))
        if saved and stack is not None:
            planned = open_bundle(surroundings, options.directory / stack, resources)
        else:
            session = open_session_of(surroundings, stack, environment)
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
        print_json(options, report_json(report))
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


def _show_plan(options: Options, planned: "Planned") -> None:
    from orchestrator.reports.json import plan_json
    from orchestrator.reports.terminal import paint
    from orchestrator.reports.text import render_plan

    if options.as_json:
        return print_json(options, plan_json(planned.plan))
    text = options.redact(render_plan(planned.plan))
    click.echo(paint(text) if sys.stdout.isatty() else text, nl=False)
    return None


def _is_bundle(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".yaml", ".yml"}


VERBS = (plan, apply, destroy)
