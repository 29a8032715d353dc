"""Whether modules of the repository call others that stacks may not use: a wrapper would allow anything."""

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.errors import Mistake
from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.moving import in_the_tree
from orchestrator.infrastructure.sources import locate_local
from orchestrator.infrastructure.workspace import ModuleRequest


def check_calls(request: ModuleRequest, allowed: Callable[[str], bool]) -> Iterator[Mistake]:
    """Yield the calls of a local module, and of those that it calls here, that lead to what is not ``allowed``.

    What cannot be read for certain is not allowed either. Raises InvalidStack when the module is not there.
    """
    located = locate_local(request)
    for folder in sorted({located.path, *located.calls}):
        found = declared(located.tree / folder, folder)
        for name, source in sorted(found.calls.items()):
            if not in_the_tree(source) and not allowed(source):
                called = f"the source {source!r}" if source else "a source that is no plain text"
                yield _mistake(
                    request, f"module.{name} in {folder} has {called}, which is not allowed"
                )
        if not found.complete or _hidden(located.tree / folder):
            yield _mistake(request, f"nobody can tell for certain which modules {folder} calls")


def _hidden(directory: Path) -> bool:
    """Whether one engine reads other files than the other: OpenTofu's own take the place of Terraform's."""
    names = {entry.name for entry in directory.iterdir()}
    return any(name.replace(".tofu", ".tf") in names for name in names if ".tofu" in name)


def _mistake(request: ModuleRequest, message: str) -> Mistake:
    return Mistake(
        message=message,
        place=request.place,
        hint="orchestrator.yaml says which sources are allowed, and that goes for what modules call",
    )
