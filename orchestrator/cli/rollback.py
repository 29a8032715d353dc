"""The verb that prepares a rollback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import (
    Options,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.surroundings import surroundings_of
from orchestrator.errors import Interrupted, OrchestratorError, UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from orchestrator.engine.planning.plan import Planned
    from orchestrator.engine.rollback.preparing import Prepared
    from orchestrator.plans.rollback import Rollback
    from orchestrator.stack.model import Json


@click.command()
@stack_arguments
@click.option("--to", metavar="REVISION|ENTRY", default="", help="Go back to what that applied.")
@click.option("--last-healthy", is_flag=True, help="Go back to the last revision that went well.")
@click.option("--unit", metavar="UNIT", default="", help="Bring back this unit alone.")
@click.option(
    "--branch", metavar="NAME", default="", help="Make the commit on a new branch; else in place."
)
@click.option("--push", is_flag=True, help="Push the branch; nothing is forced.")
@click.option(
    "--open-request",
    is_flag=True,
    help="Push a branch of its own, and tell where a request for it is opened.",
)
@click.option(
    "--no-plan", is_flag=True, help="Make the commit without a plan, as when the cluster is down."
)
@output_option
@pass_options
def rollback(
    options: Options,
    stack: str | None,
    environment: str | None,
    to: str,
    last_healthy: bool,
    unit: str,
    branch: str,
    push: bool,
    open_request: bool,
    no_plan: bool,
    output: str,
) -> None:
    """Prepare a commit that brings a stack back to what it was made of, and show its plan.

    Without --to it is the last revision that was applied with success and differs. Nothing is applied, no commit
    is rewritten, and everything that the stack is not made of stays as it is.
    """
    from contextlib import ExitStack

    from orchestrator.engine.rollback.handing_on import Way, check_way, land
    from orchestrator.engine.rollback.preparing import prepare
    from orchestrator.engine.rollback.targets import Aim

    options.as_json = output == "json"
    if to and last_healthy:
        message = "--to and --last-healthy do not go together"
        raise UsageError(message, hint="each of them says where to go back to")
    with ExitStack() as resources:
        surroundings = resources.enter_context(surroundings_of(options))
        aim = Aim(to=to, last_healthy=last_healthy, unit=unit)
        prepared = prepare(surroundings, stack=stack, environment=environment, aim=aim)
        if prepared is None:
            return _tell_nothing(options, aim.unit or "the stack")
        way = check_way(prepared, Way(branch=branch, push=push, request=open_request))
        planned = None if no_plan else _planned(options, prepared, resources)
        told = land(prepared, way)
    return _tell(options, planned, told)


def _planned(options: Options, prepared: "Prepared", resources: "ExitStack") -> "Planned":
    from orchestrator.cli.showing import show_plan
    from orchestrator.engine.planning.plan import make_plan
    from orchestrator.engine.planning.selection import Selection

    with _way_out():
        planned = make_plan(prepared.session, Selection(), resources)
    options.pause()
    if not options.as_json:
        show_plan(options, planned)
    return planned


@contextmanager
def _way_out() -> Iterator[None]:
    """Say how to go back all the same where there is no plan, as while a cluster is down."""
    try:
        yield
    except Interrupted:
        raise
    except OrchestratorError as error:
        way = "nothing is committed yet; --no-plan commits it without a plan"
        error.hint = f"{error.hint}; {way}" if error.hint else way
        raise


def _tell(options: Options, planned: "Planned | None", told: "Rollback") -> None:
    from orchestrator.reports.json import plan_json
    from orchestrator.reports.rollback import render_rollback, rollback_json

    if options.as_json:
        document: dict[str, Json] = {
            "format": 1,
            "rollback": rollback_json(told),
            "plan": plan_json(planned.plan) if planned else None,
        }
        return print_json(options, document)
    click.echo(options.redact(render_rollback(told)), nl=False)
    return None


def _tell_nothing(options: Options, what: str) -> None:
    if options.as_json:
        return print_json(options, {"format": 1, "rollback": None, "plan": None})
    click.echo(f"Nothing to roll back: {what} is made of just what it was then.")
    return None


VERBS = (rollback,)
