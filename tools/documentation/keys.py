"""The keys of stack.yaml and orchestrator.yaml, from the schemas that editors get."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from orchestrator.agent.configuration.notifications import MAIL, OBJECT, SERVER, VARIABLE
from orchestrator.agent.configuration.schema import ACCOUNT, ADDRESS, SIZE, agent_json_schema
from orchestrator.stack.published import json_schema, project_json_schema
from orchestrator.stack.written.durations import DURATION
from orchestrator.stack.written.guarding import SHARE
from orchestrator.stack.written.keys import LABEL
from orchestrator.stack.written.literals import HOLDS_EXPRESSIONS
from orchestrator.stack.written.schema import CONDITION, NAMESPACE, OWNER, POINTER
from tools.documentation.markdown import anchor, code, table

Schema: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str, ...]

_NAME = "NAME"  # stands for the name of an entry
_HEADING = ("key", "what it is", "type", "default", "expressions")
_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number"}
_PATTERNS = {
    LABEL: "name",
    NAMESPACE: "name",
    CONDITION: "condition",
    DURATION: "duration",
    SHARE: "percentage",
    OWNER: "owner",
    POINTER: "pointer",
    SIZE: "amount of memory",
    ACCOUNT: "service account",
    ADDRESS: "address",
    SERVER: "address",
    MAIL: "mail address",
    OBJECT: "object",
    VARIABLE: "name of a variable",
}
# Other maps say it key by key.
_HOLDING = frozenset({"text", "list of texts", "map", "map by name"})


def tables() -> str:
    """Return a section for each map of the two files; one that both have is shown once."""
    sections = _Sections()
    sections.add("stack.yaml", json_schema())
    sections.add("orchestrator.yaml", project_json_schema())
    return "\n\n".join(sections.told)


def agent_tables() -> str:
    """Return a section for each map of the agent's file."""
    sections = _Sections()
    sections.add("agent.yaml", agent_json_schema())
    return "\n\n".join(sections.told)


class _Sections:
    """The sections so far, and which map is shown in which of them."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._shown: list[tuple[Schema, str]] = []

    def add(self, file: str, schema: Schema) -> None:
        """Add a file: its own keys, then every map below that was not shown yet, outer ones first."""
        new: list[tuple[str, Path, Schema]] = [("", (), schema)]
        for path, found in sorted(_maps((), schema), key=lambda item: len(item[0])):
            if not self._heading(found):
                heading = code(".".join(path))
                self._shown.append((found, heading))
                new.append((heading, path, found))
        for heading, path, found in new:
            title = f"### {heading}" if heading else f"## Keys of {file}"
            self.told.append(f"{title}\n\n{self._table(path, found)}")

    def _heading(self, schema: Schema) -> str:
        return next((heading for found, heading in self._shown if found == schema), "")

    def _table(self, path: Path, schema: Schema) -> str:
        required = schema.get("required", ())
        rows = (
            self._row((*path, name), key, required=name in required)
            for name, key in schema["properties"].items()
        )
        return table(_HEADING, tuple(rows))

    def _row(self, path: Path, key: Schema, *, required: bool) -> tuple[str, ...]:
        kind = self._type(key)
        default = code(_yaml(key["default"])) if "default" in key else ""
        expressions = _holds_expressions(path) and kind in _HOLDING
        return (
            code(path[-1]),
            " ".join([key["description"], *_examples(key)]),
            kind,
            "**required**" if required else default,
            "yes" if expressions else "",
        )

    def _type(self, schema: Schema) -> str:
        match schema:
            case {"anyOf": choices} | {"oneOf": choices}:
                told = (self._type(each) for each in choices if each.get("type") != "null")
                return " or ".join(told)
            case {"const": value}:
                return code(_yaml(value))
            case {"enum": values}:
                return ", ".join(map(code, values))
            case {"type": "array", "items": items}:
                return _list_of(self._type(items))
            case {"type": "object"}:
                return self._map(schema)
            case {"pattern": pattern}:
                return _PATTERNS[pattern]
            case _:
                return _WORDS[schema["type"]]

    def _map(self, schema: Schema) -> str:
        """Return the type of a map, with a link to where its keys are told."""
        entries = (found for _, found in _alternatives((), schema))
        headings = [heading for found in entries if (heading := self._heading(found))]
        told = "map by name" if "propertyNames" in schema else "map"
        return f"[{told}](#{anchor(headings[0])})" if headings else told


def _maps(path: Path, schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """Yield every map with known keys below this one."""
    for name, key in schema["properties"].items():
        for inner, found in _alternatives((*path, name), key):
            if "properties" in found:
                yield inner, found
                yield from _maps(inner, found)


def _alternatives(path: Path, schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """Yield what a value may be; for a map by name and a list of maps, what their entries may be."""
    for each in schema.get("anyOf") or schema.get("oneOf") or [schema]:
        entries, items = each.get("additionalProperties"), each.get("items") or {}
        if isinstance(entries, dict) and entries:
            yield from _alternatives((*path, _NAME), entries)
        elif "properties" in items:
            yield path, items
        else:
            yield path, each


def _examples(key: Schema) -> list[str]:
    if "enum" in key or "const" in key or key.get("type") == "boolean":
        return []  # the type says all that there is
    return [f"Such as {code(_yaml(example))}." for example in key.get("examples", ())]


def _yaml(value: Any) -> str:
    """Return a value as people write it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, str):
        return f'"{value}"' if re.match(r"~>|[<>=!]", value) else value
    return json.dumps(value)


def _holds_expressions(path: Path) -> bool:
    inside = path[2:] if path[0] == "environments" else path
    return any(
        len(inside) >= len(pattern)
        and all(step in {"*", given} for step, given in zip(pattern, inside, strict=False))
        for pattern in HOLDS_EXPRESSIONS
    )


def _list_of(kind: str) -> str:
    if kind.startswith("`"):  # words, of which any may be in it
        return f"list of {kind}"
    return f"list of {kind}{'es' if kind.endswith('s') else 's'}"
