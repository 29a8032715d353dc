"""The JSON Schema that editors read."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.stack.published import json_schema, project_json_schema
from orchestrator.stack.written.schema import LABEL

_ENTRIES = ("modules", "manifests")


def _maps(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of a map with known keys."""
    if isinstance(schema, dict) and "properties" in schema:
        yield schema
    children = (
        schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    )
    for child in children:
        yield from _maps(child)


@pytest.mark.parametrize("schema", [json_schema(), project_json_schema()])
def test_every_key_says_what_it_is_for(schema: dict[str, Any]) -> None:
    """An editor shows a sentence for each key, and underlines keys that there are not."""
    found = list(_maps(schema))
    assert found
    for one in found:
        assert one["additionalProperties"] is False
        for name, key in one["properties"].items():
            assert re.fullmatch(r"[A-Z].*\.", key["description"]), name


def test_the_keys_are_those_of_the_format() -> None:
    """A stack, a module and a manifest set have just the keys that loading accepts."""
    schema = json_schema()
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["required"] == ["version", "name"]
    assert sorted(schema["properties"]) == [
        "cluster",
        "environments",
        "ledger",
        "manifests",
        "modules",
        "name",
        "state",
        "terraform",
        "vars",
        "version",
    ]
    module, manifests = (
        schema["properties"][name]["anyOf"][0]["additionalProperties"] for name in _ENTRIES
    )
    assert sorted(module["properties"]) == ["inputs", "needs", "protect", "source", "version"]
    assert sorted(manifests["properties"]) == [
        "drift",
        "namespace",
        "needs",
        "path",
        "protect",
        "wait",
    ]


def test_names_are_checked_in_the_editor_too() -> None:
    """The names of units and environments have the pattern that loading asks for."""
    for name in (*_ENTRIES, "environments"):
        entries = json_schema()["properties"][name]["anyOf"][0]
        assert entries["propertyNames"] == {"pattern": LABEL}


def test_it_is_json() -> None:
    """It can be written to a file."""
    assert json.loads(json.dumps(json_schema())) == json_schema()
