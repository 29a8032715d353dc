"""Validate: everything that can be said of stacks without Terraform, a cluster or the ledger.

It reads the working tree as it stands, not a copy, and needs neither Git nor a commit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.planning.wanted import Wanted, manifest_mistakes, read_wanted
from orchestrator.errors import InvalidStack, Mistake
from orchestrator.repository.root import nearest_root, stack_from_root
from orchestrator.stack.graph import Graph
from orchestrator.stack.load import (
    Project,
    StackFile,
    choose_stack,
    find_stacks,
    load_project,
    load_stack,
    read_environments,
    read_stack,
)
from orchestrator.stack.model import Stack
from orchestrator.stack.scope import scope_of
from orchestrator.stack.text.source import in_order
from orchestrator.workloads.kinds import BUILT_IN
from orchestrator.workloads.manifests.rendering import render
from orchestrator.workloads.manifests.wanted import check_identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A stack and the environments in which it was found valid."""

    stack: str
    environments: tuple[str, ...]

    def __str__(self) -> str:
        """Return ``stack (environment, environment)``."""
        return f"{self.stack} ({', '.join(self.environments)})"


def validate(directory: Path, *, stack: str | None, environment: str | None) -> tuple[Checked, ...]:
    """Check one stack, or all of the repository that ``directory`` lies in.

    Raises InvalidStack with the mistakes of all of them.
    """
    root = nearest_root(directory)
    project = load_project(root)
    named = stack_from_root(stack, directory, root)
    files = (choose_stack(root, project, named),) if named else find_stacks(root, project)
    checked: list[Checked] = []
    mistakes: list[Mistake] = []
    for file in files:
        try:
            names = tuple(_checked(root, file, environment, project))
            checked.append(Checked(stack=file.name, environments=names))
        except InvalidStack as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidStack(tuple(dict.fromkeys(mistakes)))
    if not files:
        choose_stack(root, project, None)  # says that there is none, and where was looked
    return tuple(checked)


def read_graph(directory: Path, *, stack: str | None, environment: str | None) -> tuple[str, Graph]:
    """Return a stack's name and graph; raises InvalidStack, UsageError."""
    root = nearest_root(directory)
    project = load_project(root)
    file = choose_stack(root, project, stack_from_root(stack, directory, root))
    loaded = load_stack(root, file, environment, project)
    return loaded.name, read_wanted(root, loaded).graph


def _checked(
    root: Path, file: StackFile, environment: str | None, project: Project
) -> Iterator[str]:
    """Yield the environments in which a stack is valid; raises InvalidStack at the first in which it is not."""
    found = (
        (read_stack(root, file, environment, project),)
        if environment
        else read_environments(root, file, project)
    )
    if any(mistakes for _, mistakes in found):
        of_stack = in_order(mistake for _, mistakes in found for mistake in mistakes)
        raise InvalidStack((*of_stack, *manifest_mistakes(root, found[0][0])))
    for stack, _ in found:
        _render_all(stack, read_wanted(root, stack))
        yield stack.environment


def _render_all(stack: Stack, wanted: Wanted) -> None:
    """Render all sets with every output pending, which finds what reads nothing and what is there twice."""
    mistakes: list[Mistake] = []
    rendered = []
    for unit, manifests in wanted.manifests.items():
        scope = scope_of(stack, unit)
        try:
            rendered.append(render(manifests, wanted.documents[unit], scope, kinds=BUILT_IN))
        except InvalidStack as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidStack(tuple(mistakes))
    check_identities(rendered)
