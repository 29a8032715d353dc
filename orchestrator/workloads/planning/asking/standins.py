"""Values that stand in for pending ones, so that a server can judge everything else of an object.

Each has the type that the kind's schema asks for at its place. They are sent to dry runs alone, and never
shown, kept or applied.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from orchestrator.plans.values import Unknown
from orchestrator.stack.expressions import Path, Pending, Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.live import map_of, mapping

Schema: TypeAlias = Mapping[str, Json]
Document: TypeAlias = Mapping[str, Json]

_REFERENCE: Final = "#/components/schemas/"
_QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_WORDS: Final = ("pending", "unknown")
_ANYTHING: Final = Pending(references=())
# A key of an element, as in ports[port=1,protocol="TCP"].
_KEY: Final = re.compile(r"(?<=[\[,])(?P<name>\w+)=(?:\"[^\"]*\"|[^,\]\s]+)")
_FORMATS: Final = {
    "byte": ("cGVuZGluZw==", "dW5rbm93bg=="),
    "date": ("2000-01-01", "2000-01-02"),
    "date-time": ("2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z"),
    "ipv4": ("192.0.2.1", "192.0.2.2"),
    "ipv6": ("2001:db8::1", "2001:db8::2"),
    "cidr": ("192.0.2.0/24", "198.51.100.0/24"),
    "uuid": ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"),
}


def filled(
    tree: Mapping[str, Tree], document: Document, *, kind: tuple[str, str, str], variant: int
) -> dict[str, Json]:
    """Return a manifest with every pending value replaced by one that would do.

    ``document`` describes the (group, version, kind), or is empty where nothing does: texts stand in then.
    There are two variants, 0 and 1, which differ wherever a type has more than one value: what a server says
    of both alike is not about them.
    """
    filling = _Filling(document, variant)
    found = filling.tree(dict(tree), filling.of_kind(kind))
    return found if isinstance(found, dict) else {}


def without_stand_ins(text: str, other: str, waiting: Mapping[Path, Pending]) -> str:
    """Return what a server says of the first variant, without the stand-ins by which it names elements of lists.

    ``other`` is what it says of the second variant, and ``waiting`` are the pending values by their paths. Where
    the two differ stands a pending value, told as what it waits for.
    """
    same = {found[0] for found in _KEY.finditer(other)}

    def told(found: re.Match[str]) -> str:
        values = [value for path, value in waiting.items() if path[-1:] == (found["name"],)]
        if found[0] in same or not values:
            return found[0]
        sources = sorted({name for value in values for name in value.references})
        return f"{found['name']}={Unknown(sources=tuple(sources))}"

    return _KEY.sub(told, text)


class _Filling:
    """One variant of stand-ins after one document."""

    def __init__(self, document: Document, variant: int) -> None:
        components = mapping(document, "components")
        self._schemas = mapping(components, "schemas")
        self._variant = variant

    def of_kind(self, kind: tuple[str, str, str]) -> Schema:
        wanted = dict(zip(("group", "version", "kind"), kind, strict=True))
        for schema in map(map_of, self._schemas.values()):
            kinds = schema.get("x-kubernetes-group-version-kind")
            if isinstance(kinds, list) and wanted in kinds:
                return schema
        return {}

    def tree(self, tree: Tree, schema: Schema) -> Json:
        schema = self._resolved(schema)
        match tree:
            case Pending():
                return self._value(schema)
            case dict():
                return {key: self.tree(item, _below(schema, key)) for key, item in tree.items()}
            case list():
                return [self.tree(item, mapping(schema, "items")) for item in tree]
            case _:
                return tree

    def _resolved(self, schema: Schema) -> Schema:
        """Follow references, also those that an ``allOf`` of one wraps to add a default."""
        name = str(schema.get("$ref", "")).removeprefix(_REFERENCE)
        if name == _QUANTITY:
            return {"format": "quantity"}
        if name:
            return self._resolved(map_of(self._schemas.get(name)))
        match schema.get("allOf"):
            case [dict(only)] if "type" not in schema:
                return self._resolved(only)
            case _:
                return schema

    def _value(self, schema: Schema) -> Json:
        match schema.get("enum"):
            case [first, *others]:
                return others[0] if self._variant and others else first
            case _:
                pass
        if schema.get("x-kubernetes-int-or-string") or schema.get("format") in {
            "int-or-string",
            "quantity",
        }:
            return self._variant + 1
        return self._of_type(schema)

    def _of_type(self, schema: Schema) -> Json:
        match schema.get("type"):
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return bool(self._variant)
            case "array":
                return [self.tree(_ANYTHING, mapping(schema, "items"))]
            case "object":
                others = schema.get("additionalProperties")
                return {_WORDS[0]: self.tree(_ANYTHING, others)} if isinstance(others, dict) else {}
            case _:
                return self._text(schema)

    def _number(self, schema: Schema) -> Json:
        least, step = schema.get("minimum"), schema.get("multipleOf")
        start = least if isinstance(least, int | float) else 0
        width = step if isinstance(step, int) and step else 1
        return (int(start) // width + 1 + self._variant) * width

    def _text(self, schema: Schema) -> str:
        formatted = _FORMATS.get(str(schema.get("format")))
        word = (formatted or _WORDS)[self._variant]
        longest, shortest = schema.get("maxLength"), schema.get("minLength")
        word = word[:longest] if isinstance(longest, int) and not formatted else word
        return word.ljust(shortest, "x") if isinstance(shortest, int) else word


def _below(schema: Schema, key: str) -> Schema:
    named = mapping(schema, "properties")
    return map_of(named.get(key, schema.get("additionalProperties")))
