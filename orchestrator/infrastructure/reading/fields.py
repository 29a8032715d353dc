"""The fields of one change in a plan document: two values and the trees that mark parts of them; pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Unknown, Value, masked
from orchestrator.stack.model import Json

Document: TypeAlias = Mapping[str, Any]
Hides: TypeAlias = Callable[[Json], bool]
"""Whether a value that nobody marked holds a secret that is known from elsewhere."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NO_VALUE = object()


def read_fields(change: Document, hides: Hides) -> tuple[FieldChange, ...]:
    """Return what differs between the two sides of a change, in the smallest parts, sorted by path."""
    if change["actions"] in (["no-op"], ["forget"]):
        return ()
    before = _Side(value=_or_unset(change.get("before")), sensitive=change.get("before_sensitive"))
    after = _Side(
        value=_or_unset(change.get("after")),
        unknown=change.get("after_unknown") if change["actions"] != ["delete"] else False,
        sensitive=change.get("after_sensitive"),
    )
    forcing = tuple(tuple(path) for path in change.get("replace_paths") or ())
    found = _walk((), before, after)
    fields = (
        FieldChange(
            path=_written(path),
            before=old.shown(hides),
            after=new.shown(hides),
            forces_replacement=any(_overlap(path, forced) for forced in forcing),
        )
        for path, old, new in found
    )
    return tuple(sorted(fields, key=lambda field: field.path))


class _Side(NamedTuple):
    """One side of a field: its value, and the trees that mark what of it is unknown or sensitive.

    A tuple, since a large plan has hundreds of thousands of them, and a frozen class takes far longer to make.
    """

    value: Any
    unknown: Any = False
    sensitive: Any = False

    @property
    def whole(self) -> bool:
        """Whether there is nothing to look into: a leaf, or a mark over all of it."""
        marked = self.unknown is True or self.sensitive is True
        return marked or not isinstance(self.value, dict | list)

    @property
    def missing(self) -> bool:
        return self.unknown is not True and self.value is _NO_VALUE

    def parts(self) -> list[str | int]:
        if self.whole:
            return []
        if isinstance(self.value, list):
            marks = len(self.unknown) if isinstance(self.unknown, list) else 0
            return list(range(max(len(self.value), marks)))
        marked = self.unknown if isinstance(self.unknown, dict) else {}
        return list(dict.fromkeys([*self.value, *(key for key in marked if any_true(marked[key]))]))

    def at(self, key: str | int) -> "_Side":
        value = _child(self.value, key, _NO_VALUE)
        # An attribute that is null is not set; an element that is null is there.
        unset = value is None and isinstance(key, str)
        return _Side(
            _NO_VALUE if unset else value,
            _child(self.unknown, key, default=False) if self.unknown else False,
            _child(self.sensitive, key, default=False) if self.sensitive else False,
        )

    def shown(self, hides: Hides) -> Value:
        if self.unknown is True:
            return Unknown()
        if self.missing:
            return ABSENT
        if any_true(self.sensitive) or hides(self.value):
            return masked(self.value)
        return self.value  # type: ignore[no-any-return]


def _or_unset(value: Any) -> Any:
    return _NO_VALUE if value is None else value


_Path: TypeAlias = tuple[str | int, ...]


def _walk(path: _Path, before: _Side, after: _Side) -> Iterator[tuple[_Path, _Side, _Side]]:
    """Yield the smallest parts that differ."""
    if (before.missing and after.missing) or (after.unknown is not True and _same(before, after)):
        return
    keys = _common_keys(before, after)
    smaller = [part for key in keys for part in _walk((*path, key), before.at(key), after.at(key))]
    # What comes or goes with nothing but nulls in it is still something.
    if not keys or (not smaller and before.missing != after.missing):
        yield path, before, after
    yield from smaller


def _common_keys(before: _Side, after: _Side) -> list[str | int]:
    """Return what to look into, when both sides have the same shape or one is missing."""
    if before.missing:
        return after.parts()
    if after.missing:
        return before.parts()
    if before.whole or after.whole or type(before.value) is not type(after.value):
        return []
    return list(dict.fromkeys([*before.parts(), *after.parts()]))


def _same(before: _Side, after: _Side) -> bool:
    return _equal(before.value, after.value) and not any_true(after.unknown)


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: Python takes True for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _child(tree: Any, key: str | int, default: Any) -> Any:
    if tree is True:
        return True
    if isinstance(tree, dict):
        return tree.get(key, default)
    if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
        return tree[key]
    return default


def _written(path: _Path) -> str:
    """Return a path as people write it: ``tags.Name``, ``ingress[0].cidr``, ``labels["app/name"]``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f'["{key}"]'
    return text


def _overlap(path: _Path, forced: _Path) -> bool:
    length = min(len(path), len(forced))
    return path[:length] == forced[:length]


def any_true(tree: Any) -> bool:
    """Return whether a tree of marks marks anything."""
    if isinstance(tree, dict):
        return any(map(any_true, tree.values()))
    if isinstance(tree, list):
        return any(map(any_true, tree))
    return tree is True
