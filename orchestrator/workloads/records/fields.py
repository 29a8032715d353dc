"""Who set which field of an object, as the server records it (``managedFields``), and sets of such fields. Pure.

A set is kept as the paths of its members, in the words of ``notation``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Json
from orchestrator.stack.paths import value_at
from orchestrator.workloads.live import Live
from orchestrator.workloads.records.notation import ITSELF, is_ours, keys_of, names, records_in

FieldPath: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = frozenset[FieldPath]

NOTHING: Final[FieldSet] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One manager's record: how and when it wrote, through which subresource, and what.

    ``written`` is the record as the server gave it.
    """

    manager: str
    operation: str
    subresource: str = ""
    time: str = ""
    fields: FieldSet = NOTHING
    written: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ours(self) -> bool:
        """Whether it says what we applied."""
        return is_ours(self.written)

    def holding(self, fields: FieldSet) -> dict[str, Json]:
        """Return the record with other fields, as the server takes it back."""
        return {**self.written, "fieldsV1": _tree_of(fields)}


def managers(live: Live) -> Iterator[str]:
    """Yield the names of all managers of an object; cheap, unlike reading what they set."""
    for record in records_in(live):
        name = record.get("manager")
        if isinstance(name, str):
            yield name


def others_wrote(live: Live, manager: str) -> bool:
    """Whether anybody but one manager set fields, the status apart; cheap too."""
    return any(
        record.get("manager") != manager and record.get("subresource") != "status"
        for record in records_in(live)
    )


def entries(live: Live) -> tuple[Entry, ...]:
    """Return who set what of an object, in the server's order."""
    return tuple(
        Entry(
            manager=str(record.get("manager", "")),
            operation=str(record.get("operation", "")),
            subresource=str(record.get("subresource", "")),
            time=str(record.get("time", "")),
            fields=frozenset(_members(record.get("fieldsV1"), ())),
            written=record,
        )
        for record in records_in(live)
    )


def union(found: Iterable[Entry]) -> FieldSet:
    """Return all fields of several records."""
    return frozenset().union(*(entry.fields for entry in found))


def shown(path: FieldPath) -> str:
    """Return a path as people write it: ``spec.template.spec.containers[name=web].image``."""
    text = ""
    for step in path:
        kind, _, name = step.partition(":")
        match kind:
            case "f":
                plain = name.replace("-", "").replace("_", "").isalnum()
                text += f".{name}" if plain else f'["{name}"]'
            case "k":
                pairs = (f"{key}={value}" for key, value in keys_of(step).items())
                text += f"[{','.join(pairs)}]"
            case _:
                text += f"[{name}]"
    return text.removeprefix(".")


def without(value: Mapping[str, Tree], fields: FieldSet) -> dict[str, Tree]:
    """Return an object or a manifest without these fields; a field's key in a keyed list always stays."""
    left: Tree = dict(value)
    # Elements that are told apart by their position go from behind.
    for path in sorted(fields, reverse=True):
        left = _removed(left, path, keys=frozenset())
    return cast("dict[str, Tree]", left)


def present(value: Mapping[str, Tree], fields: FieldSet) -> FieldSet:
    """Return those of the fields that a manifest has a value for; keys of elements of lists left out."""
    return frozenset(path for path in fields if _has(dict(value), path))


def value_of(value: Tree, path: FieldPath) -> Tree:
    """Return what a value has at a path, or None where it has nothing."""
    for step in path:
        place = place_of(value, step)
        if place is None:
            return None
        value = value_at(value, (place,))
    return value


def leaves(fields: FieldSet) -> FieldSet:
    """Return the members that have no other member below them."""
    inner = {path[:length] for path in fields for length in range(1, len(path))}
    return fields - inner


def prefixes_of(fields: FieldSet) -> FieldSet:
    """Return the paths of a set and of everything above them."""
    return frozenset(path[:length] for path in fields for length in range(1, len(path) + 1))


def _members(node: Json, path: FieldPath) -> Iterator[FieldPath]:
    for step, below in node.items() if isinstance(node, dict) else ():
        if step == ITSELF:
            continue
        if not below or (isinstance(below, dict) and ITSELF in below):
            yield (*path, step)
        yield from _members(below, (*path, step))


def _tree_of(fields: FieldSet) -> dict[str, Json]:
    root: dict[str, Json] = {}
    for path in sorted(fields):
        node = root
        for step in path:
            below = node.setdefault(step, {})
            node = cast("dict[str, Json]", below)
        node[ITSELF] = {}
    return cast("dict[str, Json]", _without_lone_marks(root))


def _without_lone_marks(node: Json) -> Json:
    """Return the tree in the server's form: a member that has nothing below it is an empty map."""
    if not isinstance(node, dict) or list(node) == [ITSELF]:
        return {}
    return {step: _without_lone_marks(below) for step, below in node.items()}


def _removed(value: Tree, path: FieldPath, *, keys: frozenset[str]) -> Tree:
    step, rest = path[0], path[1:]
    place = place_of(value, step)
    if place is None or (isinstance(place, str) and not rest and place in keys):
        return value
    below = (
        None
        if not rest
        else _removed(value_at(value, (place,)), rest, keys=frozenset(keys_of(step)))
    )
    match value, place:
        case dict(), str():
            others = {key: item for key, item in value.items() if key != place}
            return {**value, place: below} if rest else others
        case list(), int():
            middle = [below] if rest else []
            return [*value[:place], *middle, *value[place + 1 :]]
        case _:
            return value


def _has(value: Tree, path: FieldPath, keys: frozenset[str] = frozenset()) -> bool:
    step, rest = path[0], path[1:]
    place = place_of(value, step)
    if place is None or (not rest and place in keys):
        return False
    return not rest or _has(value_at(value, (place,)), rest, frozenset(keys_of(step)))


def place_of(value: Tree, step: str) -> str | int | None:
    """Return the key or index in a value that a step names, or None where it has none."""
    kind, _, name = step.partition(":")
    if kind == "f":
        return name if isinstance(value, dict) and name in value else None
    if not isinstance(value, list):
        return None
    if kind == "i":
        return int(name) if int(name) < len(value) else None
    return next((index for index, item in enumerate(value) if names(step, item)), None)
