"""The verb by which somebody else agrees to a plan: approve."""

import click

from orchestrator.cli.options import (
    Options,
    lock_timeout_option,
    only_option,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.showing import show_plan
from orchestrator.cli.surroundings import session_of


@click.command()
@click.argument("digest")
@stack_arguments
@only_option
@click.option("--destroy", is_flag=True, help="Approve what `destroy` would do.")
@click.option("--why", default="", metavar="TEXT", help="A sentence that is kept with it.")
@output_option
@lock_timeout_option
@pass_options
def approve(
    options: Options,
    digest: str,
    stack: str | None,
    environment: str | None,
    only: tuple[str, ...],
    destroy: bool,
    why: str,
    output: str,
    lock_timeout: float,
) -> None:
    """Plan once more, and record your approval if the plan still has that DIGEST.

    It holds for this very plan, whichever commit brings it; a plan that does anything else needs another one.
    """
    from orchestrator.engine.approving import approve as record_approval
    from orchestrator.engine.approving import check_digest
    from orchestrator.engine.execution.permissions import Permissions, check_startable
    from orchestrator.engine.planning.plan import make_plan
    from orchestrator.engine.planning.selection import Selection
    from orchestrator.reports.approvals import approved_json, render_approved

    options.as_json = output == "json"
    check_digest(digest)
    with session_of(options, stack, environment, gone=destroy) as (session, resources):
        check_startable(session, Permissions())
        planned = make_plan(session, Selection(only=only, destroy=destroy), resources)
        options.pause()
        if not options.as_json:
            show_plan(options, planned)
        approved = record_approval(planned, digest, why=why, patience=lock_timeout)
    if options.as_json:
        print_json(options, approved_json(approved))
    else:
        click.echo(options.redact(render_approved(approved)), nl=False)


VERBS = (approve,)
