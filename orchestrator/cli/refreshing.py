"""`comment --refresh`: comments brought up to date without planning, of one request or of all that there are."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from orchestrator.cli.options import Options, print_json
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.engine.session import Surroundings
    from orchestrator.forges.forge import Forge
    from orchestrator.forges.patience import Patience
    from orchestrator.forges.place import Place
    from orchestrator.plans.preview import Refreshed

_LAST_COMMITS: Final = 10
"""How many commits of a branch are looked at for requests that were merged by them."""


def refresh_comments(
    options: Options,
    surroundings: "Surroundings",
    place: "Place",
    patience: "Patience",
    *,
    configuration: str,
    limit: int,
) -> None:
    """Refresh the comment on one request, or without a number on all; tell each, and end with 1 when one failed."""
    from orchestrator.engine.previewing.refreshing import refresh
    from orchestrator.forges.clients import open_forge
    from orchestrator.reports.errors import render_error
    from orchestrator.reports.preview.document import refreshed_json

    done: list[Refreshed] = []
    failed = False
    for number in (
        [place.number] if place.number else _all(surroundings, open_forge(place, patience))
    ):
        client = open_forge(replace(place, number=number), patience)
        try:
            done.append(refresh(surroundings, client, configuration=configuration, limit=limit))
        except OrchestratorError as error:
            if surroundings.stop.requested:
                raise
            failed = True
            text = options.redact(f"request {number}: {render_error(error)}")
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
        (name.replace(EVERYTHING, "all of it"), why) for name, why in sorted(one.stale.items())
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
