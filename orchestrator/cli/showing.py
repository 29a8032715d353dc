"""Showing a plan on stdout."""

import sys
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import Options, print_json
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.planning.plan import Planned


def show_plan(options: Options, planned: "Planned") -> None:
    """Write a plan to stdout, as text or as JSON, without secrets."""
    from orchestrator.plans.redaction import with_sentences_redacted
    from orchestrator.reports.json import plan_json
    from orchestrator.reports.terminal import paint
    from orchestrator.reports.text import render_plan

    if options.as_json:
        return print_json(options, plan_json(planned.plan))
    text = render_plan(with_sentences_redacted(planned.plan, options.redact))
    click.echo(paint(text) if _in_colour() else text, nl=False)
    return None


def _in_colour() -> bool:
    """Whether a plan is painted: on a terminal, unless NO_COLOR (see no-color.org) says otherwise."""
    return sys.stdout.isatty() and not Settings.read().environment.get("NO_COLOR")
