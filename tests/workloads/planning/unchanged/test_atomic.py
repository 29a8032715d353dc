from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.plans.objects import ObjectRef
from orchestrator.sandbox import Sandbox
from orchestrator.workloads.planning.unchanged.atomic import (
    BUILT_IN_GROUPS,
    NAMES,
    PLACES,
    all_atomic,
)
from orchestrator.workloads.planning.unchanged.decision import Whole
from tests.sandbox.client import client_of
from tests.workloads.planning.unchanged.custom import definitions

Schema = dict[str, Any]
Words = tuple[str, ...]

# Answers to questions, which nobody can apply.
_QUESTIONS = ("Review", "TokenRequest", "List", "Options")


def widget(*steps: str, is_list: bool = True) -> bool:
    """Whether a value of a Widget's spec is atomic."""
    (definition, _) = definitions("example.com")
    ref = ObjectRef(group="example.com", version="v1", kind="Widget", namespace="n", name="n")
    whole = Whole(path=("f:spec", *steps), is_list=is_list)
    return all_atomic([whole], ref, definition)


def test_a_definition_tells_what_is_atomic() -> None:
    """Lists are atomic unless their definition says otherwise, and maps only where it says so."""
    assert widget("f:steps")
    assert widget("f:plain")
    assert not widget("f:tags")
    assert not widget("f:endpoints")
    assert widget("f:fixed", is_list=False)
    assert not widget("f:options", is_list=False)
    assert widget("f:parts", 'k:{"name":"a"}', "f:steps")
    assert not widget("f:parts", 'k:{"name":"a"}', "f:tags")
    assert not widget("f:table", "f:any")


def test_below_what_keeps_unknown_fields_lists_are_atomic_and_maps_are_merged() -> None:
    """What no schema tells, the server takes by its shape."""
    assert widget("f:free", "f:any", "f:list")
    assert not widget("f:free", "f:any", is_list=False)
    assert widget("f:anything")
    assert not widget("f:anything", is_list=False)
    assert not widget("f:half", "f:known")
    assert widget("f:half", "f:other")
    assert not widget("f:embedded", "f:metadata", "f:finalizers")


def test_nothing_is_known_without_a_definition() -> None:
    """A kind whose definition cannot be read, or does not have the version, is asked about."""
    ref = ObjectRef(group="example.com", version="v2", kind="Widget", namespace="n", name="n")
    whole = Whole(path=("f:spec", "f:steps"), is_list=True)
    assert not all_atomic([whole], ref, None)
    assert not all_atomic([whole], ref, definitions("example.com")[0])
    assert all_atomic([], ref, None) is False


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
