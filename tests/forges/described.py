"""What the forges publish of their APIs, and whether an exchange with one keeps to it.

``descriptions/`` holds the part of each forge's OpenAPI description that we use, with where it comes from. Beyond what
a description demands, names that it does not know are refused in requests and answers alike: a field that is
misspelt would go unnoticed otherwise.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from orchestrator.forges.place import Kind

Json = Any

_FOLDER: Final = Path(__file__).with_name("descriptions")
_NAME: Final = "urn:description"
_JSON: Final = "application/json"
_COMBINED: Final = frozenset({"allOf", "anyOf", "oneOf"})
# What a forge answers to whoever asks too much or the wrong thing; no description lists all of it for each path.
_ANYWHERE: Final = frozenset({401, 403, 404, 422, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and what it was answered; ``path`` is as it was sent, below the API's root."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Json
    status: int
    answer: Json


def problems(kind: Kind, exchange: Exchange) -> list[str]:
    """Return what is wrong with an exchange by the forge's own description; nothing when it keeps to it."""
    asked = f"{exchange.method} {exchange.path}"
    if (kind, exchange.path) == (Kind.GITHUB, "/graphql"):  # has a description of its own kind
        return []
    found = _operation(kind, exchange)
    if found is None:
        return [f"{asked}: there is no such thing"]
    told = (*_asked_wrong(kind, found, exchange), *_answered_wrong(kind, found, exchange))
    return [f"{asked}: {problem}" for problem in told]


def example(kind: Kind, name: str) -> Json:
    """Return an answer that a forge publishes as an example of its own."""
    return deepcopy(_kept(kind)["examples"][name])


def _operation(kind: Kind, exchange: Exchange) -> Json:
    document = _document(kind)
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, exchange.path):
            return operations.get(exchange.method.lower())
    return None


def _asked_wrong(kind: Kind, operation: Json, exchange: Exchange) -> Iterator[str]:
    declared = [_resolved(kind, each) for each in operation.get("parameters", [])]
    known = {each["name"]: each for each in declared if each["in"] == "query"}
    for name, values in exchange.query.items():
        if name not in known:
            yield f"it takes no {name}"
            continue
        schema = known[name].get("schema", known[name])
        yield from _violations(kind, _as_typed(values[-1], schema), schema, name)
    if exchange.body is not None:
        schema = _schema_of_body(kind, operation, declared)
        if schema is None:
            yield "it takes no body"
        else:
            yield from _violations(kind, exchange.body, schema, "the request")


def _schema_of_body(kind: Kind, operation: Json, declared: list[Json]) -> Json:
    if "requestBody" in operation:
        return _resolved(kind, operation["requestBody"])["content"][_JSON]["schema"]
    return next((each["schema"] for each in declared if each["in"] == "body"), None)


def _answered_wrong(kind: Kind, operation: Json, exchange: Exchange) -> Iterator[str]:
    if exchange.status >= 500:  # promised nowhere, and to be expected everywhere
        return
    response = operation["responses"].get(str(exchange.status))
    if response is None:
        if exchange.status not in _ANYWHERE:
            yield f"it never answers {exchange.status}"
        return
    response = _resolved(kind, response)
    schema = response.get("schema") or response.get("content", {}).get(_JSON, {}).get("schema")
    if schema is not None:
        yield from _violations(kind, exchange.answer, schema, f"the answer {exchange.status}")
    elif exchange.answer is not None and exchange.status < 400:
        yield f"the answer {exchange.status} has no content"


def _violations(kind: Kind, value: Json, schema: Json, what: str) -> Iterator[str]:
    validator = Draft202012Validator(_rooted(schema), registry=_registry(kind))
    for error in validator.iter_errors(value):
        where = "".join(f"[{step!r}]" for step in error.absolute_path)
        yield f"{what}{where}: {error.message[:300]}"


def _as_typed(text: str, schema: Json) -> Json:
    """Return what a text in a query stands for."""
    if schema.get("type") == "integer" and text.isdecimal():
        return int(text)
    return (
        {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text
    )


def _resolved(kind: Kind, value: Json) -> Json:
    """Return what a reference leads to."""
    while "$ref" in value:
        found = _document(kind)
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def _rooted(schema: Json) -> Json:
    """Return a schema whose references are looked up in its description."""
    text = json.dumps(schema).replace('"$ref": "#/', f'"$ref": "{_NAME}#/')
    return json.loads(text)


@cache
def _registry(kind: Kind) -> Registry[Json]:
    empty: Registry[Json] = Registry()
    made: Registry[Json] = empty.with_resource(_NAME, DRAFT202012.create_resource(_document(kind)))
    return made


@cache
def _document(kind: Kind) -> Json:
    return _strict(_kept(kind)["document"])


@cache
def _kept(kind: Kind) -> Json:
    return json.loads((_FOLDER / f"{kind}.json").read_text(encoding="utf-8"))


def _strict(value: Json, *, alone: bool = True) -> Json:
    """Return a description as JSON Schema has it: with null as a type, and nothing allowed that is not named.

    What is one part of a whole (``allOf``) knows only its own names, and may not refuse those of the others.
    """
    if isinstance(value, list):
        return [_strict(each, alone=alone) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _strict(each, alone=key not in _COMBINED) for key, each in value.items()}
    if alone and isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    if made.pop("nullable", False) or made.pop("x-nullable", False):
        return {"anyOf": [made, {"type": "null"}]}
    return made
