"""What a person is asked in the middle of an apply: whether a unit may do what could not be shown before."""

import select
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import Options, fitted
from orchestrator.errors import Interrupted

if TYPE_CHECKING:
    from orchestrator.plans.plan import UnitPlan
    from orchestrator.processes import Stop

_POLL_SECONDS = 0.2


def asking(options: Options, stop: "Stop") -> "Callable[[UnitPlan, str], bool]":
    """Return a question for threads of a run: one at a time, over a display that stands still meanwhile.

    It raises Interrupted when the run is to stop before anybody answered.
    """
    one_at_a_time = threading.Lock()

    def ask(unit: "UnitPlan", why: str) -> bool:
        from orchestrator.reports.text import render_unit

        with one_at_a_time, options.held():
            shown = options.redact(render_unit(unit))
            click.echo(f"\n{fitted(shown, sys.stderr)}", err=True, nl=False)
            click.echo(f"\n{options.redact(why)}.", err=True)
            click.echo("Go on? Only 'yes' does: ", err=True, nl=False)
            return _line(stop, unit.unit).strip() == "yes"

    return ask


def _line(stop: "Stop", unit: str) -> str:
    """Read a line, looking at the request to stop meanwhile: signals are heard by another thread."""
    while not select.select([sys.stdin], [], [], _POLL_SECONDS)[0]:
        if stop.requested:
            raise Interrupted(f"{unit}: stopped before anybody answered; nothing of it was changed")
    return sys.stdin.readline()
