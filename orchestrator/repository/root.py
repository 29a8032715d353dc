"""Where a repository begins, told without Git: for what reads files as they stand, and before Git is asked."""

from pathlib import Path


def nearest_root(directory: Path) -> Path:
    """Return the nearest directory at or above ``directory`` that holds a ``.git``, else ``directory`` itself.

    In a linked work tree and in a submodule that is a file.
    """
    above = (directory, *directory.parents)
    return next((place for place in above if (place / ".git").exists()), directory)


def stack_from_root(stack: str | None, directory: Path, root: Path) -> str | None:
    """Return a stack as it was named in ``directory``, with a path of it made relative to ``root``."""
    if stack is None or not _is_path(stack):
        return stack
    path = (directory / stack).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else stack


def _is_path(stack: str) -> bool:
    return stack.endswith((".yaml", ".yml")) or "/" in stack or stack in {".", ".."}
