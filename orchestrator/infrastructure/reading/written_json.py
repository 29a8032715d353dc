"""The JSON syntax of Terraform's language: blocks as objects or lists of them, expressions as texts; pure."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from orchestrator.infrastructure.reading.bindings import ROOTS
from orchestrator.infrastructure.reading.hcl import Unreadable, in_template
from orchestrator.infrastructure.reading.structure import Access, accesses_in


def read_document(text: str) -> dict[str, Any]:
    """Return the object that a file holds; raises Unreadable."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Unreadable from error
    if not isinstance(document, dict):
        raise Unreadable
    return document


def but(body: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return an object without some of its keys."""
    return {key: value for key, value in body.items() if key not in keys}


def listed(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a property: the JSON syntax takes one, or a list of them."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def properties(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the properties of all objects of a property, but for comments."""
    for each in listed(value):
        yield from ((key, inner) for key, inner in each.items() if key != "//")


def read_in(value: Any) -> Iterator[Access]:
    """Yield what the texts inside a value read; raises Unreadable."""
    match value:
        case str():
            yield from accesses_in(value, list(in_template(value)))
        case dict():
            if value.get("iterator") in ROOTS:
                raise Unreadable
            for key, inner in value.items():
                yield from read_in(key)
                yield from read_in(inner)
        case list():
            for inner in value:
                yield from read_in(inner)
        case _:
            pass
