"""Which settings of the repository hold for a request: those of its base, which it cannot change."""

from dataclasses import replace
from typing import Final

from orchestrator.errors import InvalidStack
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository
from orchestrator.stack.load import load_project
from orchestrator.stack.project import PROJECT_FILE, USUAL_STACKS, Project, patterns_in

_EARLIER: Final = 20  # commits that changed the settings, until one can be read


def settings_for(repository: Repository, base: Revision, result: Revision) -> tuple[Project, str]:
    """Return the settings by which a merge is judged, and why they are not those of the base, or an empty text.

    Where nobody can read those of the base, those of the result hold: else no request could repair it. What a stack
    file is by the base is one all the same, as far as that can be read, or could be before it was broken. Raises
    InvalidStack when the merge does not repair it.
    """
    try:
        return load_project(repository.export(base)), ""
    except InvalidStack as error:
        own = load_project(repository.export(result))
        stacks = tuple(dict.fromkeys((*own.stacks, *_patterns(repository, base))))
        why = f"its {PROJECT_FILE} cannot be read: {error.mistakes[0].message}"
        return replace(own, stacks=stacks), why


def _patterns(repository: Repository, base: Revision) -> tuple[str, ...]:
    """Return what a stack file is by a base that nobody can read as a whole; raises RepositoryError."""
    found = patterns_in(repository.export(base))
    if found is not None:
        return found
    for commit in repository.commits_of(base.commit, (PROJECT_FILE,), limit=_EARLIER):
        earlier = patterns_in(repository.export(repository.revision(commit)))
        if earlier is not None:
            return (*earlier, *USUAL_STACKS)
    return USUAL_STACKS
