"""One unit's entry in the text of a stack file, exchanged for that of another text; pure.

Lines are exchanged as they stand, with their comments, and what comes out is read again: it says what was wanted
or nothing is returned. So whatever YAML has in store, no other unit is touched.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.errors import InvalidStack
from orchestrator.stack.model import Json, UnitId
from orchestrator.stack.yaml import parse


def with_entry(text: str, source: str, unit: UnitId) -> str | None:
    """Return a stack file with the entry of a unit as another has it, without it where that one has none.

    None when that cannot be done line by line, as where units stand in one line.
    """
    section, _, name = unit.partition(".")
    made = _exchanged(text, source, section, name)
    now, then, found = _values(text), _values(source), _values(made)
    if now is None or then is None or found is None:
        return None
    wanted = dict(_section(now, section))
    wanted.pop(name, None)
    if name in _section(then, section):
        wanted[name] = _section(then, section)[name]
    others = {key: value for key, value in now.items() if key != section}
    kept = {key: value for key, value in found.items() if key != section}
    return made if kept == others and dict(_section(found, section)) == wanted else None


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where a part of a text stands: its first line, and the one after its last."""

    first: int
    end: int


def _exchanged(text: str, source: str, section: str, name: str) -> str:
    lines, others = text.splitlines(), source.splitlines()
    entry = _entry(others, section, name)
    taken = others[entry.first : entry.end] if entry else []
    place = _entry(lines, section, name)
    if place is not None:
        lines[place.first : place.end] = taken
    elif (block := _block(lines, f"{section}:", _Lines(0, len(lines)))) is not None:
        lines[block.end : block.end] = taken
    elif taken:
        lines += [f"{section}:", *taken]
    return "\n".join(_without_empty(lines, section)) + "\n"


def _without_empty(lines: list[str], section: str) -> list[str]:
    """Return the lines without the head of a section that nothing is left in."""
    block = _block(lines, f"{section}:", _Lines(0, len(lines)))
    if block is None or block.end > block.first + 1:
        return lines
    return [*lines[: block.first], *lines[block.end :]]


def _entry(lines: list[str], section: str, name: str) -> _Lines | None:
    whole = _block(lines, f"{section}:", _Lines(0, len(lines)))
    if whole is None:
        return None
    inner = _Lines(whole.first + 1, whole.end)
    return next(
        (
            found
            for key in (f"{name}:", f'"{name}":', f"'{name}':")
            if (found := _block(lines, key, inner)) is not None
        ),
        None,
    )


def _block(lines: list[str], key: str, within: _Lines) -> _Lines | None:
    """Return where a key stands with all that is indented below it, at the least indentation of those lines."""
    told = [line for line in lines[within.first : within.end] if _tells(line)]
    margin = min(map(_indent, told), default=0)
    for first in range(within.first, within.end):
        line = lines[first]
        if _indent(line) == margin and re.match(rf"{re.escape(key)}(\s|$)", line.strip()):
            return _Lines(first, _end(lines, first, within.end))
    return None


def _end(lines: list[str], first: int, limit: int) -> int:
    end = first + 1
    for number in range(first + 1, limit):
        if not lines[number].strip():
            continue
        if _indent(lines[number]) <= _indent(lines[first]):
            break
        end = number + 1
    return end


def _tells(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _values(text: str) -> Mapping[str, Json] | None:
    try:
        documents = parse(text, "stack.yaml")
    except InvalidStack:
        return None
    value = documents[0].value if len(documents) == 1 else None
    return value if isinstance(value, dict) else None


def _section(values: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}
