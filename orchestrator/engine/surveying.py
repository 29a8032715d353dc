"""Which stacks a revision declares, and what tells whether anything of one changed: a quick look, without a plan."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.engine.planning.paths import WHOLE, mentions_revision, survey
from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.plans.declared import Declared
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
    repository: Repository, revision: Revision, wanted: Callable[[str], bool]
) -> Iterator[Declared]:
    """Yield what a revision declares of the stacks that are wanted, by name; one that cannot be read has a trouble.

    Raises InvalidStack when that holds for the repository's own settings, or two stacks have one name;
    RepositoryError.
    """
    tree = repository.export(revision)
    project = load_project(tree)
    for file in find_stacks(tree, project):
        if wanted(file.name):
            yield from _declared(repository, revision, tree, file=file, project=project)


def _declared(
    repository: Repository, revision: Revision, tree: Path, *, file: StackFile, project: Project
) -> Iterator[Declared]:
    try:
        names = environment_names(tree, file)
        content = _content(repository, revision, tree, file=file, project=project)
    except OrchestratorError as error:
        yield Declared(stack=file.name, environment="", trouble=_told(error))
        return
    for environment in names:
        yield Declared(stack=file.name, environment=environment, content=content)


def _content(
    repository: Repository, revision: Revision, tree: Path, *, file: StackFile, project: Project
) -> str:
    """Return what identifies all that may decide about a stack, in any of its environments.

    A stack that reads the name of the revision is another one at each, and one that may read files that lie
    elsewhere is made of the whole repository.
    """
    first = environment_names(tree, file)[0]
    stack, mistakes = read_stack(tree, file, first, project, revision=revision.commit)
    if mistakes:
        return ""
    made = survey(tree, stack)
    if mentions_revision(tree, made.paths):
        return revision.commit
    paths = (WHOLE,) if made.beside else tuple(sorted(made.paths))
    (found,) = repository.contents((revision.commit,), paths).values()
    written = "\n".join(f"{path}\t{each}" for path, each in zip(paths, found, strict=True))
    return hashlib.new(_HASH, written.encode()).hexdigest()


def _told(error: OrchestratorError) -> str:
    if isinstance(error, InvalidStack):
        return "; ".join(f"{mistake.place}: {mistake.message}" for mistake in error.mistakes)
    return error.message
