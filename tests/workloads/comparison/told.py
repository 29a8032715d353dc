"""Carrying out what a person was told: fields as they are shown, written into an object.

It owes nothing to the code that tells them but the way in which paths are written.
"""

import copy
import json
import re
from collections.abc import Iterable
from typing import Any

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import Absent

_STEP = re.compile(r'\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]|([^.\[]+)')
_PART = re.compile(r'([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)')
_ORDER = "[order]"


def carried_out(live: dict[str, Any], fields: Iterable[FieldChange]) -> dict[str, Any]:
    """Return the object with every field as it is told to become: removals from the last one on, orders last."""
    result = copy.deepcopy(live)
    told = list(fields)
    rest = [item for item in told if not item.path.endswith(_ORDER)]
    for item in rest:
        if not isinstance(item.after, Absent):
            _write(result, _steps(item.path), item.after)
    for item in reversed(rest):
        if isinstance(item.after, Absent):
            _remove(result, _steps(item.path))
    for item in told:
        if item.path.endswith(_ORDER):
            assert isinstance(item.after, list)
            names = [str(name) for name in item.after]
            _find(result, _steps(item.path.removesuffix(_ORDER))).sort(
                key=lambda element: names.index(element["name"])
            )
    return result


def by_name(value: Any) -> Any:
    """Return a value with the elements of lists sorted that have names: new ones are told without their place."""
    if isinstance(value, dict):
        return {key: by_name(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [by_name(item) for item in value]
        named = all(isinstance(item, dict) and "name" in item for item in items)
        return sorted(items, key=lambda item: item["name"]) if named else items
    return value


def _steps(path: str) -> list[Any]:
    """Return keys as texts, positions as numbers and names of elements as maps."""
    return [_step(found) for found in _STEP.finditer(path)]


def _step(found: re.Match[str]) -> Any:
    inside, plain = found.groups()
    if inside is None:
        return plain
    if inside.startswith('"') and inside.endswith('"'):
        return json.loads(inside)
    if inside.isdigit():
        return int(inside)
    parts = _PART.findall(inside)
    return {key: json.loads(text) if text.startswith('"') else text for key, text in parts}


def _write(node: Any, steps: list[Any], value: Any) -> None:
    *way, last = steps
    for step, following in zip(way, steps[1:], strict=True):
        node = _enter(node, step, [] if isinstance(following, dict | int) else {})
    if isinstance(last, str) or (isinstance(last, int) and last < len(node)):
        node[last] = value
    elif isinstance(last, int):
        node.append(value)
    else:
        node.append(value if isinstance(value, dict) else last)


def _enter(node: Any, step: Any, otherwise: Any) -> Any:
    if isinstance(step, str):
        return node.setdefault(step, otherwise)
    if isinstance(step, int):
        if step == len(node):
            node.append(otherwise)
        return node[step]
    found = next((item for item in node if _is(item, step)), None)
    if found is None:
        node.append(found := dict(step))
    return found


def _remove(result: Any, steps: list[Any]) -> None:
    *way, last = steps
    node = _find(result, way)
    if isinstance(last, dict):
        node[:] = [item for item in node if not _is(item, last)]
    else:
        del node[last]


def _find(node: Any, steps: list[Any]) -> Any:
    for step in steps:
        named = isinstance(step, dict)
        node = next(item for item in node if _is(item, step)) if named else node[step]
    return node


def _is(item: Any, names: dict[str, str]) -> bool:
    return all(str(item.get(key)) == name for key, name in names.items())
