"""What a revision wants, as a whole: the stack, its manifests and the graph, with every mistake at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.stack.expressions import Reference, check_readable
from orchestrator.stack.graph import Graph, build_graph, references_in, with_needs
from orchestrator.stack.model import ManifestSet, Module, Stack, UnitId
from orchestrator.stack.scope import scope_of
from orchestrator.workloads.manifests.documents import (
    ManifestDocument,
    check_duplicates,
    read_documents,
    references_of,
)
from orchestrator.workloads.manifests.prerequisites import prerequisites

T = TypeVar("T")
Located = tuple[Reference, Place | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A stack with what its files hold.

    ``documents`` are the manifests of each set, in file order; ``references`` what each unit reads.
    """

    stack: Stack
    graph: Graph
    documents: Mapping[UnitId, tuple[ManifestDocument, ...]]
    references: Mapping[UnitId, tuple[Located, ...]]

    @property
    def modules(self) -> dict[UnitId, Module]:
        """Return the modules by id, in the graph's order."""
        by_id = {module.id: module for module in self.stack.modules}
        return {unit: by_id[unit] for unit in self.graph.order if unit in by_id}

    @property
    def manifests(self) -> dict[UnitId, ManifestSet]:
        """Return the manifest sets by id, in the graph's order."""
        by_id = {manifests.id: manifests for manifests in self.stack.manifests}
        return {unit: by_id[unit] for unit in self.graph.order if unit in by_id}


def read_wanted(tree: Path, stack: Stack, *, memory: Path | None = None) -> Wanted:
    """Read manifests and module declarations, and check everything that can be checked without a run.

    ``memory`` is a folder in which is kept what manifests say, for the next time. Raises InvalidStack with
    all mistakes found.
    """
    mistakes = _Mistakes()
    documents = {
        manifests.id: mistakes.caught(
            partial(
                read_documents,
                tree,
                manifests,
                stack.directory,
                memory=memory and memory / f"{stack.name}.{manifests.name}.json",
            )
        )
        or ()
        for manifests in stack.manifests
    }
    mistakes.caught(partial(check_duplicates, documents))
    in_documents = {
        unit: mistakes.caught(partial(references_of, found)) or ()
        for unit, found in documents.items()
    }
    graph = mistakes.caught(partial(build_graph, stack, in_documents))
    for unit, found in in_documents.items():
        mistakes.found += check_readable(found, scope_of(stack, unit))
    references = {
        unit.id: (
            *(mistakes.caught(partial(references_in, stack, unit)) or ()),
            *in_documents.get(unit.id, ()),
        )
        for unit in stack.units
    }
    if stack.modules:
        from orchestrator.engine.planning.calls import call_mistakes

        mistakes.found += call_mistakes(tree, stack, references)
    mistakes.raise_found()
    assert graph is not None  # noqa: S101 - it is None only together with a mistake
    graph = with_needs(graph, stack, prerequisites(stack.manifests, documents))
    return Wanted(stack=stack, graph=graph, documents=documents, references=references)


def manifest_mistakes(tree: Path, stack: Stack) -> tuple[Mistake, ...]:
    """Return what is wrong with the manifests of a stack whose own file has mistakes already.

    Only what stands in the manifests and would be wrong whatever the stack file says.
    """
    mistakes = _Mistakes()
    documents = {
        manifests.id: mistakes.caught(partial(read_documents, tree, manifests, stack.directory))
        or ()
        for manifests in stack.manifests
        if manifests.path
    }
    mistakes.caught(partial(check_duplicates, documents))
    for found in documents.values():
        mistakes.caught(partial(references_of, found))
    return tuple(one for one in mistakes.found if one.place and one.place.file != stack.file)


class _Mistakes:
    """Gathers mistakes from steps that each raise their own."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def caught(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except InvalidStack as error:
            self.found += error.mistakes
            return None

    def raise_found(self) -> None:
        if self.found:
            raise InvalidStack(tuple(dict.fromkeys(self.found)))
