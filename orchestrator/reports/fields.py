"""The fields of a change as an indented tree, so that what they have in common is written once."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import Absent, Masked, Unknown, Value

_STEP = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]])*\]|[^.\[]+')
_LONGEST_VALUE = 160
_WIDEST_NAME = 28
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\x7f-\x9f]")


@dataclass(slots=True)
class _Node:
    """What is below one name: a field of its own, or more names."""

    changes: list[FieldChange] = field(default_factory=list)
    children: "dict[str, _Node]" = field(default_factory=dict)


_Named: TypeAlias = tuple[str, _Node]


def render_fields(fields: Sequence[FieldChange], *, indent: int) -> Iterator[str]:
    """Yield lines for fields in their order; a chain of single names stays on one line."""
    root = _Node()
    for item in fields:
        node = root
        for step in _steps(item.path):
            node = node.children.setdefault(step, _Node())
        node.changes.append(item)
    yield from _lines(root, indent)


def show_transition(item: FieldChange) -> str:
    """Return a field's old and new value in one line."""
    text = _old_to_new(item.before, item.after)
    return f"{text}  # forces replacement" if item.forces_replacement else text


def _old_to_new(before: Value, after: Value) -> str:
    if isinstance(before, Absent):
        return show(after)
    if isinstance(after, Absent):
        return f"{show(before)} → (removed)"
    if isinstance(before, Masked) and isinstance(after, Masked):
        return "(sensitive, changed)"
    return f"{show(before)} → {show(after)}"


def show(value: Value) -> str:
    """Return a value in one line, cut when long, with what was cut counted."""
    match value:
        case Absent():
            return "(none)"
        case Unknown() | Masked():
            return str(value)
        case _:
            text = _INVISIBLE.sub(_escaped, json.dumps(value, ensure_ascii=False))
            if len(text) <= _LONGEST_VALUE:
                return text
            return f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"


def _steps(path: str) -> list[str]:
    """Return the names in a path; an index or key belongs to the name before it."""
    steps: list[str] = []
    for step in _STEP.findall(path):
        if step.startswith("[") and steps:
            steps[-1] += step
        else:
            steps.append(step)
    return steps or [path]


def _lines(node: _Node, indent: int) -> Iterator[str]:
    named = [_collapsed(name, child) for name, child in node.children.items()]
    leaves = [name for name, child in named if not child.children and len(name) <= _WIDEST_NAME]
    width = max(map(len, leaves), default=0)
    for name, child in named:
        if child.children:
            yield f"{' ' * indent}{name}"
            yield from _lines(child, indent + 2)
        for item in () if child.children else child.changes:
            yield f"{' ' * indent}{name.ljust(width)}  {show_transition(item)}"


def _collapsed(name: str, node: _Node) -> _Named:
    """Return a name joined with those below it as long as there is only one."""
    while len(node.children) == 1 and not node.changes:
        below, node = next(iter(node.children.items()))
        name = f"{name}{below}" if below.startswith("[") else f"{name}.{below}"
    return name, node


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
