"""The verbs that show what merging would do: to who runs them, or to all who look at a request."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator import clock
from orchestrator.cli.alarms import exit_on_alarms, fail_on_option
from orchestrator.cli.options import Options, output_option, pass_options, print_json
from orchestrator.cli.surroundings import surroundings_of
from orchestrator.errors import UsageError, storage_error

if TYPE_CHECKING:
    from orchestrator.engine.previewing.commenting import Commented
    from orchestrator.engine.session import Surroundings
    from orchestrator.forges.commenting import Published
    from orchestrator.forges.forge import Forge
    from orchestrator.plans.preview import Preview

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GITHUB = 65_536
_SUMMARY = 300_000  # a summary has a mebibyte, in which a character is three bytes at worst


def _html_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--html",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the whole of it as a page, too, with nothing left out.",
    )(command)


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
@_html_option
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
    from orchestrator.reports.preview.comment import comment as comment_text
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
        click.echo(comment_text(made, limit=limit, redact=options.redact), nl=False)
    _exit_for(made, fail_on)


@click.command()
@click.option(
    "--forge",
    type=click.Choice(["github", "gitlab", "gitea"]),
    help="Which forge it is; gitea is Forgejo, too.",
)
@click.option("--api", default="", metavar="ADDRESS", help="Where its API is.")
@click.option("--repository", default="", metavar="OWNER/NAME", help="The repository there.")
@click.option("--request", default=0, metavar="NUMBER", help="The pull or merge request.")
@click.option(
    "--configuration",
    default="default",
    metavar="NAME",
    help="Tells this comment from those of other runs on the same request.",
)
@click.option(
    "--allow-forks", is_flag=True, help="Plan a request from a fork, which runs its code."
)
@click.option(
    "--head",
    default="",
    metavar="COMMIT",
    help="Plan the request only while this is its commit: the one that somebody looked at.",
)
@click.option(
    "--limit",
    default=0,
    metavar="CHARACTERS",
    help="How long the comment may be, if it is less than the forge allows.",
)
@click.option(
    "--refresh",
    is_flag=True,
    help="Plan nothing: say what is stale by now, and what was applied of what is merged; without a request, on all.",
)
@_html_option
@fail_on_option
@output_option
@pass_options
def comment(
    options: Options,
    forge: str | None,
    api: str,
    repository: str,
    request: int,
    configuration: str,
    allow_forks: bool,
    head: str,
    limit: int,
    refresh: bool,
    html: Path | None,
    fail_on: tuple[str, ...],
    output: str,
) -> None:
    """Plan what merging a request would do, and keep one comment on it up to date.

    Run by the CI of GitHub, GitLab, Gitea or Forgejo, it finds repository and request itself; the token is taken
    from the environment.
    """
    from orchestrator.cli.refreshing import refresh_comments
    from orchestrator.engine.previewing.commenting import Ask, comment_on
    from orchestrator.forges.clients import open_forge
    from orchestrator.forges.forge import Account
    from orchestrator.forges.patience import Patience
    from orchestrator.forges.place import TOKENS, Kind, Told, find_place

    options.as_json = output == "json"
    if limit:
        _check_limit(limit)
    _check_commit(head)
    if not configuration:
        raise UsageError(
            "--configuration has no name", hint="leave it out where there is one comment"
        )
    if refresh and (html or fail_on or allow_forks or head):
        raise UsageError("--refresh plans nothing", hint="leave out what is about a plan")
    with surroundings_of(options) as surroundings:
        kind = Kind(forge) if forge else None
        told = Told(kind=kind, api=api, repository=repository, number=request)
        environment = surroundings.settings.environment
        place = find_place(environment, told, one_request=not refresh)
        surroundings.secrets.learn(place.token)
        around = _without(surroundings, place.token, TOKENS)
        patience = Patience(stop=surroundings.stop, now=clock.now)
        account = Account()

        def opened(number: int) -> "Forge":
            return open_forge(replace(place, number=number), patience, account)

        client = opened(place.number)
        asked = None if refresh else client.request()
        if asked is None or not asked.is_open:  # what is done with is told as that
            refresh_comments(
                options,
                around,
                opened,
                number=place.number,
                configuration=configuration,
                limit=limit,
            )
            return
        ask = Ask(configuration=configuration, forks=allow_forks, head=head, limit=limit)
        summary = environment.get("GITHUB_STEP_SUMMARY")
        keep = partial(_keep, options, html=html, summary=summary)
        done = comment_on(around, client, asked, ask, keep=keep)
    _tell(options, done)
    _exit_for(done.preview, fail_on)


def _keep(options: Options, made: "Preview", *, html: Path | None, summary: str | None) -> None:
    """Write the answer where nobody can refuse it, before it is sent anywhere."""
    from orchestrator.reports.preview.document import preview_json

    with suppress(OSError):
        options.pause()
    if options.as_json:
        print_json(options, preview_json(made))
    if html is not None:
        _write_page(options, made, options.directory / html)
    if summary:
        _add_summary(options, made, options.directory / summary)


def _tell(options: Options, done: "Commented") -> None:
    """Say what became of the comment; exits when the answer did not come everywhere."""
    from orchestrator.cli.refreshing import told
    from orchestrator.plans.preview import Found
    from orchestrator.reports.errors import render_error

    if done.published is not None:
        for line in _told(done.preview, done.published):
            click.echo(options.redact(line), err=options.as_json)
    if done.refreshed is not None and done.refreshed.found is not Found.CURRENT:
        click.echo(options.redact(told(done.refreshed)), err=options.as_json)
    for error in filter(None, (done.preview.error, done.error)):
        click.echo(options.redact(render_error(error)), err=True, nl=False)
    if done.error is not None:
        sys.exit(done.error.exit_code)


def _without(surroundings: "Surroundings", token: str, others: frozenset[str]) -> "Surroundings":
    """Keep tokens of forges from what is planned: the code of a request must not comment in our name.

    ``others`` are the variables of those that we were given and do not use. Neither does it get the files by which
    a step of a job changes the steps after it.
    """
    from orchestrator.infrastructure.running.environment import RUNNER_FILES

    settings = surroundings.settings
    for name in others:
        if value := settings.environment.get(name):
            surroundings.secrets.learn(value)
    kept = {
        name: value
        for name, value in settings.environment.items()
        if value != token and name not in others | RUNNER_FILES
    }
    return replace(surroundings, settings=replace(settings, environment=kept))


def _told(made: "Preview", published: "Published") -> Iterator[str]:
    from orchestrator.forges.commenting import Ending
    from orchestrator.reports.preview.words import headline

    match published.ending:
        case Ending.OVERTAKEN:
            if published.comment is not None:
                yield f"The comment is left to a later run for the same commit: {published.comment.address}"
            else:
                yield "The request moved on meanwhile, or its base: the comment is left to the later run."
        case Ending.CLOSED | Ending.MERGED:
            yield "The request was merged or closed meanwhile: the plans came too late."
        case _:
            address = published.comment.address if published.comment else ""
            yield f"{headline(made)}. Comment {published.ending.value}: {address}"
    if published.kept is not None:
        yield f"A second comment of ours stays beside it until somebody deletes it: {published.kept.message}."


def _exit_for(made: "Preview", fail_on: tuple[str, ...]) -> None:
    if made.error or any(each.error for each in made.stacks):
        sys.exit(1)
    exit_on_alarms([each.plan for each in made.stacks if each.plan], fail_on)


def _check_limit(limit: int) -> None:
    from orchestrator.reports.preview.budget import SMALLEST

    if limit < SMALLEST:
        raise UsageError(f"--limit {limit} is too small", hint=f"it is {SMALLEST} or more")


def _check_commit(head: str) -> None:
    if head and not _COMMIT.fullmatch(head):
        raise UsageError(
            f"--head {head!r} is no commit",
            hint="give all of its digits, as `git rev-parse` tells them: others may make one that begins alike",
        )


def _add_summary(options: Options, made: "Preview", file: Path) -> None:
    """Add to what the forge shows of the run; the file holds more than a comment, and others write there, too."""
    from orchestrator.reports.preview.comment import comment as comment_text

    try:
        with file.open("a", encoding="utf-8") as summary:
            summary.write(comment_text(made, limit=_SUMMARY, redact=options.redact))
    except OSError as error:
        raise storage_error(error) from error


def _write_page(options: Options, made: "Preview", file: Path) -> None:
    from orchestrator.reports.preview.page import page

    try:
        file.write_text(page(made, options.redact), encoding="utf-8")
    except OSError as error:
        raise storage_error(error) from error


VERBS = (preview, comment)
