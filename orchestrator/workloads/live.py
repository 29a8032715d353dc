"""Objects as plain JSON, which may be anything: reading a part of one without trusting its shape. Pure."""

from collections.abc import Mapping
from typing import TypeAlias

from orchestrator.stack.model import Json

Live: TypeAlias = Mapping[str, Json]
"""An object as a server has it."""


def mapping(value: Json) -> Live:
    """Return a value that is a map, and an empty one for any other."""
    return value if isinstance(value, dict) else {}


def metadata_of(value: Live) -> Live:
    """Return the metadata of an object or a manifest, empty where there are none."""
    return mapping(value.get("metadata"))
