"""What would change in one object, field by field: what is live beside what the server would make of it.

The server's own dry run decides the values; here is only decided how a difference is told: elements of lists
are named by their keys, what the server sets by itself is left out, secrets are masked and values that are
not known yet are shown as such and never as decided.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Absent, Unknown, Value, masked
from orchestrator.stack.expressions import Pending, Tree
from orchestrator.stack.model import Json
from orchestrator.workloads.ownership import MARKS

Path: TypeAlias = tuple[str | int, ...]
Side: TypeAlias = "Tree | Absent"

_PLAIN_KEY: Final = re.compile(r"[\w-]+")

_SET_BY_SERVER: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

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
    """What a manifest says about one node: its value, and which paths below it are secret."""

    value: Side = ABSENT
    secret: frozenset[Path] = field(default_factory=frozenset)

    def below(self, key: str | int) -> "Intent":
        """Return the intent for one key or index of this node; below a secret everything is secret."""
        secret = frozenset(path[1:] for path in self.secret if not path or path[0] == key)
        match self.value, key:
            case dict() as mapping, str() if key in mapping:
                return Intent(value=mapping[key], secret=secret)
            case list() as items, int() if key < len(items):
                return Intent(value=items[key], secret=secret)
            case _:
                return Intent(secret=secret)


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
    found = _walk(dict(live or {}), dict(result), intent, "")
    return tuple(sorted(found, key=lambda change: change.path))


def secret_paths(group: str, kind: str) -> frozenset[Path]:
    """Return the paths whose values are secret in every object of a kind."""
    if (group, kind) != ("", "Secret"):
        return frozenset()
    return frozenset({("data",), ("stringData",), ("metadata", "annotations", _LAST_APPLIED)})


def _walk(before: Side, after: Side, intent: Intent, path: str) -> Iterator[FieldChange]:
    sources = _pending_here(intent.value)
    if sources:
        yield FieldChange(path=path, before=_shown(before, intent), after=Unknown(sources=sources))
    elif _divisible(before, after, dict):
        yield from _maps(_as_map(before), _as_map(after), intent, path)
    elif _divisible(before, after, list) and any(
        map(_is_map, [*_as_list(before), *_as_list(after)])
    ):
        yield from _lists(_as_list(before), _as_list(after), intent, path)
    elif before != after:
        yield FieldChange(path=path, before=_shown(before, intent), after=_shown(after, intent))


def _pending_here(value: Side) -> tuple[str, ...]:
    """Return what a node waits for; a list that holds something pending is pending as a whole."""
    match value:
        case Pending():
            return value.references
        case list():
            return tuple(
                sorted(
                    {ref for item in value if isinstance(item, Pending) for ref in item.references}
                )
            )
        case _:
            return ()


def _divisible(before: Side, after: Side, shape: type[dict[str, Tree]] | type[list[Tree]]) -> bool:
    """Whether both sides have this shape or are not there, and there is something inside to tell apart."""
    sides = [side for side in (before, after) if not isinstance(side, Absent)]
    return all(isinstance(side, shape) for side in sides) and any(sides)


def _maps(
    before: Mapping[str, Tree], after: Mapping[str, Tree], intent: Intent, path: str
) -> Iterator[FieldChange]:
    wanted = intent.value if isinstance(intent.value, dict) else {}
    pending = {key for key, value in wanted.items() if _holds_pending(value)}
    for key in sorted({*before, *after, *pending}):
        if not _left_out(path, key, wanted):
            sides = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from _walk(*sides, intent.below(key), _join(path, key))


def _left_out(path: str, key: str, wanted: Mapping[str, Tree]) -> bool:
    match path:
        case "":
            return key == "status" and "status" not in wanted
        case "metadata":
            return key in _SET_BY_SERVER
        case "metadata.labels" | "metadata.annotations":
            return key in MARKS
        case _:
            return False


def _lists(
    before: Sequence[Tree], after: Sequence[Tree], intent: Intent, path: str
) -> Iterator[FieldChange]:
    keys = _keys_of(before, after)
    old, new = _named(before, keys), _named(after, keys)
    for name in dict.fromkeys([*old, *new]):
        sides = old.get(name, ABSENT), new.get(name, ABSENT)
        element = new.get(name, old.get(name, ABSENT))
        yield from _walk(*sides, _intent_for(element, name, intent, keys=keys), f"{path}[{name}]")


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


def _intent_for(element: Side, name: str, intent: Intent, *, keys: tuple[str, ...]) -> Intent:
    """Return the manifest's intent for an element; where it cannot be told which one, all is kept secret."""
    if not keys:
        return intent.below(int(name))
    wanted = intent.value if isinstance(intent.value, list) else []
    matching = [index for index, item in enumerate(wanted) if _could_be(item, element, keys)]
    if len(matching) == 1:
        return intent.below(matching[0])
    return Intent(secret=frozenset({()}) if intent.secret else frozenset())


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


def _holds_pending(value: Tree) -> bool:
    match value:
        case Pending():
            return True
        case dict():
            return any(map(_holds_pending, value.values()))
        case list():
            return any(map(_holds_pending, value))
        case _:
            return False


def _as_map(side: Side) -> Mapping[str, Tree]:
    return side if isinstance(side, dict) else {}


def _as_list(side: Side) -> Sequence[Tree]:
    return side if isinstance(side, list) else ()


def _is_map(value: Tree) -> bool:
    return isinstance(value, dict)


def _join(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key
