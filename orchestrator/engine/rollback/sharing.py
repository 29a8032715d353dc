"""Who else is made of what a rollback brings back: the stack's other environments, other stacks, other units."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from orchestrator.engine.planning.paths import below, survey
from orchestrator.engine.rollback.sides import Side
from orchestrator.engine.session import Session
from orchestrator.errors import InvalidStack, UsageError
from orchestrator.plans.objects import Owner
from orchestrator.stack.load import find_stacks, load_project, read_environments
from orchestrator.stack.model import UnitId

_MOST_NAMED = 3


def shared_with(session: Session, changed: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each stack and environment, but the session's own, that changed files belong to.

    What cannot be read is passed over: it tells of itself when it is planned.
    """
    for owner, reach in _others(session):
        files = [file for file in changed if below(file, reach)]
        if files:
            yield f"{owner} is made of that too: {_some(files)}"


def shared_among(side: Side, unit: UnitId, changed: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each other unit of the same stack that changed files belong to."""
    for other in side.wanted.stack.units if side.wanted else ():
        files = [file for file in changed if below(file, side.made_of(other.id).paths)]
        if files and other.id != unit:
            yield f"{other.id} is made of that too: {_some(files)}"


def _others(session: Session) -> Iterator[tuple[Owner, frozenset[str]]]:
    project = load_project(session.tree)
    for file in find_stacks(session.tree, project):
        with suppress(InvalidStack, UsageError):
            for stack, _ in read_environments(session.tree, file, project):
                owner = Owner(stack=stack.name, environment=stack.environment)
                if owner != session.owner:
                    yield owner, survey(session.tree, stack).paths


def _some(files: Sequence[str]) -> str:
    more = len(files) - _MOST_NAMED
    return ", ".join(files[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
