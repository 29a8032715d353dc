"""The verb that runs Terraform itself on one unit."""

import sys

import click

from orchestrator.cli.options import Options, lock_timeout_option, pass_options
from orchestrator.cli.surroundings import session_of

_SIGNALLED = 128  # how shells tell an end by a signal


@click.command()
@click.argument("unit")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- ARGUMENTS...")
@click.option("--stack", "-s", metavar="STACK", help="The stack, by name or path.")
@click.option("--env", "-e", "environment", metavar="NAME", help="The environment.")
@lock_timeout_option
@pass_options
def terraform(
    options: Options,
    unit: str,
    arguments: tuple[str, ...],
    stack: str | None,
    environment: str | None,
    lock_timeout: float,
) -> None:
    """Run a command of Terraform's own on a unit: `terraform network -- state list`.

    It runs in the unit's prepared directory, with its state and its inputs, under the stack's lock, on this
    terminal; its exit code is ours. What changes the state is noted in the ledger. What would change more than that,
    such as `apply`, `init` or `test`, or write where nobody looks, is refused.
    """
    from orchestrator.engine.terraform import run_terraform

    with session_of(options, stack, environment) as (session, _):
        options.pause()
        code = run_terraform(session, unit, arguments, patience=lock_timeout)
    sys.exit(code if code >= 0 else _SIGNALLED - code)


VERBS = (terraform,)
