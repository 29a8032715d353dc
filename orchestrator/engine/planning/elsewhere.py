"""What is left of a stack in environments that it declares no more: a plan of the others says so."""

from typing import TYPE_CHECKING

from orchestrator.engine.ledgers.listing import Listed, survey
from orchestrator.engine.session import Session
from orchestrator.errors import OrchestratorError
from orchestrator.stack.load import StackFile, environment_names

if TYPE_CHECKING:
    from orchestrator.plans.history import StackLine


def left_elsewhere(session: Session) -> tuple[str, ...]:
    """Return a sentence for each environment that is gone and still has something applied.

    It is no more than a reminder: where the ledgers cannot be listed there is none.
    """
    stack = session.stack
    if session.surroundings.looking is not None:  # nobody reads it
        return ()
    try:
        file = StackFile(name=stack.name, file=stack.file)
        declared = frozenset(environment_names(session.tree, file))
        ledgers = survey(
            session,
            wanted=lambda owner: owner.stack == stack.name and owner.environment not in declared,
        )
    except OrchestratorError:
        return ()
    return told(ledgers)


def told(ledgers: Listed) -> tuple[str, ...]:
    """Return the sentences about ledgers of environments that are gone."""
    if not ledgers:  # as nearly always, which then imports nothing of the past
        return ()
    from orchestrator.engine.history.stacks import stack_line

    lines = (stack_line(owner, state, declared=False) for owner, state in ledgers.items())
    return tuple(_sentence(line) for line in lines if line.vanished)


def _sentence(line: "StackLine") -> str:
    from orchestrator.reports.history.stacks import left_of

    command = f"orchestrator destroy {line.stack} --env {line.environment}"
    return f"{line.name} is no longer declared and {left_of(line)}; nothing of that is in this plan: {command}"
