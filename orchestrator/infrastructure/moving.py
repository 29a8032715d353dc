"""Whether a module calls others whose files may change without a change here."""

from collections.abc import Iterable
from pathlib import Path

from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.fetching import immutable


def moving_call(tree: Path, folders: Iterable[str]) -> str:
    """Return the first call of a module elsewhere that names no fixed version, or an empty text.

    ``folders`` are paths in the tree, of a module and of those that it calls there. The call is told as
    ``module.NAME in FOLDER``.
    """
    for folder in sorted(folders):
        found = declared(tree / folder, folder)
        for name, source in sorted(found.calls.items()):
            if not in_the_tree(source) and not immutable(source, found.versions[name]):
                return f"module.{name} in {folder}"
    return ""


def in_the_tree(source: str) -> bool:
    """Whether the source of a call is a directory beside the module, or below or above it."""
    return source in {".", ".."} or source.startswith(("./", "../"))
