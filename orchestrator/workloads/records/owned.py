"""Which fields of a manifest a manager owns in the live object, by the object's own record (``managedFields``). Pure.

Paths are those of the manifest. Elements of lists are found by the keys that the record names; a key that the
manifest leaves out was defaulted by the server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Json
from orchestrator.stack.paths import value_at
from orchestrator.workloads.live import Live
from orchestrator.workloads.records.notation import ITSELF, is_ours, names, records_in

Fields: TypeAlias = Mapping[str, Json]

# Of these nobody is recorded as the owner; a status is not applied with its object.
_NAMELESS: Final = frozenset({"apiVersion", "kind", "status"})
_OF_METADATA: Final = frozenset({"name", "namespace"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one manager set, when, in which version of the API; ``ours`` is what we applied ourselves."""

    manager: str
    subresource: str
    time: str
    version: str
    ours: bool
    fields: Fields

    @property
    def at(self) -> datetime | None:
        """Return when, in UTC, where the server recorded it."""
        return moment(self.time)

    def owns(self, manifest: Tree, path: Path) -> bool:
        """Whether the manager owns what a manifest has at ``path``, or anything in it."""
        fields: Json = dict(self.fields) or None
        value = manifest
        for step in path:
            if not isinstance(fields, dict):
                return False
            if not _inside(fields):
                return True  # what holds this is one value
            fields, value = _below(fields, value, step), value_at(value, (step,))
        return isinstance(fields, dict)


def moment(time: str) -> datetime | None:
    """Return a time as the server records it, or None where it did not."""
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        return None


def records_of(live: Live) -> tuple[Record, ...]:
    """Return who set what in an object; what was written to its status is left out."""
    return tuple(
        _record(record) for record in records_in(live) if record.get("subresource") != "status"
    )


def unowned(manifest: Mapping[str, Tree], record: Record) -> list[Path]:
    """Return what a manifest has and the manager does not own: single fields, and elements of lists as a whole."""
    value = {key: item for key, item in manifest.items() if key not in _NAMELESS}
    metadata = value.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    described = {key: item for key, item in named.items() if key not in _OF_METADATA}
    value["metadata"] = described or None
    found: list[Path] = []
    _collect(found, value, record.fields, ())
    return found


def _record(item: Mapping[str, Json]) -> Record:
    fields = item.get("fieldsV1")
    return Record(
        manager=str(item.get("manager") or ""),
        subresource=str(item.get("subresource") or ""),
        time=str(item.get("time") or ""),
        version=str(item.get("apiVersion") or ""),
        ours=is_ours(item),
        fields=fields if isinstance(fields, dict) else {},
    )


def _collect(found: list[Path], value: Tree, fields: Fields, path: Path) -> None:
    """Add what is not owned; every object of a plan is walked like this, so what is owned costs a look-up."""
    if isinstance(value, dict):
        for key, item in value.items():
            owned = fields.get(f"f:{key}")
            if not isinstance(owned, dict):
                found.extend(_parts(item, (*path, key)))
            elif isinstance(item, dict | list) and _inside(owned):
                _collect(found, item, owned, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            step = _step(fields, item, index)
            owned = fields[step] if step else None
            # An element of which only itself is left has lost all that it held.
            if not isinstance(owned, dict) or (isinstance(item, dict) and not _inside(owned)):
                found.append((*path, index))
            else:
                _collect(found, item, owned, (*path, index))


def _parts(value: Tree, path: Path) -> Iterator[Path]:
    """Yield the fields of a map that nobody owns, each on its own; anything else is one, and null is the server's."""
    if value is None:
        return
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _parts(item, (*path, key))
    else:
        yield path


def _inside(fields: Fields) -> bool:
    return len(fields) > (ITSELF in fields)


def _below(fields: Fields, value: Tree, step: str | int) -> Json:
    if isinstance(step, str):
        return fields.get(f"f:{step}")
    found = _step(fields, value_at(value, (step,)), step)
    return None if found is None else fields[found]


def _step(fields: Fields, item: Tree, index: int) -> str | None:
    """Return which member of a list's set an element is."""
    return next((step for step in fields if step == f"i:{index}" or names(step, item)), None)
