"""What would change in one object, field by field: what is live beside what the server would make of it.

The server's own dry run decides the values; here is only decided how a difference is told: elements of lists
are named by their keys, what the server sets by itself is left out, secrets are masked and values that are
not known yet are shown as such and never as decided.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Absent, Unknown, Value, masked
from orchestrator.stack.expressions import Path, Pending, Tree, pending_in
from orchestrator.stack.model import Json
from orchestrator.workloads.ownership import MARKS

Side: TypeAlias = "Tree | Absent"

_PLAIN_KEY: Final = re.compile(r"[\w-]+")

# Of the metadata: what the server sets by itself, and what the change's name says already.
_NOT_TOLD: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_IDENTITY: Final = frozenset({"apiVersion", "kind"})

# The keys by which the elements of Kubernetes' lists are told apart; the first that every element has and
# that tells them all apart is used. Only for telling: what merges with what is the server's decision.
_KEYS: Final = (
    ("name",),
    ("mountPath",),
    ("devicePath",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("topologyKey", "whenUnsatisfiable"),
    ("ip",),
    ("key",),
    ("type",),
    ("uid",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a manifest says about one node: where it is, its value, and which paths below it are secret.

    ``path`` is how people write it, and empty for the object itself.
    """

    path: str = ""
    value: Side = ABSENT
    secret: frozenset[Path] = field(default_factory=frozenset)

    def of_key(self, key: str) -> "Intent":
        """Return the intent for one key of a map; below a secret everything is secret."""
        known = isinstance(self.value, dict) and key in self.value
        value = self.value[key] if known and isinstance(self.value, dict) else ABSENT
        return Intent(path=_join(self.path, key), value=value, secret=self._below(key))

    def of_element(self, name: str, index: int | None) -> "Intent":
        """Return the intent for one element of a list, which the manifest has at ``index`` if at all.

        Where it cannot be told which one it is, all of it is kept secret if anything in the list is.
        """
        path = f"{self.path}[{name}]"
        if index is None or not isinstance(self.value, list) or index >= len(self.value):
            return Intent(path=path, secret=frozenset({()}) if self.secret else frozenset())
        return Intent(path=path, value=self.value[index], secret=self._below(index))

    def _below(self, key: str | int) -> frozenset[Path]:
        return frozenset(path[1:] for path in self.secret if not path or path[0] == key)


def compare(
    live: Mapping[str, Json] | None,
    result: Mapping[str, Tree],
    *,
    intent: Intent,
) -> tuple[FieldChange, ...]:
    """Return the fields in which ``result`` differs from ``live``, sorted by path.

    ``result`` is what the server would store, or the manifest itself for an object that is not there yet;
    ``intent`` is the manifest, whose pending leaves are shown as unknown and whose secret paths as masked.
    """
    before = cast("dict[str, Tree]", dict(live or {}))
    return tuple(sorted(_maps(before, result, intent), key=lambda change: change.path))


def _walk(before: Side, after: Side, intent: Intent) -> Iterator[FieldChange]:
    sources = _pending_here(intent.value)
    if sources:
        yield FieldChange(
            path=intent.path, before=_shown(before, intent), after=Unknown(sources=sources)
        )
    elif _divisible(before, after, dict):
        yield from _maps(_as_map(before), _as_map(after), intent)
    elif _divisible(before, after, list) and _holds_maps(before, after):
        yield from _lists(_as_list(before), _as_list(after), intent)
    elif before != after:
        yield FieldChange(
            path=intent.path, before=_shown(before, intent), after=_shown(after, intent)
        )


def _pending_here(value: Side) -> tuple[str, ...]:
    """Return what a node waits for; a list that holds something pending is pending as a whole."""
    match value:
        case Pending():
            return value.references
        case list():
            waiting = [item.references for item in value if isinstance(item, Pending)]
            return tuple(sorted({reference for found in waiting for reference in found}))
        case _:
            return ()


