"""The verbs that read ledgers and nothing else: status, stacks, history, blame, explain; and abandon beside them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from orchestrator.cli.options import (
    Options,
    output_option,
    pass_options,
    print_json,
    stack_arguments,
)
from orchestrator.cli.surroundings import book_of, surroundings_of

if TYPE_CHECKING:
    from orchestrator.stack.model import Json

T = TypeVar("T")


class WithDefault(click.Group):
    """A verb that lists by itself, and has verbs below it for one thing of the list."""

    default: Final = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take arguments that begin with no verb of this one as those of the list."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@click.command()
@stack_arguments
@output_option
@pass_options
def status(options: Options, stack: str | None, environment: str | None, output: str) -> None:
    """Show what the ledger says is applied, unit by unit, and what asks for attention.

    Without STACK it also tells what is left of stacks and environments that Git declares no more.
    """
    from orchestrator.engine.history.status import read_status
    from orchestrator.reports.history.status import render_status, status_json

    with book_of(options, stack, environment, output) as book:
        record = read_status(book, others=stack is None)
    _print(options, record, render_status, status_json)


@click.command()
@output_option
@pass_options
def stacks(options: Options, output: str) -> None:
    """List all stacks and environments: those in Git, and those of which only a ledger is left."""
    from orchestrator.engine.history.stacks import read_stacks
    from orchestrator.reports.history.stacks import render_stacks, stacks_json

    options.as_json = output == "json"
    with surroundings_of(options) as surroundings:
        lines = read_stacks(surroundings)
    _print(options, lines, render_stacks, stacks_json)


@click.group(cls=WithDefault)
def history() -> None:
    """List what was applied, when and by whom; show one run of it, or what differs between two entries.

    Without a verb, or with a STACK, it lists.
    """


@history.command("list")
@stack_arguments
@output_option
@click.option("--limit", "-n", default=20, show_default=True, help="How many runs, newest first.")
@pass_options
def list_(
    options: Options, stack: str | None, environment: str | None, output: str, limit: int
) -> None:
    """List the runs, newest first, those too that never finished."""
    from orchestrator.engine.history.reading import read_history
    from orchestrator.reports.history.runs import history_json, render_history

    with book_of(options, stack, environment, output) as book:
        runs = read_history(book, limit)
    _print(options, runs, render_history, history_json)


@history.command()
@click.argument("entry")
@stack_arguments
@output_option
@pass_options
def show(
    options: Options, entry: str, stack: str | None, environment: str | None, output: str
) -> None:
    """Show the run that an ENTRY belongs to: its plan, what came of each unit and how long it took, and why.

    ENTRY is an id, or how it begins.
    """
    from orchestrator.engine.history.reading import read_run
    from orchestrator.reports.history.runs import detail_json, render_run

    with book_of(options, stack, environment, output) as book:
        detail = read_run(book, entry)
    _print(options, detail, render_run, detail_json)


@history.command()
@click.argument("before")
@click.argument("after")
@stack_arguments
@output_option
@pass_options
def diff(
    options: Options,
    before: str,
    after: str,
    stack: str | None,
    environment: str | None,
    output: str,
) -> None:
    """Show in which units, revisions and objects the states after two entries differ."""
    from orchestrator.engine.history.comparing import read_comparison
    from orchestrator.reports.history.answers import comparison_json, render_comparison

    with book_of(options, stack, environment, output) as book:
        comparison = read_comparison(book, before, after)
    _print(options, comparison, render_comparison, comparison_json)


@click.command()
@click.argument("what")
@stack_arguments
@output_option
@pass_options
def blame(
    options: Options, what: str, stack: str | None, environment: str | None, output: str
) -> None:
    """Show which commit and run last changed WHAT: a unit, an object or a resource.

    An object is named as in a plan ('Deployment shop/web'), or deployment/web for short; a resource by its
    address, with its module where two have one of that name (modules.network/aws_vpc.main).
    """
    from orchestrator.engine.history.blaming import read_blame
    from orchestrator.reports.history.answers import blame_json, render_blame

    with book_of(options, stack, environment, output) as book:
        found = read_blame(book, what)
    _print(options, found, render_blame, blame_json)


@click.command()
@click.argument("unit")
@stack_arguments
@output_option
@pass_options
def explain(
    options: Options, unit: str, stack: str | None, environment: str | None, output: str
) -> None:
    """Explain why a UNIT waits or failed, down to the condition, from what its last run recorded."""
    from orchestrator.engine.history.explaining import read_explanation
    from orchestrator.reports.history.answers import explanation_json, render_explanation

    with book_of(options, stack, environment, output) as book:
        explanation = read_explanation(book, unit)
    _print(options, explanation, render_explanation, explanation_json)


@click.command()
@click.argument("entry")
@stack_arguments
@click.option("--why", required=True, metavar="TEXT", help="Why nobody will; it is recorded.")
@pass_options
def abandon(
    options: Options, entry: str, stack: str | None, environment: str | None, why: str
) -> None:
    """Record that nobody will finish the run that an ENTRY belongs to; what it left stays as it is."""
    from orchestrator.engine.abandoning import abandon_run

    with book_of(options, stack, environment) as book:
        click.echo(options.redact(abandon_run(book, entry, why)))


def _print(
    options: Options,
    found: T,
    render: Callable[[T], str],
    as_json: "Callable[[T], dict[str, Json]]",
) -> None:
    if options.as_json:
        print_json(options, as_json(found))
    else:
        click.echo(options.redact(render(found)), nl=False)


VERBS: tuple[Any, ...] = (status, stacks, history, blame, explain, abandon)
