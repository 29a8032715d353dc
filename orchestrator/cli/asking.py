"""What a person is asked on a terminal before anything is changed."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from orchestrator.cli.signals import interruptible
from orchestrator.errors import Interrupted, OrchestratorError, UsageError
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.engine.execution.permissions import Permissions
    from orchestrator.engine.planning.plan import Planned


def ask_to_go_ahead(planned: "Planned", *, failed: bool) -> None:
    """Ask whether to carry a plan out; raises Interrupted, or OrchestratorError for any answer but yes.

    ``failed`` says that its revision failed before, which the plan tells and the question repeats.
    """
    verb = "Destroy" if planned.plan.destroy else "Apply"
    where = f"{planned.plan.stack}/{planned.plan.environment}"
    again = ", although it failed before" if failed else ""
    answer = _answer(f"\n{verb} this to {where}{again}? Only 'yes' goes ahead")
    if answer != "yes":
        message = "nothing was changed, since the answer was not 'yes'"
        raise OrchestratorError(message)


def ask_for_losses(planned: "Planned", allowed: "Permissions") -> "Permissions":
    """Have the name typed of each thing whose data a plan loses, and return what that allows.

    Raises Interrupted, or OrchestratorError for any other answer than the name.
    """
    from orchestrator.plans.guards import losses, unacknowledged
    from orchestrator.plans.risk import named

    left = unacknowledged(planned.plan, allowed.acknowledged)
    for one, name in zip(left, named(left, losses(planned.plan)), strict=True):
        everything = f"destroy:{one.unit}"
        if everything in allowed.acknowledged:
            continue
        answer = _answer(f"\nWhat is in {name} will be lost. Type its name to go ahead")
        if answer not in {name, everything}:
            message = f"nothing was changed, since {name} was not typed"
            raise OrchestratorError(message)
        word = everything if answer == everything else f"{one.unit}/{one.name}"
        allowed = replace(allowed, acknowledged=allowed.acknowledged | {word})
    return allowed


def ask_to_repair(subject: str, *, as_json: bool) -> None:
    """Ask whether to repair a ledger; raises Interrupted, UsageError, or OrchestratorError for any answer but yes."""
    if as_json or not Settings.read().interactive:
        message = "repairing a ledger asks first, and here is nobody to ask"
        raise UsageError(message, hint="look at what it would do, and pass --yes if that is right")
    if _answer(f"\nRepair the ledger of {subject} like this? Only 'yes' goes ahead") != "yes":
        message = "nothing was changed, since the answer was not 'yes'"
        raise OrchestratorError(message)


def known_passphrase() -> str:
    """Ask for the passphrase of a saved plan; raises Interrupted, UsageError where nobody can be asked."""
    from orchestrator.engine.execution.sealing import nobody_to_ask

    if not Settings.read().interactive:
        return nobody_to_ask()
    return _answer("Passphrase of the saved plan", hidden=True)


def new_passphrase() -> str:
    """Ask twice for a passphrase to save a plan under; raises UsageError when the two differ."""
    first = known_passphrase()
    if _answer("Once more", hidden=True) != first:
        message = "the two passphrases differ, and nothing was saved"
        raise UsageError(message, hint="plan again")
    return first


def _answer(question: str, *, hidden: bool = False) -> str:
    try:
        with interruptible():
            answer: str = click.prompt(
                question, default="", show_default=False, err=True, hide_input=hidden
            )
    except click.Abort as error:
        click.echo(err=True)  # the answer's line is not finished
        message = "nothing was changed, since nobody answered"
        raise Interrupted(message) from error
    return answer.strip()
