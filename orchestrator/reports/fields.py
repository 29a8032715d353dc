"""The fields of a change as an indented tree, so that what they have in common is written once.

A value that is too long for a line is shown by the lines in which it differs.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value
from orchestrator.reports.differences import LONGEST_VALUE, around_difference, difference, escaped
from orchestrator.reports.folding import COLUMNS

_WRITTEN = json.JSONEncoder(ensure_ascii=False).encode
_STEP = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]])*\]|[^.\[]+')
_WIDEST_NAME = 28


@dataclass(slots=True)
class _Node:
    """What is below one name: a field of its own, or more names."""

    changes: list[FieldChange] = field(default_factory=list)
    children: "dict[str, _Node]" = field(default_factory=dict)


_Named: TypeAlias = tuple[str, _Node]


def render_fields(fields: Sequence[FieldChange], *, indent: int) -> Iterator[str]:
    """Yield lines for fields in their order; a chain of single names stays on one line.

    Where only some of them are drift, these say so; otherwise the line above says it of all.
    """
    root = _Node()
    all_drift = all(item.touch for item in fields)
    for item in [replace(item, touch=None) for item in fields] if all_drift else fields:
        node = root
        for step in _steps(item.path):
            node = node.children.setdefault(step, _Node())
        node.changes.append(item)
    yield from _lines(root, indent)


def show_transition(item: FieldChange) -> str:
    """Return a field's old and new value in one line, with what is to be known of it."""
    return " → ".join(_sides(item.before, item.after)) + _notes(item)


def _notes(item: FieldChange) -> str:
    forcing = "  # forces replacement" if item.forces_replacement else ""
    return f"{forcing}  # drift" if item.touch else forcing


def _sides(before: Value, after: Value) -> Sequence[str]:
    """Return what a field was and what it becomes, or in one what there is to say of both."""
    match before, after:
        case Absent(), _:
            return (show(after),)
        case _, Absent():
            return show(before), "(removed)"
        case (Masked(), Masked()):
            return ("(sensitive, changed)",)
        case Redacted(), Redacted() if before.value == after.value:
            return (f"{show(after)} (what is sensitive in it changed)",)
        case _:
            return tuple(map(show, _shortened(_plain(before), _plain(after))))


def _shortened(before: Value, after: Value) -> tuple[Value, Value]:
    """Return two long texts around their first difference, anything else as it is."""
    match before, after:
        case str(), str() if max(len(before), len(after)) > LONGEST_VALUE:
            return around_difference(before, after), around_difference(after, before)
        case _:
            return before, after


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
            text = escaped(_WRITTEN(value))
            if len(text) <= LONGEST_VALUE:
                return text
            return f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


@lru_cache(maxsize=1024)  # thousands of objects of a kind have the same fields
def _steps(path: str) -> tuple[str, ...]:
    """Return the names in a path; an index or key belongs to the name before it."""
    steps: list[str] = []
    for step in _STEP.findall(path):
        if step.startswith("[") and steps:
            steps[-1] += step
        else:
            steps.append(step)
    return tuple(steps) or (path,)


def _lines(node: _Node, indent: int) -> Iterator[str]:
    named = [_collapsed(name, child) for name, child in node.children.items()]
    told = [(name, child, [_Told.of(item) for item in child.changes]) for name, child in named]
    short = [name for name, child, items in told if not child.children and not items[0].lines]
    width = max((len(name) for name in short if len(name) <= _WIDEST_NAME), default=0)
    for name, child, items in told:
        if child.children:
            yield f"{' ' * indent}{name}"
            yield from _lines(child, indent + 2)
        for item in items:
            yield from item.shown(name, indent, width=0 if child.children else width)


@dataclass(frozen=True, slots=True)
class _Told:
    """A field, and the lines in which its values differ if they do not fit on one."""

    change: FieldChange
    lines: tuple[str, ...]

    @classmethod
    def of(cls, change: FieldChange) -> "_Told":
        return cls(change, difference(_plain(change.before), _plain(change.after)))

    def shown(self, name: str, indent: int, *, width: int) -> Iterator[str]:
        if not self.lines:
            line = f"{' ' * indent}{name.ljust(width)}  {show_transition(self.change)}"
            yield from [line] if len(line) <= COLUMNS else self._below(name, indent)
            return
        gone = "  (removed)" if isinstance(self.change.after, Absent) else ""
        yield f"{' ' * indent}{name}{gone}{_notes(self.change)}"
        yield from (f"{' ' * (indent + 2)}{line}" for line in self.lines)

    def _below(self, name: str, indent: int) -> Iterator[str]:
        """Yield a field that has no room beside its name: the values come below it, and stay whole."""
        deeper = " " * (indent + 2)
        transition = f"{deeper}{show_transition(self.change)}"
        if len(transition) <= COLUMNS:
            yield f"{' ' * indent}{name}"
            yield transition
            return
        yield f"{' ' * indent}{name}{_notes(self.change)}"
        before, *after = _sides(self.change.before, self.change.after)
        yield f"{deeper}{before}"
        yield from (f"{deeper}→ {side}" for side in after)


def _plain(value: Value) -> Value:
    return value.value if isinstance(value, Redacted) else value


def _collapsed(name: str, node: _Node) -> _Named:
    """Return a name joined with those below it as long as there is only one."""
    while len(node.children) == 1 and not node.changes:
        below, node = next(iter(node.children.items()))
        name = f"{name}{below}" if below.startswith("[") else f"{name}.{below}"
    return name, node
