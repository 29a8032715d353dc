"""The JSON Schema that editors read."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.stack.load import Project
from orchestrator.stack.model import Stack
from orchestrator.stack.published import json_schema, project_json_schema
from orchestrator.stack.written.keys import LABEL
from tests.stack.stack_files import load, write

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
        "guards",
        "ledger",
        "manifests",
        "modules",
        "name",
        "on_failure",
        "risks",
        "state",
        "terraform",
        "vars",
        "version",
    ]
    module, manifests = (
        schema["properties"][name]["anyOf"][0]["additionalProperties"] for name in _ENTRIES
    )
    assert sorted(module["properties"]) == [
        "inputs",
        "needs",
        "protect",
        "source",
        "terraform",
        "version",
    ]
    assert sorted(manifests["properties"]) == [
        "adopt",
        "conflicts",
        "drift",
        "ignore",
        "namespace",
        "needs",
        "path",
        "protect",
        "replace",
        "wait",
    ]


def test_names_are_checked_in_the_editor_too() -> None:
    """The names of units and environments have the pattern that loading asks for."""
    for name in (*_ENTRIES, "environments"):
        entries = json_schema()["properties"][name]["anyOf"][0]
        assert entries["propertyNames"] == {"pattern": LABEL}


def test_a_default_is_what_leaving_the_key_out_means(tmp_path: Path) -> None:
    """A stack that says all published defaults is the one that says none of them."""
    schema = json_schema()
    module, manifests = (
        schema["properties"][name]["anyOf"][0]["additionalProperties"]["properties"]
        for name in _ENTRIES
    )
    wait = manifests["wait"]["oneOf"][1]["properties"]
    cluster = schema["properties"]["cluster"]["anyOf"][0]["properties"]
    told = {
        "cluster": _defaults(cluster),
        "modules": {"a": {"source": "./a", **_defaults(module)}},
        "manifests": {"b": {"path": "b", **_defaults(manifests), "wait": _defaults(wait)}},
    }
    untold = {"modules": {"a": {"source": "./a"}}, "manifests": {"b": {"path": "b"}}}
    assert told["cluster"] == {"sandbox": False}
    assert told["manifests"]["b"]["wait"] == {"timeout": "5m"}

    assert _loaded(tmp_path / "told", told) == _loaded(tmp_path / "untold", untold)
    project = project_json_schema()["properties"]
    assert tuple(project["stacks"]["default"]) == Project().stacks


def _defaults(keys: dict[str, Any]) -> dict[str, Any]:
    return {name: key["default"] for name, key in keys.items() if "default" in key}


def _loaded(root: Path, content: dict[str, Any]) -> Stack:
    """Return the stack without the places in which its parts stand."""
    write(root, {"a/main.tf": ""})
    stack = load(root, json.dumps({"version": 1, "name": "shop", **content}))
    return replace(
        stack,
        cluster=replace(stack.cluster, places={}),
        modules=tuple(replace(each, places={}) for each in stack.modules),
        manifests=tuple(replace(each, places={}) for each in stack.manifests),
    )


def test_it_is_json() -> None:
    """It can be written to a file."""
    assert json.loads(json.dumps(json_schema())) == json_schema()
