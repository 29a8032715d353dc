"""What of an object is never told as a change: what the server sets by itself, and what its name says already. Pure."""

from collections.abc import Mapping
from typing import Final

from orchestrator.stack.expressions import Tree
from orchestrator.workloads.live import SET_BY_THE_SERVER
from orchestrator.workloads.ownership import LAST_APPLIED, MARKS

WITH_MARKS: Final = frozenset({"metadata", "metadata.labels", "metadata.annotations"})
"""The paths of what holds something that is never told, and so is never told whole."""

_NOT_TOLD: Final = SET_BY_THE_SERVER | {"name", "namespace"}
_IDENTITY: Final = frozenset({"apiVersion", "kind"})


def left_out(path: str, key: str, wanted: Mapping[str, Tree]) -> bool:
    """Whether the key of a map at a path is not told; ``wanted`` is what the manifest has there."""
    match path:
        case "":
            return key in _IDENTITY or (key == "status" and "status" not in wanted)
        case "metadata":
            return key in _NOT_TOLD
        case "metadata.labels" | "metadata.annotations":
            return key in MARKS or (key == LAST_APPLIED and key not in wanted)
        case _:
            return False
