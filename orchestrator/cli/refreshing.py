"""`comment --refresh`: comments brought up to date without planning, of one request or of all that there are."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from orchestrator.cli.options import Options, print_json
from orchestrator.errors import Interrupted, OrchestratorError, unexpected

if TYPE_CHECKING:
    from orchestrator.engine.session import Surroundings
    from orchestrator.forges.forge import Forge
    from orchestrator.plans.preview import Refreshed

_LAST_COMMITS: Final = 10
"""How many commits of a branch are looked at for requests that were merged by them."""


def refresh_comments(
    options: Options,
    surroundings: "Surroundings",
    opened: "Callable[[int], Forge]",
    *,
    number: int,
    configuration: str,
    limit: int,
) -> None:
    """Refresh the comment on one request, or for 0 on all; tell each, and end with 1 when one failed.

    ``opened`` gives the forge at a request. Whatever one fails of, the others are looked at: their statuses decide too.
    """
    from orchestrator.engine.previewing.refreshing import refresh
    from orchestrator.reports.preview.document import refreshed_json

    done: list[Refreshed] = []
    errors: list[Exception] = []

    def look(each: int) -> None:
        one: Refreshed | None = None
        with _told_at_once(options, surroundings, f"request {each}", errors):
            one = refresh(surroundings, opened(each), configuration=configuration, limit=limit)
        if one is not None:
            done.append(one)
            click.echo(options.redact(told(one)), err=options.as_json)

    for each in [number] if number else opened(number).open_requests():
        look(each)
    merged: set[int] = set()
    if not number:
        with _told_at_once(options, surroundings, "requests that were merged", errors):
            merged.update(_merged(surroundings, opened(number)))
    for each in sorted(merged):
        look(each)
    if options.as_json:
        print_json(options, refreshed_json(done))
    if errors:
        sys.exit(1)


@contextmanager
def _told_at_once(
    options: Options, surroundings: "Surroundings", what: str, errors: list[Exception]
) -> Iterator[None]:
    """Tell an error, and go on; a request to stop is none."""
    from orchestrator.reports.errors import render_error

    try:
        yield
    except Exception as error:
        if surroundings.stop.requested or isinstance(error, Interrupted):
            raise
        if options.verbose and not isinstance(error, OrchestratorError):
            traceback.print_exc()
        errors.append(error)
        text = options.redact(f"{what}: {render_error(unexpected(error))}")
        # No line is begun by what a request is made of: CI takes some for commands.
        click.echo(text.rstrip("\n").replace("\n", "\n| "), err=True)


def told(one: "Refreshed") -> str:
    """Return how a request stands in a line."""
    from orchestrator.plans.preview import Became
    from orchestrator.reports.preview.standing import EVERYTHING

    named = (
        ("all of it" if name == EVERYTHING else name, why)
        for name, why in sorted(one.stale.items())
    )
    more = [f"{name} ({why})" if why else name for name, why in named]
    words = {Became.NOTHING: "not applied", Became.BEGUN: "being applied"}
    more += [f"{each.name} {words.get(each.became, each.became)}" for each in one.afterwards]
    return f"request {one.number} {one.found.value}{': ' if more else ''}{', '.join(more)}"


def _merged(surroundings: "Surroundings", client: "Forge") -> Iterator[int]:
    """Yield the requests by which the last commits came."""
    from orchestrator.repository.repository import open_repository

    plumbing = open_repository(surroundings.directory).plumbing(stop=surroundings.stop)
    for commit in plumbing.log("HEAD", limit=_LAST_COMMITS):
        yield from client.requests_of(commit)
