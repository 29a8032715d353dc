"""Which stacks a revision declares, and what tells whether anything of one changed: a quick look, without a plan."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.engine.planning.paths import WHOLE, mentions_revision, survey
from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.plans.declared import Declared
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository
from orchestrator.stack.load import (
    Project,
    StackFile,
    environment_names,
    find_stacks,
    load_project,
    read_stack,
)

_HASH = "sha256"


def declared_at(
    repository: Repository, revision: Revision, wanted: Callable[[StackFile], bool]
) -> Iterator[Declared]:
    """Yield what a revision declares of the stacks that are wanted; one that cannot be read has a trouble.

    Raises InvalidStack when that holds for the repository's own settings, or two stacks have one name;
    RepositoryError.
    """
    tree = repository.export(revision)
    project = load_project(tree)
    files = (file for file in find_stacks(tree, project) if wanted(file))
    made = [_made(tree, file, project, revision) for file in files]
    paths = sorted({path for each in made for path in each.paths})
    (found,) = repository.contents((revision.commit,), paths).values()  # one question for all
    contents = dict(zip(paths, found, strict=True))
    for each in made:
        if each.trouble:
            yield Declared(stack=each.stack, environment="", trouble=each.trouble)
        for environment in each.environments:
            content = each.content or _hashed(each.paths, contents)
            yield Declared(
                stack=each.stack, environment=environment, content=content, mistakes=each.mistakes
            )


def made_alike(repository: Repository, one: Revision, other: Revision, owner: Owner) -> bool:
    """Whether a stack is made of the same at two revisions, as far as anybody can tell; raises as declared_at does."""
    made = [
        [
            each.content
            for each in declared_at(repository, revision, lambda file: file.name == owner.stack)
            if each.environment == owner.environment
        ]
        for revision in (one, other)
    ]
    return made[0] == made[1] and any(made[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a stack is made of: paths, or a ``content`` that stands for all of it; or why nobody can tell."""

    stack: str
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    content: str = ""
    mistakes: str = ""
    trouble: str = ""


def _made(tree: Path, file: StackFile, project: Project, revision: Revision) -> _Made:
    """Return what may decide about a stack, in any of its environments.

    A stack that reads the name of the revision is another one at each, and one that may read files that lie
    elsewhere is made of the whole repository.
    """
    try:
        names = environment_names(tree, file)
        stack, mistakes = read_stack(tree, file, names[0], project, revision=revision.commit)
        made = _Made(stack=file.name, environments=tuple(names))
        if mistakes:
            return replace(made, mistakes=InvalidStack(mistakes).in_a_line)
        found = survey(tree, stack)
        if mentions_revision(tree, found.paths):
            return replace(made, content=revision.commit)
    except OrchestratorError as error:
        return _Made(stack=file.name, trouble=error.in_a_line)
    return replace(made, paths=(WHOLE,) if found.beside else tuple(sorted(found.paths)))


def _hashed(paths: Sequence[str], contents: Mapping[str, str]) -> str:
    """Return what identifies all of these paths, empty for none."""
    if not paths:
        return ""
    written = "\n".join(f"{path}\t{contents[path]}" for path in paths)
    return hashlib.new(_HASH, written.encode()).hexdigest()
