"""The verb that shows what merging would do."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.alarms import exit_on_alarms, fail_on_option
from orchestrator.cli.options import Options, output_option, pass_options, print_json
from orchestrator.cli.surroundings import surroundings_of
from orchestrator.errors import UsageError, storage_error

if TYPE_CHECKING:
    from orchestrator.plans.preview import Preview

_GITHUB = 65_536


@click.command()
@click.option("--base", required=True, metavar="REVISION", help="What is merged into.")
@click.option(
    "--head", default="HEAD", show_default=True, metavar="REVISION", help="What is to be merged."
)
@click.option(
    "--limit",
    default=_GITHUB,
    show_default=True,
    metavar="CHARACTERS",
    help="How long the text may be: GitHub's limit, unless told otherwise.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the whole of it as a page, too, with nothing left out.",
)
@fail_on_option
@output_option
@pass_options
def preview(
    options: Options,
    base: str,
    head: str,
    limit: int,
    html: Path | None,
    fail_on: tuple[str, ...],
    output: str,
) -> None:
    """Show what merging would do to every stack that it touches, in Markdown for a comment.

    The merge is made on the side: no branch moves, and nothing is applied.
    """
    from orchestrator.engine.previewing.preview import make_preview
    from orchestrator.reports.preview.comment import comment
    from orchestrator.reports.preview.document import preview_json

    options.as_json = output == "json"
    _check_limit(limit)
    with surroundings_of(options) as surroundings:
        made = make_preview(surroundings, base=base, head=head)
    if html is not None:
        _write_page(options, made, options.directory / html)
    if options.as_json:
        print_json(options, preview_json(made))
    else:
        click.echo(comment(made, limit=limit, redact=options.redact), nl=False)
    if made.error or any(each.error for each in made.stacks):
        sys.exit(1)
    exit_on_alarms([each.plan for each in made.stacks if each.plan], fail_on)


def _check_limit(limit: int) -> None:
    from orchestrator.reports.preview.budget import SMALLEST

    if limit < SMALLEST:
        raise UsageError(f"--limit {limit} is too small", hint=f"it is {SMALLEST} or more")


def _write_page(options: Options, made: "Preview", file: Path) -> None:
    from orchestrator.reports.preview.page import page

    try:
        file.write_text(page(made, options.redact), encoding="utf-8")
    except OSError as error:
        raise storage_error(error) from error


VERBS = (preview,)
