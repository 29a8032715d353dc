"""Manifests in which something is not known yet: what can be said about them without guessing."""

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from orchestrator.plans.values import ABSENT, Absent
from orchestrator.stack.expressions import Pending, Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live

Known: TypeAlias = "Json | Absent"

_NAME: Final = "name"


def completed(tree: Mapping[str, Tree], live: Live | None) -> dict[str, Json]:
    """Return the manifest with what is pending left as it is live, or left out where nothing is.

    It is only good for asking the server about the rest; the pending paths of its answer mean nothing.
    """
    found = _completed(dict(tree), dict(live) if live is not None else ABSENT)
    return found if isinstance(found, dict) else {}


def overlaid(live: Live, tree: Mapping[str, Tree]) -> dict[str, Tree]:
    """Return the live object with the manifest's known values over it, for when the server cannot be asked."""
    result = _overlaid(cast(Tree, dict(live)), dict(tree))
    return result if isinstance(result, dict) else {}


def known(tree: Mapping[str, Tree]) -> dict[str, Json]:
    """Return a manifest in which nothing is pending as plain JSON."""
    return cast("dict[str, Json]", dict(tree))


def _completed(tree: Tree, live: Known) -> Known:
    match tree:
        case Pending():
            return live
        case dict():
            there = live if isinstance(live, dict) else {}
            pairs = {key: _completed(item, there.get(key, ABSENT)) for key, item in tree.items()}
            return {key: item for key, item in pairs.items() if not isinstance(item, Absent)}
        case list():
            items = [
                _completed(item, _beside(item, index, live)) for index, item in enumerate(tree)
            ]
            return [item for item in items if not isinstance(item, Absent)]
        case _:
            return tree


def _beside(item: Tree, index: int, live: Known) -> Known:
    """Return the live element that a list's item stands for: the one of its name, or of its position."""
    if not isinstance(live, list):
        return ABSENT
    if isinstance(item, dict) and _NAME in item:
        named = (
            other for other in live if isinstance(other, dict) and other.get(_NAME) == item[_NAME]
        )
        return next(named, ABSENT)
    return live[index] if index < len(live) else ABSENT


def _overlaid(live: Tree, tree: Tree) -> Tree:
    match live, tree:
        case _, Pending():
            return live
        case dict(), dict():
            merged = {key: _overlaid(live.get(key), item) for key, item in tree.items()}
            return {**live, **merged}
        case list(), list() if all(
            isinstance(item, dict) and _NAME in item for item in [*live, *tree]
        ):
            return _overlaid_by_name(live, tree)
        case _:
            return tree


def _overlaid_by_name(live: list[Tree], tree: list[Tree]) -> list[Tree]:
    there = {str(item[_NAME]): item for item in live if isinstance(item, dict)}
    wanted = {str(item[_NAME]): item for item in tree if isinstance(item, dict)}
    return [_overlaid(there.get(name), item) for name, item in wanted.items()]
