"""The verbs that plan and change: plan, apply, destroy."""

import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from orchestrator.cli.alarms import exit_on_alarms, fail_on_option
from orchestrator.cli.consent import asking
from orchestrator.cli.options import (
    Options,
    acknowledge_option,
    execution_options,
    fitted,
    lock_timeout_option,
    only_option,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.showing import show_plan
from orchestrator.cli.surroundings import session_of, surroundings_of
from orchestrator.errors import UsageError
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.execution.permissions import Permissions
    from orchestrator.engine.planning.plan import Planned
    from orchestrator.engine.turns import Turn
    from orchestrator.plans.report import Report


@click.command()
@stack_arguments
@only_option
@output_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply FILE`."
)
@click.option(
    "--encrypt",
    multiple=True,
    metavar="RECIPIENT",
    help="Encrypt the saved plan for an age recipient (age1…), or under a passphrase (the word"
    " passphrase); may be repeated.",
)
@click.option("--destroy", is_flag=True, help="Plan what `destroy` would do.")
@click.option(
    "--since",
    metavar="REVISION",
    help="Take only the units that changed since, with what reads them and what they need.",
)
@click.option(
    "--no-refresh",
    is_flag=True,
    help="Do not look at what exists of the infrastructure, and not at all at modules of which nothing changed.",
)
@acknowledge_option
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when something would change, or has drifted and is only reported.",
)
@fail_on_option
@lock_timeout_option
@pass_options
def plan(
    options: Options,
    stack: str | None,
    environment: str | None,
    only: tuple[str, ...],
    output: str,
    out: Path | None,
    encrypt: tuple[str, ...],
    destroy: bool,
    since: str | None,
    no_refresh: bool,
    acknowledge: tuple[str, ...],
    detailed_exitcode: bool,
    fail_on: tuple[str, ...],
    lock_timeout: float,
) -> None:
    """Show what an apply would do, infrastructure and workloads as one plan."""
    from orchestrator.engine.planning.plan import make_plan
    from orchestrator.engine.planning.selection import Selection
    from orchestrator.engine.turns import await_free

    options.as_json = output == "json"
    _check_since(since, {"--only": bool(only), "--destroy": destroy, "--out": out is not None})
    _check_no_refresh({"--destroy": destroy, "--out": out is not None} if no_refresh else {})
    selection = Selection(
        only=only,
        since=since or "",
        destroy=destroy,
        refresh=not no_refresh,
        acknowledged=frozenset(acknowledge),
    )
    _check_target(options, out, encrypt)
    with session_of(options, stack, environment, gone=destroy) as (session, resources):
        if lock_timeout:
            await_free(session, patience=lock_timeout)
        planned = make_plan(session, selection, resources)
        saved = _save(options, planned, out, encrypt) if out is not None else ""
    show_plan(options, planned)
    if saved:
        click.echo(saved, err=True)
    exit_on_alarms([planned.plan], fail_on)
    differs = planned.plan.effective or planned.plan.drifted
    sys.exit(2 if detailed_exitcode and differs else 0)


@click.command()
@stack_arguments
@only_option
@output_option
@execution_options
@lock_timeout_option
@acknowledge_option
@click.option(
    "--retry",
    is_flag=True,
    help="Apply a revision once more that failed when it was applied before.",
)
@pass_options
def apply(
    options: Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
) -> None:
    """Plan, show, ask and apply; or apply the plan that `plan --out FILE` saved.

    STACK is a stack's name or path, or the FILE of a saved plan.
    """
    options.as_json = output == "json"
    if stack is not None and _is_bundle(options.directory / stack):
        if environment or flags["only"]:
            message = "a saved plan is applied as it is"
            raise UsageError(message, hint="leave --env and --only out, or plan again with them")
        _apply_saved(options, options.directory / stack, flags)
    elif stack is not None and Path(stack).suffix not in _STACK_SUFFIXES:
        hint = f"make one with `orchestrator plan --out {stack}`"
        raise UsageError(f"there is no saved plan {stack!r}", hint=hint)
    else:
        _plan_and_execute(options, stack, environment, flags, destroy=False)


@click.command()
@stack_arguments
@only_option
@output_option
@execution_options
@lock_timeout_option
@acknowledge_option
@pass_options
def destroy(
    options: Options, /, stack: str | None, environment: str | None, output: str, **flags: Any
) -> None:
    """Take everything away again: workloads, then infrastructure, in reverse."""
    options.as_json = output == "json"
    _plan_and_execute(options, stack, environment, flags, destroy=True)


def _check_since(since: str | None, others: dict[str, bool]) -> None:
    if since is None:
        return
    if not since.strip():
        message = "--since names no revision"
        raise UsageError(message, hint="name a commit, a tag or a branch, such as `--since main`")
    for name, given in others.items():
        if given:
            message = f"--since and {name} do not go together"
            hint = "--since shows what a change would do; what is applied is the whole stack, or --only"
            raise UsageError(message, hint=hint)


def _check_no_refresh(others: dict[str, bool]) -> None:
    for name, given in others.items():
        if given:
            message = f"--no-refresh and {name} do not go together"
            hint = (
                "--no-refresh is for a quick look; what is applied or destroyed is looked at first"
            )
            raise UsageError(message, hint=hint)


def _check_target(options: Options, out: Path | None, recipients: tuple[str, ...]) -> None:
    if out is not None:
        from orchestrator.engine.execution.bundle import check_target

        check_target(options.directory / out, shown=str(out), recipients=recipients)
    elif recipients:
        message = "--encrypt is about a plan that is saved"
        raise UsageError(message, hint="name the file with --out FILE")


def _save(options: Options, planned: "Planned", out: Path, recipients: tuple[str, ...]) -> str:
    from orchestrator.cli.asking import new_passphrase
    from orchestrator.engine.execution.bundle import save, saved_to

    options.pause()  # a passphrase may be asked for
    file = options.directory / out
    noticed = save(planned, file, recipients=recipients, ask=new_passphrase)
    return saved_to(str(out), noticed=noticed, encrypted=bool(recipients))


def _apply_saved(options: Options, file: Path, flags: dict[str, Any]) -> None:
    from orchestrator.cli.asking import ask_for_losses, known_passphrase
    from orchestrator.engine.execution.bundle import open_bundle
    from orchestrator.engine.execution.permissions import check, check_before_asking
    from orchestrator.engine.turns import Turn

    allowed = _permissions(flags)
    with ExitStack() as resources:
        surroundings = resources.enter_context(surroundings_of(options))
        planned = open_bundle(surroundings, file, resources, ask=known_passphrase)
        _show_unless_json(options, planned)
        if not flags["yes"] and not options.as_json and Settings.read().interactive:
            check_before_asking(planned, allowed)
            allowed = ask_for_losses(planned, allowed)
            allowed = replace(allowed, ask=asking(options, surroundings.stop))
        check(planned, allowed)
        turn = Turn(patience=flags["lock_timeout"])
        _execute(options, planned, allowed, fresh=False, turn=turn)


def _plan_and_execute(
    options: Options,
    stack: str | None,
    environment: str | None,
    flags: dict[str, Any],
    *,
    destroy: bool,
) -> None:
    from orchestrator.cli.asking import ask_for_losses, ask_to_go_ahead
    from orchestrator.engine.execution.applying import execute_owed
    from orchestrator.engine.execution.following import is_owed
    from orchestrator.engine.execution.permissions import (
        check,
        check_before_asking,
        check_startable,
        known_bad,
    )
    from orchestrator.engine.planning.plan import make_plan
    from orchestrator.engine.planning.selection import Selection
    from orchestrator.engine.turns import Turn, take_turn
    from orchestrator.ledger.entry import Operation

    allowed = _permissions(flags)
    _check_that_somebody_can_be_asked(options, yes=flags["yes"])
    with session_of(options, stack, environment, gone=destroy) as (session, resources):
        check_startable(session, allowed)
        turn = take_turn(
            session,
            Operation.DESTROY if destroy else Operation.APPLY,
            Turn(patience=flags["lock_timeout"]),
            resources,
            attended=not flags["yes"],
        )
        planned = make_plan(
            session,
            Selection(
                only=flags["only"],
                destroy=destroy,
                acknowledged=frozenset(flags["acknowledge"]),
            ),
            resources,
        )
        _show_unless_json(options, planned)
        if flags["yes"] and is_owed(planned) and not allowed.retry:
            _tell(options, execute_owed(planned, allowed, turn=turn))
        bad = known_bad(planned)
        asked = (planned.plan.effective or bad is not None) and not flags["yes"]
        if asked:
            check_before_asking(planned, allowed)
            allowed = ask_for_losses(planned, allowed)
            ask_to_go_ahead(planned, failed=bad is not None and not allowed.retry)
            allowed = replace(allowed, retry=True, ask=asking(options, session.surroundings.stop))
        check(planned, allowed)
        _execute(options, planned, allowed, fresh=not asked, turn=turn)


def _execute(
    options: Options, planned: "Planned", allowed: "Permissions", *, fresh: bool, turn: "Turn"
) -> NoReturn:
    from orchestrator.engine.execution.applying import execute

    _tell(options, execute(planned, allowed, fresh=fresh, turn=turn))


def _tell(options: Options, report: "Report") -> NoReturn:
    """Print how a run ended, and end with its code."""
    from orchestrator.reports.json import report_json
    from orchestrator.reports.text import render_report

    with suppress(OSError):  # a reader that left does not change how the run ended
        options.pause()
        if options.as_json:
            print_json(options, report_json(report))
        else:
            click.echo(fitted(options.redact(render_report(report)), sys.stdout), nl=False)
    sys.exit(_exit_code(report.outcome))


def _permissions(flags: dict[str, Any]) -> "Permissions":
    from orchestrator.engine.execution.permissions import Permissions

    return Permissions(
        dirty=flags["allow_dirty"],
        deferred=flags["allow_deferred"],
        retry=flags.get("retry", False),
        acknowledged=frozenset(flags["acknowledge"]),
    )


def _check_that_somebody_can_be_asked(options: Options, *, yes: bool) -> None:
    if yes:
        return
    hint = "pass --yes to go ahead without a question"
    if options.as_json:
        message = "a question cannot be asked in JSON"
        raise UsageError(message, hint=hint)
    if not Settings.read().interactive:
        message = "there is no terminal to ask on"
        raise UsageError(message, hint=hint)


def _exit_code(outcome: str) -> int:
    return {"failed": 1, "interrupted": 130}.get(outcome, 0)


def _show_unless_json(options: Options, planned: "Planned") -> None:
    options.pause()
    if not options.as_json:
        show_plan(options, planned)


def _is_bundle(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".yaml", ".yml"}


_STACK_SUFFIXES = frozenset({"", ".yaml", ".yml"})
"""What the name or the path of a stack can end with; a name has no full stop in it."""


VERBS = (plan, apply, destroy)
