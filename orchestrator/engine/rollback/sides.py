"""A stack on both sides of a rollback: as it is now, however broken, and as it was."""

from dataclasses import dataclass

from orchestrator.engine.planning.makings import difference, makings_of
from orchestrator.engine.planning.paths import Made, own_files, stack_made_of, unit_made_of
from orchestrator.engine.planning.wanted import Wanted, read_wanted
from orchestrator.engine.rollback.targets import Aim, Target
from orchestrator.engine.session import (
    Session,
    Surroundings,
    earlier,
    session_at,
    session_with_mistakes,
)
from orchestrator.errors import InvalidStack, RepositoryError, UsageError
from orchestrator.repository.repository import Repository
from orchestrator.stack.graph import unit_named
from orchestrator.stack.model import Unit, UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A stack at one revision; ``wanted`` is None where it cannot be read, or is not there."""

    session: Session
    wanted: Wanted | None

    def unit(self, unit: UnitId) -> Unit | None:
        """Return a unit of it by its id, None when it has none of that name."""
        units = self.wanted.stack.units if self.wanted else ()
        return next((each for each in units if each.id == unit), None)

    def made_of(self, unit: UnitId | None) -> Made:
        """Return what the stack, or one unit of it, is made of here."""
        if self.wanted is None:
            return Made(paths=own_files(self.session.tree, self.session.stack))
        if unit is None:
            return stack_made_of(self.session.tree, self.wanted)
        found = self.unit(unit)
        return unit_made_of(self.session.tree, self.wanted, found) if found else Made()

    def changed_since(self, before: "Side", unit: UnitId) -> str:
        """Return what a unit is made of that is another than on the other side; empty where nobody can tell."""
        mine, other = self.unit(unit), before.unit(unit)
        if mine is None or other is None or self.wanted is None or before.wanted is None:
            return ""
        left = difference(
            makings_of(before.session.tree, before.wanted, other),
            makings_of(self.session.tree, self.wanted, mine),
        )
        # Every commit is another revision: who reads that gets it whatever is brought back.
        return left if left.endswith("changed") and left != "revision changed" else ""


def side_now(
    surroundings: Surroundings,
    repository: Repository,
    *,
    stack: str | None,
    environment: str | None,
    aim: Aim,
) -> Side:
    """Return the stack as it is now, however broken; one that is gone, as it was at the revision named."""
    try:
        session, _ = session_with_mistakes(
            surroundings, repository, repository.revision(), stack=stack, environment=environment
        )
    except (UsageError, InvalidStack):
        try:
            there = repository.revision(aim.to or "HEAD")
        except RepositoryError:
            there = repository.revision()
        session = session_at(surroundings, repository, there, stack=stack, environment=environment)
        return Side(session=session, wanted=None)
    try:
        return Side(session=session, wanted=read_wanted(session.tree, session.stack))
    except InvalidStack:
        return Side(session=session, wanted=None)


def chosen_unit(aim: Aim, now: Side, then: Side) -> UnitId | None:
    """Return the unit that is brought back alone, of either side; raises UsageError for one that neither has."""
    if not aim.unit:
        return None
    sides = [side.wanted.stack.units for side in (now, then) if side.wanted]
    return unit_named(aim.unit, tuple(dict.fromkeys(unit.id for units in sides for unit in units)))


def side_then(now: Side, target: Target) -> Side:
    """Return the stack as it was; raises UsageError, InvalidStack, RepositoryError when it cannot be read."""
    return read_side(earlier(now.session, target.revision))


def read_side(session: Session) -> Side:
    """Return a stack that has to be readable; raises InvalidStack."""
    return Side(session=session, wanted=read_wanted(session.tree, session.stack))