def _divisible(before: Side, after: Side, shape: type[dict[str, Tree]] | type[list[Tree]]) -> bool:
    """Whether both sides have this shape or are not there, and there is something inside to tell apart."""
    sides = [side for side in (before, after) if not isinstance(side, Absent)]
    return all(isinstance(side, shape) for side in sides) and any(sides)


def _holds_maps(before: Side, after: Side) -> bool:
    """Whether lists are told element by element; a list of plain values is one value."""
    return any(isinstance(item, dict) for item in [*_as_list(before), *_as_list(after)])


def _maps(
    before: Mapping[str, Tree], after: Mapping[str, Tree], intent: Intent
) -> Iterator[FieldChange]:
    wanted = intent.value if isinstance(intent.value, dict) else {}
    pending = {key for key, value in wanted.items() if pending_in(value)}
    for key in sorted({*before, *after, *pending}):
        if not _left_out(intent.path, key, wanted):
            sides = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from _walk(*sides, intent.of_key(key))


def _left_out(path: str, key: str, wanted: Mapping[str, Tree]) -> bool:
    match path:
        case "":
            return key in _IDENTITY or (key == "status" and "status" not in wanted)
        case "metadata":
            return key in _NOT_TOLD
        case "metadata.labels" | "metadata.annotations":
            return key in MARKS
        case _:
            return False


def _lists(before: Sequence[Tree], after: Sequence[Tree], intent: Intent) -> Iterator[FieldChange]:
    keys = _keys_of(before, after)
    old, new = _named(before, keys), _named(after, keys)
    for name in dict.fromkeys([*old, *new]):
        sides = old.get(name, ABSENT), new.get(name, ABSENT)
        index = _index_in(intent.value, name, new.get(name, old.get(name, ABSENT)), keys=keys)
        yield from _walk(*sides, intent.of_element(name, index))


def _keys_of(before: Sequence[Tree], after: Sequence[Tree]) -> tuple[str, ...]:
    return next(
        (keys for keys in _KEYS if _tells_apart(keys, before) and _tells_apart(keys, after)), ()
    )


def _tells_apart(keys: tuple[str, ...], items: Sequence[Tree]) -> bool:
    names = [_name(item, keys) for item in items]
    return all(names) and len(set(names)) == len(names)


def _name(item: Tree, keys: tuple[str, ...]) -> str:
    """Return ``name=web`` or ``containerPort=80,protocol=TCP``; empty when the first key is missing."""
    if not isinstance(item, dict) or not isinstance(item.get(keys[0]), str | int):
        return ""
    return ",".join(f"{key}={item[key]}" for key in keys if key in item)


def _named(items: Sequence[Tree], keys: tuple[str, ...]) -> dict[str, Tree]:
    names = [_name(item, keys) for item in items] if keys else map(str, range(len(items)))
    return dict(zip(names, items, strict=True))


def _index_in(wanted: Side, name: str, element: Side, *, keys: tuple[str, ...]) -> int | None:
    """Return which of the manifest's elements this is, or None where that cannot be told."""
    if not keys:
        return int(name)
    matching = [
        index for index, item in enumerate(_as_list(wanted)) if _could_be(item, element, keys)
    ]
    return matching[0] if len(matching) == 1 else None


def _could_be(item: Tree, element: Side, keys: tuple[str, ...]) -> bool:
    # A key that the manifest leaves out was defaulted by the server (a port's protocol).
    if not isinstance(item, dict) or not isinstance(element, dict):
        return False
    return all(item[key] == element.get(key) for key in keys if key in item)


def _shown(side: Side, intent: Intent) -> Value:
    if isinstance(side, Absent):
        return ABSENT
    plain = _without_pending(side)
    return masked(plain) if intent.secret else plain


def _without_pending(value: Tree) -> Json:
    match value:
        case Pending():
            return str(Unknown(sources=value.references))
        case dict():
            return {key: _without_pending(item) for key, item in value.items()}
        case list():
            return [_without_pending(item) for item in value]
        case _:
            return value


def _as_map(side: Side) -> Mapping[str, Tree]:
    return side if isinstance(side, dict) else {}


def _as_list(side: Side) -> Sequence[Tree]:
    return side if isinstance(side, list) else ()


def _join(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
