"""The words of an object's own record of who set which field (``managedFields``, KEP 555), and reading it. Pure.

``f:data`` names a field, ``k:{…}`` an element of a keyed list, ``v:…`` an element of a set, ``i:0`` a position; a
dot among the members of something means itself.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.live import Live, mapping, mappings
from orchestrator.workloads.ownership import FIELD_MANAGER

ITSELF: Final = "."
APPLY: Final = "Apply"


def records_in(live: Live) -> Iterator[Live]:
    """Return the records of an object as they are, one for each manager, operation and subresource."""
    return mappings(mapping(live, "metadata"), "managedFields")


def is_ours(record: Live) -> bool:
    """Whether a record says what we applied."""
    return (
        record.get("manager") == FIELD_MANAGER
        and record.get("operation") == APPLY
        and not record.get("subresource")
    )


def names(step: str, item: Tree) -> bool:
    """Whether a step names this element of a list, by its keys or by its value.

    A key that a manifest leaves out was defaulted by the server (a port's protocol).
    """
    kind, _, _ = step.partition(":")
    match kind:
        case "v":
            return bool(said_by(step) == item)
        case "k" if isinstance(item, dict):
            keys = keys_of(step)
            said = [key for key in keys if key in item]
            return bool(said) and all(item[key] == keys[key] for key in said)
        case _:
            return False


def keys_of(step: str) -> Live:
    """Return the fields, with their values, that tell an element of a keyed list from others."""
    found = said_by(step) if step.startswith("k:") else None
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=4096)
def said_by(step: str) -> Json:
    """Return the value or the keys by which a step names an element; to be read only, since it is shared."""
    found: Json = json.loads(step.partition(":")[2])
    return found
