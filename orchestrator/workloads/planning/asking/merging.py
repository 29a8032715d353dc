"""The difference between two versions of an object as a JSON merge patch (RFC 7386). Pure."""

from collections.abc import Mapping

from orchestrator.stack.expressions import Tree

_SET_BY_THE_SERVER = frozenset({"status", "metadata"})
_SET_BY_PEOPLE = ("labels", "annotations", "finalizers", "ownerReferences")


def merge_patch(before: Mapping[str, Tree], after: Mapping[str, Tree]) -> dict[str, Tree]:
    """Return what makes ``after`` of ``before``, leaving out what only the server writes."""
    patch = _patch(_without_server(before), _without_server(after))
    metadata = _patch(_people(before), _people(after))
    return {**patch, **({"metadata": metadata} if metadata else {})}


def _without_server(value: Mapping[str, Tree]) -> dict[str, Tree]:
    return {key: item for key, item in value.items() if key not in _SET_BY_THE_SERVER}


def _people(value: Mapping[str, Tree]) -> dict[str, Tree]:
    metadata = value.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    return {key: found[key] for key in _SET_BY_PEOPLE if key in found}


def _patch(before: Mapping[str, Tree], after: Mapping[str, Tree]) -> dict[str, Tree]:
    gone: dict[str, Tree] = dict.fromkeys(key for key in before if key not in after)
    changed = {
        key: _new(before.get(key), item)
        for key, item in after.items()
        if key not in before or before[key] != item
    }
    return {**gone, **changed}


def _new(before: Tree, after: Tree) -> Tree:
    if isinstance(before, dict) and isinstance(after, dict):
        return _patch(before, after)
    return after
