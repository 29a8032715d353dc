"""The fields of a change as an indented tree, so that what they have in common is written once.

A value that is too long for a line is shown by the lines in which it differs.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value
from orchestrator.reports.differences import LONGEST_VALUE, around_difference, difference, escaped

_STEP = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]])*\]|[^.\[]+')
_WIDEST_NAME = 28


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
    """Return a field's old and new value in one line, with what is to be known of it."""
    notes = ["  # forces replacement"] if item.forces_replacement else []
    return _old_to_new(item.before, item.after) + "".join(notes)


def _old_to_new(before: Value, after: Value) -> str:
    match before, after:
        case Absent(), _:
            return show(after)
        case _, Absent():
            return f"{show(before)} → (removed)"
        case (Masked(), Masked()):
            return "(sensitive, changed)"
        case Redacted(), Redacted() if before.value == after.value:
            return f"{show(after)} (what is sensitive in it changed)"
        case str(), str() if max(len(before), len(after)) > LONGEST_VALUE:
            old, new = around_difference(before, after), around_difference(after, before)
            return f"{show(old)} → {show(new)}"
        case _:
            return f"{show(before)} → {show(after)}"


def show(value: Value) -> str:
    """Return a value in one line, cut when long, with what was cut counted."""
    match value:
        case Absent():
            return "(none)"
        case Unknown() | Masked():
            return str(value)
        case Redacted():
            return show(value.value)
        case _:
            text = escaped(json.dumps(value, ensure_ascii=False))
            if len(text) <= LONGEST_VALUE:
                return text
            return f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


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
        for item in child.changes:
            yield from _field(item, name.ljust(0 if child.children else width), indent)


def _field(item: FieldChange, name: str, indent: int) -> Iterator[str]:
    lines = difference(_plain(item.before), _plain(item.after))
    if not lines:
        yield f"{' ' * indent}{name}  {show_transition(item)}"
        return
    gone = "  (removed)" if isinstance(item.after, Absent) else ""
    forcing = "  # forces replacement" if item.forces_replacement else ""
    yield f"{' ' * indent}{name.rstrip()}{gone}{forcing}"
    yield from (f"{' ' * (indent + 2)}{line}" for line in lines)


def _plain(value: Value) -> Value:
    return value.value if isinstance(value, Redacted) else value


def _collapsed(name: str, node: _Node) -> _Named:
    """Return a name joined with those below it as long as there is only one."""
    while len(node.children) == 1 and not node.changes:
        below, node = next(iter(node.children.items()))
        name = f"{name}{below}" if below.startswith("[") else f"{name}.{below}"
    return name, node
