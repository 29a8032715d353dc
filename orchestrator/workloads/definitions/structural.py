"""Structural schemas, as definitions of custom kinds have them: what a value breaks, without asking a server.

The rules are those of the API server, strict about fields that no schema names. Where something is pending,
or where only the server can tell (expressions, rare formats), nothing is said: a value is never refused here
that the server would accept.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, cast

from orchestrator.stack.expressions import Path, Pending, Tree, pending_in
from orchestrator.stack.model import Json
from orchestrator.workloads.definitions.formats import FORMATS
from orchestrator.workloads.live import SET_BY_THE_SERVER, map_of, mapping

Schema: TypeAlias = Mapping[str, Json]

_RESOURCE_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})
_ARTICLES: Final = {
    "object": "a map",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that a value breaks: where inside it, and what it has to be in words; never the value itself.

    ``known`` are the names beside a field that has a wrong one, None where the name is not what is wrong.
    """

    path: Path
    message: str
    known: tuple[str, ...] | None = None


def violations(value: Tree, schema: Schema) -> Iterator[Violation]:
    """Yield what a whole custom resource breaks; its metadata and what only the server writes are left out."""
    yield from _value(value, schema, (), resource=True)


def expressions_in(schema: Json) -> int:
    """Return how many validation rules are expressions, which only the server evaluates."""
    match schema:
        case dict():
            own = schema.get("x-kubernetes-validations")
            inner = sum(map(expressions_in, schema.values()))
            return inner + (len(own) if isinstance(own, list) else 0)
        case list():
            return sum(map(expressions_in, schema))
        case _:
            return 0


def _value(
    value: Tree, schema: Schema, path: Path, *, resource: bool = False
) -> Iterator[Violation]:
    if isinstance(value, Pending):
        return
    if value is None:
        if not (schema.get("nullable") or "default" in schema or _any_type(schema)):
            yield Violation(path=path, message=f"may not be empty: it has to be {_wanted(schema)}")
        return
    if not _has_type(value, schema):
        yield Violation(path=path, message=f"has to be {_wanted(schema)}")
        return
    yield from _own_rules(value, schema, path)
    match value:
        case dict():
            yield from _fields(value, schema, path, resource=resource)
        case list():
            yield from _elements(value, schema, path)
        case _:
            pass


def _any_type(schema: Schema) -> bool:
    return not schema.get("type") and not schema.get("x-kubernetes-int-or-string")


def _has_type(value: Tree, schema: Schema) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, str) or _whole(value)
    match schema.get("type"):
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "integer":
            return _whole(value)
        case "number":
            return _number(value)
        case "boolean":
            return isinstance(value, bool)
        case _:
            return True


def _number(value: Tree) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Tree) -> bool:
    return _number(value) and float(cast(float, value)).is_integer()


