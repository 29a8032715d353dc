"""``--fail-on``: an exit code of its own for what a plan does."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestrator.plans.plan import Plan

_CODE = 3


def fail_on_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take what a plan may not do for a pipeline to go on."""
    return click.option(
        "--fail-on",
        multiple=True,
        type=click.Choice(["destroy", "replace", "data-loss", "drift"]),
        help="Exit with 3 when the plan does that; may be repeated.",
    )(command)


def exit_on_alarms(plans: "Sequence[Plan]", fail_on: Sequence[str]) -> None:
    """End with a code of its own, and say why, when one of the plans does what was named."""
    from orchestrator.plans.alarms import Alarm, alarms

    wanted = [Alarm(word) for word in fail_on]
    given = {alarm for plan in plans for alarm in alarms(plan, wanted)}
    if given:
        names = ", ".join(alarm for alarm in Alarm if alarm in given)
        click.echo(f"The plan has what --fail-on names: {names}.", err=True)
        sys.exit(_CODE)
