"""Which stacks and environments a merge touches, and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestrator.engine.planning.affected import affected
from orchestrator.engine.planning.paths import Known, Made, below, mentions_revision, survey
from orchestrator.engine.planning.reached import kubeconfig_of_ledger
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.previewing.permitted import refuse_other_clusters
from orchestrator.engine.previewing.trust import Judged, judged_by_base
from orchestrator.engine.session import Session, Surroundings, session_at
from orchestrator.errors import InvalidStack
from orchestrator.plans.plan import Revision, Since
from orchestrator.repository.repository import Repository
from orchestrator.stack.links import trail
from orchestrator.stack.load import (
    environment_names,
    find_stacks,
    read_environments,
    read_policies,
    stack_files,
    told_apart,
)
from orchestrator.stack.model import Stack
from orchestrator.stack.project import Project, StackFile

_MOST_REASONS: Final = 5
_EVERY_ENVIRONMENT: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge that was made on the side: ``result`` is its commit; ``project`` is what holds for all stacks.

    ``unjudged`` says why that is the result's word and not the base's, and is empty where it is the base's.
    """

    surroundings: Surroundings
    repository: Repository
    base: Revision
    result: Revision
    project: Project
    unjudged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A stack in an environment that is to be planned, and why; or ``error``, when it cannot even be read.

    ``judged`` says by which policies; ``session`` has its stack.
    """

    stack: str
    environment: str
    session: Session | None = None
    reasons: tuple[str, ...] = ()
    error: InvalidStack | None = None
    judged: Judged | None = None


def touched(merge: Merge, changed: frozenset[str]) -> Iterator[Touched]:
    """Yield what a merge touches, by stack and environment; whoever cannot be read counts as touched.

    ``changed`` are the files in which base and result differ. Raises InvalidStack when two stacks have one name,
    RepositoryError.
    """
    tree = merge.repository.export(merge.result)
    known, doubled = Known(), _doubled(merge)
    for file in find_stacks(tree, merge.project) if changed else ():
        try:
            stacks = [stack for stack, _ in read_environments(tree, file, merge.project)]
            near = [
                stack
                for stack in stacks
                if file.name in doubled or may_be_touched(tree, stack, changed, known)
            ]
        except InvalidStack as error:
            yield Touched(stack=file.name, environment=_EVERY_ENVIRONMENT, error=error)
            continue
        for stack in near:
            yield from _looked_at(merge, file, stack.environment, changed)


def _doubled(merge: Merge) -> frozenset[str]:
    """Return the names that two stacks of the base have: nobody knows what is there under such a name."""
    counts = Counter(file.name for file in _files_of_base(merge))
    return frozenset(name for name, count in counts.items() if count > 1)


def may_be_touched(
    tree: Path, stack: Stack, changed: frozenset[str], known: Known | None = None
) -> bool:
    """Whether a stack has to be read on both sides to know: a quick look, which may say so too often.

    A stack that reads the name of the revision is another one after every merge.
    """
    made = survey(tree, stack, known)
    return _near(made, changed) or bool(made.beside) or mentions_revision(tree, made.paths)


def may_be_touched_since(
    tree: Path, stack: Stack, changed: frozenset[str], *, since: frozenset[str], known: Known
) -> bool:
    """Whether ``changed`` may touch a stack for the reason that files ``since`` changed, which it is made of."""
    return _near(survey(tree, stack, known), since) and may_be_touched(tree, stack, changed, known)


def _near(made: Made, changed: frozenset[str]) -> bool:
    return any(
        below(file, made.paths) or any(path.startswith(f"{file}/") for path in made.paths)
        for file in changed
    )


def _looked_at(
    merge: Merge, file: StackFile, environment: str, changed: frozenset[str]
) -> Iterator[Touched]:
    try:
        session = session_at(
            merge.surroundings,
            merge.repository,
            merge.result,
            stack=file.name,
            environment=environment,
            project=merge.project,
        )
        judged = _with_moved_ledger(judged_in(merge, session.stack), session.tree, changed)
        refuse_other_clusters(session.tree, session.stack, merge.project, changed)
        session = replace(session, stack=judged.stack, keeper=judged.keeper)
        wanted = read_wanted(
            session.tree, session.stack, memory=merge.repository.folder / "manifests"
        )
    except InvalidStack as error:
        yield Touched(stack=file.name, environment=environment, error=error)
        return
    reasons = tuple(_reasons(affected(session, wanted, merge.base.commit).since))
    if judged.overruled and not reasons:
        reasons = (f"{file.file}: policies changed",)
    if reasons:
        yield Touched(
            stack=file.name,
            environment=environment,
            session=session,
            reasons=reasons,
            judged=judged,
        )


def _with_moved_ledger(judged: Judged, tree: Path, changed: frozenset[str]) -> Judged:
    """Return what the base says of a stack, with that the request changes by which kubeconfig its ledger is reached."""
    key = "ledger.cluster" if judged.stack.ledger.in_own_cluster else "ledger.kubeconfig"
    moves = not changed.isdisjoint(trail(tree, kubeconfig_of_ledger(judged.stack)).all)
    if not moves or key in judged.overruled:
        return judged
    return replace(judged, overruled=(*judged.overruled, key))


def judged_in(merge: Merge, stack: Stack) -> Judged:
    """Return a stack of the merge by what the base says of it; an environment that is new there has its stack's.

    A base that cannot be read says nothing, or nobody could repair it.
    """
    base, declared, unjudged = None, False, ""
    try:
        before = _file_of_base(merge, stack.name)
    except InvalidStack as error:
        before, unjudged = None, f"{error.mistakes[0].message} there"
    if before is None and not unjudged:
        # One that cannot be read may have another name there than the one that stands in it.
        files = _files_of_base(merge)
        before = next((each for each in files if each.file == stack.file), None)
    if before is not None:
        try:
            base, declared = _in_file(merge, before, stack.environment)
        except InvalidStack as error:
            unjudged = f"its {before.file} cannot be read: {error.mistakes[0].message}"
        if before.name != stack.name:
            base, declared = None, False
    judged = judged_by_base(stack, base, merge.project, keeper=base if declared else None)
    return replace(judged, unjudged=merge.unjudged or unjudged)


def in_base(merge: Merge, name: str, environment: str) -> tuple[Stack | None, bool]:
    """Return a stack of the base as it would be in an environment, and whether the base declares that.

    None for a stack that the base does not have. Raises InvalidStack when its file cannot be read at all, or there are
    two of that name.
    """
    file = _file_of_base(merge, name)
    return _in_file(merge, file, environment) if file else (None, False)


def _files_of_base(merge: Merge) -> tuple[StackFile, ...]:
    return stack_files(merge.repository.export(merge.base), merge.project)


def _file_of_base(merge: Merge, name: str) -> StackFile | None:
    """Return the file of a stack of the base, None for one that it does not have; raises InvalidStack for two."""
    named = tuple(each for each in _files_of_base(merge) if each.name == name)
    return next(iter(told_apart(merge.repository.export(merge.base), named)), None)


def _in_file(merge: Merge, file: StackFile, environment: str) -> tuple[Stack, bool]:
    tree = merge.repository.export(merge.base)
    stack = read_policies(tree, file, environment, merge.project)
    return stack, environment in environment_names(tree, file)


def _reasons(since: Since) -> Iterator[str]:
    taken = [f"{each.unit}: {each.reason}" for each in since.considered if each.taken]
    yield from taken[:_MOST_REASONS]
    if len(taken) > _MOST_REASONS:
        yield f"and {len(taken) - _MOST_REASONS} more units"
