"""`comment --refresh`: comments brought up to date without planning, of one request or of all that there are."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
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
    from orchestrator.reports.errors import render_error
    from orchestrator.reports.preview.document import refreshed_json

    done: list[Refreshed] = []
    failed = False
    for each in [number] if number else _all(surroundings, opened(number)):
        try:
            one = refresh(surroundings, opened(each), configuration=configuration, limit=limit)
            done.append(one)
        except Exception as error:
            if surroundings.stop.requested or isinstance(error, Interrupted):
                raise
            if options.verbose and not isinstance(error, OrchestratorError):
                traceback.print_exc()
            failed = True
            text = options.redact(f"request {each}: {render_error(unexpected(error))}")
            # No line is begun by what a request is made of: CI takes some for commands.
            click.echo(text.rstrip("\n").replace("\n", "\n| "), err=True)
            continue
        click.echo(options.redact(told(done[-1])), err=options.as_json)
    if options.as_json:
        print_json(options, refreshed_json(done))
    if failed:
        sys.exit(1)


def told(one: "Refreshed") -> str:
    """Return how a request stands in a line."""
    from orchestrator.reports.preview.standing import EVERYTHING

    named = (
        ("all of it" if name == EVERYTHING else name, why)
        for name, why in sorted(one.stale.items())
    )
    more = [f"{name} ({why})" if why else name for name, why in named]
    more += [f"{each.name} {each.became.value}" for each in one.afterwards]
    return f"request {one.number} {one.found.value}{': ' if more else ''}{', '.join(more)}"


def _all(surroundings: "Surroundings", client: "Forge") -> Iterator[int]:
    """Yield the open requests, and those by which the last commits came."""
    from orchestrator.repository.repository import open_repository

    yield from client.open_requests()
    plumbing = open_repository(surroundings.directory).plumbing(stop=surroundings.stop)
    commits: Sequence[str] = plumbing.log("HEAD", limit=_LAST_COMMITS)
    merged = {number for commit in commits for number in client.requests_of(commit)}
    yield from sorted(merged)
