from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.plans.objects import ObjectRef
from orchestrator.sandbox import Sandbox
from orchestrator.workloads.planning.unchanged.atomic import (
    BUILT_IN_GROUPS,
    NAMES,
    PLACES,
    misfits,
)
from orchestrator.workloads.planning.unchanged.decision import Shape, Walked
from tests.sandbox.client import client_of
from tests.workloads.planning.unchanged.custom import definitions

Schema = dict[str, Any]
Words = tuple[str, ...]

# Answers to questions, which nobody can apply.
_QUESTIONS = ("Review", "TokenRequest", "List", "Options")


REF = ObjectRef(group="example.com", version="v1", kind="Widget", namespace="n", name="n")


def widget(*words: str, shape: Shape = Shape.WHOLE_LIST, keys: tuple[str, ...] = ()) -> bool:
    """Whether a value of a Widget's spec is merged in this way."""
    (definition, _) = definitions("example.com")
    walked = Walked(words=("spec", *words), shape=shape, keys=keys)
    return not misfits({walked}, REF, definition)


def test_a_definition_tells_what_is_atomic() -> None:
    """Lists are atomic unless their definition says otherwise, and maps only where it says so."""
    assert widget("steps")
    assert widget("plain")
    assert not widget("tags")
    assert not widget("endpoints")
    assert widget("fixed", shape=Shape.WHOLE_MAP)
    assert not widget("options", shape=Shape.WHOLE_MAP)
    assert widget("parts", "[]", "steps")
    assert not widget("parts", "[]", "tags")
    assert not widget("table", "any")


def test_below_what_keeps_unknown_fields_lists_are_atomic_and_maps_are_merged() -> None:
    """What no schema tells, the server takes by its shape."""
    assert widget("free", "any", "list")
    assert not widget("free", "any", shape=Shape.WHOLE_MAP)
    assert widget("anything")
    assert not widget("anything", shape=Shape.WHOLE_MAP)
    assert not widget("half", "known")
    assert widget("half", "other")
    assert not widget("embedded", "metadata", "finalizers")


def test_what_was_merged_by_its_elements_has_to_be_merged_so_still() -> None:
    """A definition may say another thing by now than when the object was applied."""
    assert widget("tags", shape=Shape.SET)
    assert widget("options", shape=Shape.FIELDS)
    assert widget("parts", shape=Shape.KEYED, keys=("name",))
    assert widget("endpoints", shape=Shape.KEYED, keys=("port", "protocol"))
    assert widget("table", "any", "[]", shape=Shape.FIELDS)
    assert not widget("steps", shape=Shape.SET)
    assert not widget("parts", shape=Shape.SET)
    assert not widget("plain", shape=Shape.KEYED, keys=("name",))
    assert not widget("endpoints", shape=Shape.KEYED, keys=("port",))
    assert not widget("fixed", shape=Shape.FIELDS)
    assert widget("free", "any", shape=Shape.FIELDS)
    assert not widget("free", "any", shape=Shape.SET)


def test_nothing_is_known_without_a_definition() -> None:
    """A kind whose definition cannot be read, or does not have the version, is asked about."""
    walked = {Walked(words=("spec",), shape=Shape.FIELDS)}
    assert not misfits(walked, REF, definitions("example.com")[0])
    assert misfits(walked, REF, None) == walked
    assert misfits(walked, replace(REF, version="v2"), definitions("example.com")[0]) == walked


@pytest.mark.integration
def test_the_names_are_those_of_the_servers_schemas(sandbox: Sandbox) -> None:
    """Wherever a built-in kind has a map or list of one of these names, it is atomic."""
    client = client_of(sandbox.kubeconfig)
    seen: dict[bool, set[Words]] = {True: set(), False: set()}
    for path in client.get("/openapi/v3")["paths"]:
        group, _, version = path.removeprefix("api/").removeprefix("apis/").rpartition("/")
        if version and group in BUILT_IN_GROUPS:
            document = client.get(f"/openapi/v3/{path}")["components"]["schemas"]
            for words, atomic in _values_of(document):
                seen[atomic].add(words)
    merged = {words for words in seen[False] if words[-1] in NAMES or words[-2:] in PLACES}
    assert merged == set()
    assert {words[-1] for words in seen[True]} >= NAMES
    assert {words[-2:] for words in seen[True]} >= PLACES


def _values_of(document: dict[str, Schema]) -> Iterator[tuple[Words, bool]]:
    for schema in document.values():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            if not kind["kind"].endswith(_QUESTIONS):
                yield from _below(schema, (), document)


def _below(
    schema: Schema, words: Words, document: dict[str, Schema]
) -> Iterator[tuple[Words, bool]]:
    schema = _followed(schema, document)
    kind = schema.get("type")
    if kind == "array":
        atomic = schema.get("x-kubernetes-list-type", "atomic") == "atomic"
        yield words, atomic
        if not atomic:
            yield from _elements(_followed(schema["items"], document), words, document)
    elif kind == "object" or "properties" in schema:
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if words:
            yield words, atomic
        if not atomic:
            yield from _fields(schema, words, document)


def _elements(
    schema: Schema, words: Words, document: dict[str, Schema]
) -> Iterator[tuple[Words, bool]]:
    if schema.get("x-kubernetes-map-type") == "atomic":
        yield (*words, "[]"), True
    else:
        yield from _fields(schema, words, document)


def _fields(
    schema: Schema, words: Words, document: dict[str, Schema]
) -> Iterator[tuple[Words, bool]]:
    for name, field in schema.get("properties", {}).items():
        if (words, name) != ((), "status"):
            yield from _below(field, (*words, name), document)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from _below(others, (*words, "*"), document)


def _followed(schema: Schema, document: dict[str, Schema]) -> Schema:
    inner = schema.get("allOf", [schema])[0]
    if "$ref" not in inner:
        return schema
    return {**document[inner["$ref"].rpartition("/")[2]], **schema}
