"""Objects as plain JSON, which may be anything: reading a part of one without trusting its shape. Pure.

Manifests in which something may be pending are trees of another type; they are read where they are walked.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from orchestrator.stack.model import Json

Live: TypeAlias = Mapping[str, Json]
"""An object as a server has it, or a part of one."""

SET_BY_THE_SERVER: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""The fields of an object's metadata that nobody but the server sets."""


def map_of(value: Json) -> Live:
    """Return a value that is a map, an empty one for any other."""
    return value if isinstance(value, dict) else {}


def mapping(value: Live, name: str) -> Live:
    """Return the map of that name, an empty one when there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def mappings(value: Live, name: str) -> Iterator[Live]:
    """Yield the maps in the list of that name."""
    found = value.get(name)
    return (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def text(value: Live, name: str) -> str:
    """Return the text of that name, an empty one when there is none."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def number(value: Live, name: str, *, default: int = 0) -> int:
    """Return the whole number of that name, or ``default``."""
    found = value.get(name)
    return found if isinstance(found, int) else default
