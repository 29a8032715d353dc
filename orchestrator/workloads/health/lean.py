"""What is kept of objects that are followed: thousands of them are held at once, and most of each is never read."""

from collections.abc import Mapping
from typing import Final

from orchestrator.stack.model import Json
from orchestrator.workloads.health.assessment import immediate
from orchestrator.workloads.health.dependents import RUN_PODS
from orchestrator.workloads.live import Live, mapping, text

_POD: Final = ("", "Pod")
_REPLICA_SET: Final = ("apps", "ReplicaSet")


def lean(live: Live, *, whole: frozenset[tuple[str, str]] = frozenset()) -> Live:
    """Return an object without the record of who set its fields, and without what its health never depends on.

    That is the template of what runs Pods, and the contents of what is healthy as soon as it is stored. Of the
    (group, kind) in ``whole`` all else is kept.
    """
    key = _kind(live)
    if key in whole:
        return {**live, "metadata": _metadata(live)}
    if immediate(*key):
        return _named(live)
    found = {**live, "metadata": _metadata(live)}
    if key in RUN_PODS:
        spec = mapping(live, "spec").items()
        found["spec"] = {name: value for name, value in spec if name != "template"}
    return found


def lean_dependent(live: Live) -> Live:
    """Return what tells how a Pod or a ReplicaSet is, and whose it is; anything else as ``lean`` does."""
    match _kind(live):
        case key if key == _POD:
            return {**_named(live), "status": dict(mapping(live, "status"))}
        case key if key == _REPLICA_SET:
            return _named(live)
        case _:
            return lean(live)


def _named(live: Live) -> dict[str, Json]:
    return {key: live.get(key) for key in ("apiVersion", "kind")} | {"metadata": _metadata(live)}


def _metadata(live: Live) -> dict[str, Json]:
    metadata: Mapping[str, Json] = mapping(live, "metadata")
    return {key: value for key, value in metadata.items() if key != "managedFields"}


def _kind(live: Live) -> tuple[str, str]:
    return text(live, "apiVersion").rpartition("/")[0], text(live, "kind")