def _wanted(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "a whole number or a text"
    return _ARTICLES.get(str(schema.get("type")), "there")


def _own_rules(value: Tree, schema: Schema, path: Path) -> Iterator[Violation]:
    """Yield what a value breaks as a whole, and not by what is in it."""
    found = [*_allowed(value, schema), *_composed(value, schema)]
    match value:
        case bool():
            pass
        case int() | float():
            found += _range(value, schema)
        case str():
            found += [*_text(value, schema), *_length(len(value), schema, "Length", "characters")]
        case list():
            found += [*_length(len(value), schema, "Items", "elements"), *_unlike(value, schema)]
        case dict():
            found += _length(len(value), schema, "Properties", "fields")
        case _:
            pass
    for message in found:
        yield Violation(path=path, message=message)


def _allowed(value: Tree, schema: Schema) -> Iterator[str]:
    choices = schema.get("enum")
    if isinstance(choices, list) and not pending_in(value) and value not in choices:
        yield f"has to be one of {', '.join(map(str, choices))}"


def _composed(value: Tree, schema: Schema) -> Iterator[str]:
    """Yield what breaks a combination of schemas; with something pending nobody can tell."""
    if pending_in(value):
        return
    fits = {word: [_fits(value, item) for item in _schemas(schema, word)] for word in _COMBINED}
    if not all(fits["allOf"]):
        failed = _schemas(schema, "allOf")[fits["allOf"].index(False)]
        first = next(_inner(value, failed))
        where = ".".join(map(str, first.path))
        yield f"{where}: {first.message}" if where else first.message
    if fits["anyOf"] and not any(fits["anyOf"]):
        yield "fits none of the forms that its definition allows"
    if fits["oneOf"] and sum(fits["oneOf"]) != 1:
        many = "more than one" if any(fits["oneOf"]) else "none"
        yield f"fits {many} of the forms of which its definition wants exactly one"
    forbidden = schema.get("not")
    if isinstance(forbidden, dict) and _fits(value, forbidden):
        yield "has a form that its definition forbids"


_COMBINED: Final = ("allOf", "anyOf", "oneOf")


def _schemas(schema: Schema, word: str) -> list[Schema]:
    found = schema.get(word)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _fits(value: Tree, schema: Schema) -> bool:
    return next(_inner(value, schema), None) is None


def _inner(value: Tree, schema: Schema) -> Iterator[Violation]:
    """Yield what breaks a schema inside a combination, which says nothing about fields that it leaves out."""
    return _value(value, {**schema, "x-kubernetes-preserve-unknown-fields": True}, ())


def _range(value: float, schema: Schema) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum") is True, schema.get("exclusiveMaximum") is True
    if isinstance(least, int | float) and (value < least or (above and value == least)):
        yield f"has to be {'more than' if above else 'at least'} {least}"
    if isinstance(most, int | float) and (value > most or (below and value == most)):
        yield f"has to be {'less than' if below else 'at most'} {most}"
    step = schema.get("multipleOf")
    if isinstance(step, int) and step and isinstance(value, int) and value % step:
        yield f"has to be a multiple of {step}"


def _length(length: int, schema: Schema, noun: str, plural: str) -> Iterator[str]:
    least, most = schema.get(f"min{noun}"), schema.get(f"max{noun}")
    if isinstance(least, int) and length < least:
        yield f"has to have at least {least} {plural}"
    if isinstance(most, int) and length > most:
        yield f"may have at most {most} {plural}"


def _text(value: str, schema: Schema) -> Iterator[str]:
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _matches(pattern, value):
        yield f"has to match {pattern}"
    known = FORMATS.get(str(schema.get("format")))
    if known and not known(value):
        yield f"has to be of the format {schema['format']}"


def _matches(pattern: str, value: str) -> bool:
    matcher = _matcher(pattern)
    return matcher is None or matcher(value)


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Callable[[str], bool] | None:
    """Return what matches a pattern as the server would, or None for one that only the server can read.

    The server's expressions are Go's; Rust's are of the same family, where Python's differ in ``$`` and classes.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        validator = SchemaValidator(
            core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        )
    except SchemaError:
        return None
    return validator.isinstance_python


def _unlike(value: list[Tree], schema: Schema) -> Iterator[str]:
    """Yield what is twice in a list whose elements are told apart."""
    names = schema.get("x-kubernetes-list-map-keys")
    keys = [str(name) for name in names] if isinstance(names, list) else []
    match schema.get("x-kubernetes-list-type"):
        case "set" if _twice([item for item in value if not pending_in(item)]):
            yield "has an element twice"
        case "map" if keys and _twice(list(_identities(value, keys))):
            yield f"has two elements of the same {', '.join(keys)}"


def _identities(value: list[Tree], keys: list[str]) -> Iterator[Tree]:
    for item in value:
        if isinstance(item, dict) and all(
            key in item and not pending_in(item[key]) for key in keys
        ):
            yield [item[key] for key in keys]


def _twice(items: list[Tree]) -> bool:
    seen = [repr(item) for item in items]
    return len(set(seen)) < len(seen)


def _fields(
    value: dict[str, Tree], schema: Schema, path: Path, *, resource: bool
) -> Iterator[Violation]:
    named = mapping(schema, "properties")
    whole = resource or bool(schema.get("x-kubernetes-embedded-resource"))
    yield from _missing(value, schema, path)
    for key, item in value.items():
        if whole and key in _RESOURCE_FIELDS:
            yield from _of_resource(key, item, (*path, key))
        elif key in named:
            yield from _value(item, map_of(named[key]), (*path, key))
        elif isinstance(others := schema.get("additionalProperties"), dict):
            yield from _value(item, others, (*path, key))
        elif not (
            others or schema.get("x-kubernetes-preserve-unknown-fields") or _any_type(schema)
        ):
            message = "is no field that its definition knows"
            yield Violation(path=(*path, key), message=message, known=tuple(named))


def _missing(value: dict[str, Tree], schema: Schema, path: Path) -> Iterator[Violation]:
    named, required = mapping(schema, "properties"), schema.get("required")
    for name in required if isinstance(required, list) else ():
        if str(name) not in value and "default" not in map_of(named.get(str(name))):
            yield Violation(path=path, message=f"lacks the field {name}, which has to be there")


def _of_resource(key: str, value: Tree, path: Path) -> Iterator[Violation]:
    if key != "metadata":
        if not isinstance(value, str | Pending):
            yield Violation(path=path, message="has to be a text")
        return
    metadata = value if isinstance(value, dict) else {}
    for name in sorted(set(metadata) - _METADATA):
        message = "is no field that metadata has"
        yield Violation(path=(*path, name), message=message, known=tuple(_WRITTEN))
    for name in ("labels", "annotations"):
        texts = metadata.get(name)
        for word, text in texts.items() if isinstance(texts, dict) else ():
            if not isinstance(text, str | Pending):
                yield Violation(path=(*path, name, word), message="has to be a text")


_WRITTEN: Final = frozenset(
    {"annotations", "finalizers", "labels", "name", "namespace", "ownerReferences"}
)
_METADATA: Final = _WRITTEN | SET_BY_THE_SERVER | {"generateName"}


def _elements(value: list[Tree], schema: Schema, path: Path) -> Iterator[Violation]:
    items = schema.get("items")
    for index, item in enumerate(value):
        yield from _value(item, map_of(items), (*path, index))
