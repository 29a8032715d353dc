"""Which settings of the repository hold for a request: those of its base, which it cannot change."""

from dataclasses import replace

from orchestrator.errors import InvalidStack
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import Repository
from orchestrator.stack.load import load_project
from orchestrator.stack.project import PROJECT_FILE, Project, patterns_in


def settings_for(repository: Repository, base: Revision, result: Revision) -> tuple[Project, str]:
    """Return the settings by which a merge is judged, and why they are not those of the base, or an empty text.

    Where nobody can read those of the base, those of the result hold: else no request could repair it. What a stack
    file is by the base is one all the same, as far as that can be read. Raises InvalidStack when the merge does not
    repair it.
    """
    tree = repository.export(base)
    try:
        return load_project(tree), ""
    except InvalidStack as error:
        own = load_project(repository.export(result))
        stacks = tuple(dict.fromkeys((*own.stacks, *patterns_in(tree))))
        return replace(
            own, stacks=stacks
        ), f"its {PROJECT_FILE} cannot be read: {error.mistakes[0].message}"
