"""Values that do not fit on a line, shown as the lines in which they differ.

Each line starts with ``| ``, so that nothing breaks it anew; then comes what diff says: `` ``, ``-``, ``+`` or
``@@``. What can be read as JSON is compared in its parts, whatever its spacing.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.plans.values import Absent, Value
from orchestrator.stack.model import Json

LONGEST_VALUE: Final = 160
_LONGEST_LINE: Final = 100
_LONGEST_INSIDE: Final = 60  # of a list of plain values inside of something
_MOST_LINES: Final = 30
_MOST_OF_A_WHOLE: Final = 10  # of what comes or goes as one, the beginning says what it is
_AROUND: Final = 3
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def escaped(text: str) -> str:
    """Return a text with what cannot be seen, or would move the cursor, written out as JSON does."""
    return _INVISIBLE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def difference(before: Value, after: Value) -> tuple[str, ...]:
    """Return the lines in which two values differ, or none where they are better shown side by side.

    That is so for short ones, and for those that are no texts, lists or maps. A value that comes or goes is all
    added or removed.
    """
    shapes = {type(side) for side in (before, after) if not isinstance(side, Absent)}
    if not shapes <= {str, list, dict} or not any(map(_long, (before, after))):
        return ()
    texts = shapes == {str}
    old, new = _lines(before, texts=texts), _lines(after, texts=texts)
    if old is None or new is None or old == new:
        old, new = _lines(before), _lines(after)
    if len(old or ()) <= 1 and len(new or ()) <= 1:
        return ()
    most = _MOST_LINES if old and new else _MOST_OF_A_WHOLE
    compared = _capped([*_compared(old or [], new or [])], most)
    return tuple(f"| {line}".rstrip() for line in compared)


def around_difference(one: str, other: str) -> str:
    """Return the part of a long line that holds its first difference from another one."""
    if len(one) <= _LONGEST_LINE:
        return one
    equal = next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    start = max(0, min(equal - _LONGEST_LINE // 3, len(one) - _LONGEST_LINE))
    end = start + _LONGEST_LINE
    return f"{'…' if start else ''}{one[start:end]}{'…' if end < len(one) else ''}"


def _long(side: Value) -> bool:
    if isinstance(side, str):
        return "\n" in side.rstrip("\n") or len(side) > LONGEST_VALUE or _parsed(side) is not None
    return isinstance(side, list | dict) and len(json.dumps(side)) > _LONGEST_LINE


def _lines(side: Value, *, texts: bool = False) -> list[str] | None:
    """Return a value's lines; with ``texts`` those of what a text holds as JSON, None if it holds none."""
    match side:
        case Absent():
            return []
        case str():
            parsed = _parsed(side) if texts else None
            if texts:
                return None if parsed is None else [*_outline(parsed)]
            return _LINE.findall(side)
        case list() | dict():
            return [*_outline(side)]
        case _:
            return [json.dumps(side, ensure_ascii=False)] if not texts else None


def _parsed(text: str) -> Json:
    """Return what a text holds as JSON: a list or a map with something in it, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found or None


def _outline(value: Json) -> Iterator[str]:
    """Yield a list or map in lines, one for each thing in it, as YAML would be written."""
    match value:
        case dict():
            for key, item in sorted(value.items()):
                yield from _entry(f"{key}:", item)
        case list():
            for item in value:
                first, *others = [*_outline(item)] if _nested(item) else [_plain(item)]
                yield f"- {first}"
                yield from (f"  {line}" for line in others)
        case _:
            yield _plain(value)


def _entry(key: str, item: Json) -> Iterator[str]:
    if not _nested(item):
        yield f"{key} {_plain(item)}"
        return
    yield key
    yield from (f"  {line}" for line in _outline(item))


def _nested(item: Json) -> bool:
    """Whether a value gets lines of its own: one that holds others, but for a short list of plain ones."""
    match item:
        case dict() | list() if not item:
            return False
        case list() if not any(isinstance(each, dict | list) for each in item):
            return len(_plain(item)) > _LONGEST_INSIDE
        case _:
            return isinstance(item, dict | list)


def _plain(item: Json) -> str:
    return json.dumps(item, ensure_ascii=False)


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    if not old or not new:
        sign, lines = ("+", new) if new else ("-", old)
        yield from (f"{sign} {_visible(line, line)}" for line in lines)
        return
    hunks = difflib.unified_diff(old, new, n=_AROUND, lineterm="")
    found = [line for line in hunks if not line.startswith(("--- ", "+++ "))]
    for index, line in enumerate(found):
        yield (
            line
            if line.startswith("@@")
            else f"{line[0]} {_visible(line[1:], _partner(found, index))}"
        )
        if line[0] in "+-" and _lacks_newline(line, old, new):
            yield "  (no newline at the end)"


def _partner(lines: Sequence[str], index: int) -> str:
    """Return the line that one was replaced by or replaces, where as many came as went; else itself."""
    sign = lines[index][0]
    if sign not in "+-":
        return lines[index][1:]
    start = index
    while start > 0 and lines[start - 1][0] in "+-":
        start -= 1
    end = index
    while end < len(lines) and lines[end][0] in "+-":
        end += 1
    removed = [line for line in lines[start:end] if line[0] == "-"]
    if 2 * len(removed) != end - start:
        return lines[index][1:]
    offset = len(removed) if sign == "-" else -len(removed)
    return lines[index + offset][1:]


def _visible(line: str, other: str) -> str:
    text = around_difference(line.rstrip("\n"), other.rstrip("\n"))
    bare = text.rstrip(" ")
    return escaped(bare) + "·" * (len(text) - len(bare))


def _lacks_newline(line: str, old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether this is the last line of a text that does not end as the other one does."""
    side, other = (old, new) if line[0] == "-" else (new, old)
    return line[1:] == side[-1] and not line.endswith("\n") and other[-1].endswith("\n")


def _capped(lines: list[str], most: int) -> list[str]:
    left_out = len(lines) - most
    if left_out <= 1:
        return lines
    return [*lines[:most], f"… {left_out} more lines"]
