"""The commit of a rollback: the paths that a stack or a unit is made of, as they were at an earlier revision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.planning.paths import WHOLE
from orchestrator.engine.planning.standing import failed_before
from orchestrator.engine.rollback.message import message_of, subject_of
from orchestrator.engine.rollback.sharing import shared_among, shared_with
from orchestrator.engine.rollback.sides import (
    Side,
    chosen_unit,
    read_side,
    side_now,
    side_then,
)
from orchestrator.engine.rollback.targets import Aim, Target, targets
from orchestrator.engine.session import Session, Surroundings, earlier
from orchestrator.errors import InvalidStack, PlanRefused, UsageError
from orchestrator.plans.failed import failure_of
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import BadRevision
from orchestrator.repository.commits import Composed
from orchestrator.repository.repository import open_repository
from orchestrator.repository.root import stack_from_root
from orchestrator.stack.entries import with_entry
from orchestrator.stack.links import trail
from orchestrator.stack.model import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A commit that goes back, which no branch has yet.

    ``session`` is at that commit, ``base`` is what it follows, ``changed`` are the files in which the two differ;
    ``notices`` say what else to know.
    """

    session: Session
    base: Revision
    target: Target
    changed: tuple[str, ...]
    notices: tuple[str, ...] = ()


def prepare(
    surroundings: Surroundings, *, stack: str | None, environment: str | None, aim: Aim
) -> Prepared | None:
    """Write the commit that brings a stack, or one unit, back; None when nothing would be another.

    It follows the commit that is checked out, whatever else the working tree holds, and no branch has it yet.
    Raises UsageError, InvalidStack for a revision that cannot be read, LedgerError, RepositoryError.
    """
    repository = open_repository(surroundings.directory)
    named = stack_from_root(stack, surroundings.directory, repository.root)
    now = side_now(surroundings, repository, stack=named, environment=environment, aim=aim)
    base, store = repository.revision(), open_store(now.session)
    state, kept = read_present(now.session, store), ""
    for target in targets(aim, state, store, repository):
        then = side_then(now, target)
        unit = chosen_unit(aim, now, then)
        composed = _composed(base, now, then, unit)
        if composed.changed:
            bad = failed_before(target.revision, state)
            return _written(_Step(base, now, then, target, unit, bad), composed)
        changed = now.changed_since(then, unit) if unit else ""
        kept = kept or (
            changed and f"{unit} cannot be brought back alone: {changed} since {target}"
        )
    if kept:
        raise UsageError(kept, hint="roll the whole stack back, without --unit")
    return None


def _composed(base: Revision, now: Side, then: Side, unit: UnitId | None) -> Composed:
    commits = now.session.repository.commits()
    source = then.session.revision.commit
    paths = sorted(now.made_of(unit).paths | then.made_of(unit).paths)
    _refuse_nested(paths, commits.nested((base.commit, source)))
    texts = _entry_back(base, now, then, unit) if unit else {}
    return commits.compose(base.commit, source, paths, texts)


def _refuse_nested(paths: Sequence[str], nested: frozenset[str]) -> None:
    for path in paths:
        for module in nested:
            if path == module or path.startswith(f"{module}/"):
                message = f"{path} lies in the submodule {module}, whose commits are its own"
                raise UsageError(message, hint=f"revert the commit that moved {module}: git revert")


def _entry_back(base: Revision, now: Side, then: Side, unit: UnitId) -> dict[str, bytes]:
    """Return the stack file with the unit's entry as it was, if it was another one."""
    written = now.session.stack.file
    file = trail(now.session.tree, written).end or written
    commits = now.session.repository.commits()
    text = (commits.read(base.commit, file) or b"").decode("utf-8", errors="replace")
    source = (then.session.tree / then.session.stack.file).read_text(encoding="utf-8")
    made = with_entry(text, source, unit)
    if made is None:
        message = f"the entry of {unit} in {file} cannot be brought back on its own"
        raise UsageError(message, hint="roll the whole stack back, without --unit")
    return {} if made == text else {file: made.encode()}


@dataclass(frozen=True, slots=True)
class _Step:
    """What one commit goes from and to."""

    base: Revision
    now: Side
    then: Side
    target: Target
    unit: UnitId | None
    bad: BadRevision | None

    @property
    def what(self) -> str:
        """Return what is brought back, as people call it."""
        owner = self.now.session.owner
        return f"{self.unit} of {owner}" if self.unit else str(owner)


def _written(step: _Step, composed: Composed) -> Prepared:
    repository, target = step.now.session.repository, step.target.revision
    commits = repository.commits()
    undone = commits.subjects(target.commit, step.base.commit, composed.changed)
    commit = commits.commit(
        composed.tree,
        parent=step.base.commit,
        message=message_of(step.what, revision=str(target), target=str(step.target), undone=undone),
    )
    revision = Revision(commit=commit, subject=subject_of(step.what, str(target)))
    session = earlier(step.now.session, revision)
    prepared = Prepared(
        session=session, base=step.base, target=step.target, changed=composed.changed
    )
    return replace(prepared, notices=tuple(_notices(step, prepared)))


def _notices(step: _Step, prepared: Prepared) -> Iterator[str]:
    """Yield what to know of a rollback that its plan does not say."""
    if step.bad:
        yield f"{failure_of(step.bad)}; this brings back what it had"
    elif step.target.run is None:
        yield f"all of {prepared.session.owner} was never brought to {step.target.revision} with success"
    yield from shared_with(prepared.session, prepared.changed)
    for place in step.then.made_of(step.unit).outside:
        yield f"{place} may read files elsewhere, and those stay as they are"
    if WHOLE in step.then.made_of(step.unit).paths:
        yield f"{step.what} is made of the whole repository, and all of it is brought back"
    if step.unit:
        yield from _notices_of_unit(step, prepared, step.unit)


def _notices_of_unit(step: _Step, prepared: Prepared, unit: UnitId) -> Iterator[str]:
    made = _alone(prepared.session, unit)
    yield from shared_among(made, unit, prepared.changed)
    left = made.changed_since(step.then, unit)
    if left:
        yield f"{unit} is not all as it was: {left} since, and others may read that"


def _alone(session: Session, unit: UnitId) -> Side:
    """Return the stack with one unit brought back; raises UsageError where it would not be one."""
    try:
        return read_side(session)
    except InvalidStack as error:
        message = f"{unit} cannot be brought back alone: the stack would have mistakes"
        hint = "nothing is committed; roll the whole stack back, without --unit"
        detail = "\n".join(map(str, error.mistakes))
        raise UsageError(message, hint=hint, detail=detail) from error


def check_checkout(prepared: Prepared) -> None:
    """Refuse to move the checkout to a commit that changes files which are not as committed; raises PlanRefused."""
    dirty = prepared.session.repository.changed_paths()
    in_the_way = sorted({*dirty} & {*prepared.changed})
    if in_the_way:
        message = "files that the rollback changes are not as committed"
        hint = "commit or stash them; or leave them alone, with a branch: --branch NAME"
        raise PlanRefused(message, hint=hint, detail="\n".join(in_the_way))
