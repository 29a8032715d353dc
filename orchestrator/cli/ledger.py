"""The verbs about the ledger itself: looking it through, moving it to another place, repairing it."""

import sys
from pathlib import Path
from typing import BinaryIO

import click

from orchestrator.cli.asking import ask_to_repair
from orchestrator.cli.options import (
    Options,
    lock_timeout_option,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.surroundings import session_of
from orchestrator.stack.names import label_problem

_TO = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def ledger() -> None:
    """Look a ledger through, move it to another place, or repair it."""


@ledger.command()
@stack_arguments
@output_option
@pass_options
def verify(options: Options, stack: str | None, environment: str | None, output: str) -> None:
    """Check that the ledger is whole, and say where it breaks first; exits with 1 when it does."""
    from orchestrator.engine.ledgers.checking import check_ledger
    from orchestrator.reports.repairs import checked_json, render_checked

    options.as_json = output == "json"
    with session_of(options, stack, environment) as (session, _):
        checked = check_ledger(session)
    if options.as_json:
        print_json(options, checked_json(checked))
    else:
        click.echo(options.redact(render_checked(checked)), nl=False)
    sys.exit(0 if checked.whole else 1)


@ledger.command("export")
@stack_arguments
@click.argument("file", type=_TO, default="-", required=False)
@pass_options
def export_to(options: Options, stack: str | None, environment: str | None, file: Path) -> None:
    """Write all entries of the ledger into FILE, or to stdout: what `ledger import` takes.

    Where the stack file names a place that has none yet, these are the entries of the place where the ledger is now.
    """
    from orchestrator.engine.ledgers.moving import export_ledger, save_export

    if stack and str(file) == "-" and _is_no_stack(options, stack):
        file, stack = Path(stack), None

    with session_of(options, stack, environment) as (session, _):
        content = export_ledger(session)
    if str(file) == "-":
        sys.stdout.buffer.write(content)
    else:
        save_export(options.directory / file, content)
        click.echo(f"wrote {file}", err=True)


def _is_no_stack(options: Options, given: str) -> bool:
    """Whether no stack can have such a name: it is meant for the file of the only one."""
    return bool(label_problem(given)) and not (options.directory / given).is_dir()


@ledger.command("import")
@click.argument("file", type=click.File("rb"))
@lock_timeout_option
@pass_options
def import_from(options: Options, file: BinaryIO, lock_timeout: float) -> None:
    """Put the entries that `ledger export` wrote into the ledger of that stack, which has to be empty.

    The place that they are from takes no more entries, and says where the ledger went.
    """
    from orchestrator.engine.ledgers.moving import import_ledger
    from orchestrator.ledger.archive import decode_archive

    archive = decode_archive(file.read())
    owner = archive.owner
    with session_of(options, owner.stack, owner.environment) as (session, _):
        click.echo(import_ledger(session, archive, patience=lock_timeout))


@ledger.command()
@stack_arguments
@output_option
@lock_timeout_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_options
def repair(
    options: Options,
    stack: str | None,
    environment: str | None,
    output: str,
    lock_timeout: float,
    yes: bool,
) -> None:
    """Show what is wrong with the ledger and what to do about it, ask, and do it.

    It goes on from the last entry that holds. Objects that carry the stack's labels in the cluster, and modules that
    have a state, are taken in where no entry knows them.
    """
    from orchestrator.engine.ledgers.repairing import plan_repair, repair_ledger
    from orchestrator.reports.repairs import render_repair, repair_json

    options.as_json = output == "json"
    with session_of(options, stack, environment) as (session, resources):
        planned = plan_repair(session, resources)
        if options.as_json:
            print_json(options, repair_json(planned.plan))
        else:
            click.echo(options.redact(render_repair(planned.plan)), nl=False)
        if not planned.plan.needed:
            return
        if not yes:
            ask_to_repair(str(session.owner), as_json=options.as_json)
        click.echo(options.redact(repair_ledger(session, planned, patience=lock_timeout)), err=True)


VERBS = (ledger,)
