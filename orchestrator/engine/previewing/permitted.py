"""Which clusters a request may have looked at: none that the base does not allow by what it says itself."""

from pathlib import Path

from orchestrator.engine.planning.reached import kubeconfig_of
from orchestrator.errors import InvalidStack, Mistake
from orchestrator.stack.expressions import locate_in
from orchestrator.stack.links import trail
from orchestrator.stack.model import Stack
from orchestrator.stack.project import Project


def refuse_other_clusters(
    tree: Path, stack: Stack, project: Project, changed: frozenset[str]
) -> None:
    """Refuse a kubeconfig that a request changes, where clusters are limited: a context in it may be any of them.

    Raises InvalidStack.
    """
    file = kubeconfig_of(stack) if stack.manifests else ""
    limited = project.clusters is not None or project.kubeconfigs is not None
    if not limited or not file or changed.isdisjoint(trail(tree, file).all):
        return
    mistake = Mistake(
        message=f"the kubeconfig {file!r} is changed here: a context in it may be any cluster, which is not allowed",
        place=locate_in(stack.cluster.places)(("kubeconfig",)),
        hint="merge it by itself first, under a name that no stack has yet; then name it in the stack",
    )
    raise InvalidStack((mistake,))
