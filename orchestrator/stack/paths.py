"""Paths into values: as people write them, and what a value has there. Pure."""

from orchestrator.stack.expressions import Path, Tree


def written(path: Path) -> str:
    """Return a path as people write it: ``spec.rules[0].host``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def value_at(tree: Tree, path: Path) -> Tree:
    """Return what a value has at a path, None where it has nothing."""
    for step in path:
        match tree, step:
            case dict(), str() if step in tree:
                tree = tree[step]
            case list(), int() if step < len(tree):
                tree = tree[step]
            case _:
                return None
    return tree
