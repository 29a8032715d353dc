"""Builders of stack files for tests."""

from pathlib import Path

import pytest

from orchestrator.errors import InvalidStack, Mistake
from orchestrator.stack.load import StackFile, load_project, load_stack, read_environments
from orchestrator.stack.model import Stack
from orchestrator.stack.project import Project
from orchestrator.stack.text.source import in_order

HEAD = "version: 1\nname: shop\n"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files under ``root``, and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def load(root: Path, text: str, environment: str | None = None, *, revision: str = "") -> Stack:
    """Load ``text`` as the stack file ``stack.yaml`` of the repository at ``root``."""
    write(root, {"stack.yaml": text})
    file = StackFile(name="shop", file="stack.yaml")
    return load_stack(root, file, environment, load_project(root), revision=revision)


def load_environments(root: Path, file: StackFile, project: Project) -> tuple[Stack, ...]:
    """Load a stack for each of its environments; raise InvalidStack with the mistakes of all."""
    read = read_environments(root, file, project)
    if mistakes := in_order(mistake for _, found in read for mistake in found):
        raise InvalidStack(mistakes)
    return tuple(stack for stack, _ in read)


def told(mistake: Mistake) -> str:
    """Return a mistake in one line: ``line:column message | hint``."""
    place = mistake.place
    where = f"{place.line}:{place.column} " if place else ""
    return f"{where}{mistake.message} | {mistake.hint}"


def mistakes_of(root: Path, text: str, environment: str | None = None) -> list[str]:
    """Return everything that is wrong with ``text`` as a stack file, one line each."""
    with pytest.raises(InvalidStack) as caught:
        load(root, text, environment)
    return [told(mistake) for mistake in caught.value.mistakes]
