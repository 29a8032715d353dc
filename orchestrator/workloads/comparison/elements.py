"""How people tell the elements of a list apart: by the key that Kubernetes knows them by, else by position.

Only for telling: what merges with what is the server's decision.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from orchestrator.plans.values import Absent
from orchestrator.stack.expressions import Pending, Tree

Keys: TypeAlias = tuple[str, ...]
"""The fields that together name an element; a dot leads into a map. The empty tuple means the position."""

# The keys of built-in lists by the name of their field, where the general ones would not find them first.
_OF_FIELD: Final[Mapping[str, tuple[Keys, ...]]] = {
    "conditions": (("type",),),
    "envFrom": (("configMapRef.name", "secretRef.name"), ("configMapRef.name", "secretRef.name", "prefix")),
    "hostAliases": (("ip",),),
    "metrics": (
        ("type", "resource.name", "containerResource.name", "pods.metric.name", "object.metric.name"),
        ("type", "external.metric.name"),
    ),
    "ownerReferences": (("kind", "name"), ("uid",)),
    "paths": (("path",), ("path", "pathType")),
    "readinessGates": (("conditionType",),),
    "subjects": (("kind", "name"), ("kind", "namespace", "name")),
    "topologySpreadConstraints": (("topologyKey",), ("topologyKey", "whenUnsatisfiable")),
    "volumeDevices": (("devicePath",),),
    "volumeMounts": (("mountPath",),),
}  # fmt: skip
_GENERAL: Final[tuple[Keys, ...]] = (
    ("name",),
    ("metadata.name",),
    ("mountPath",),
    ("devicePath",),
    ("containerPort",),
    ("containerPort", "protocol"),
    ("port",),
    ("port", "protocol"),
    ("topologyKey", "whenUnsatisfiable"),
    ("ip",),
    ("host",),
    ("hostname",),
    ("key",),
    ("type",),
    ("alert",),
    ("record",),
    ("uid",),
    ("id",),
)
# What a volume's projected source is called; one of them is there.
_SOURCES: Final[Keys] = ("configMap.name", "secret.name", "serviceAccountToken.path")

_NAMES: Final = frozenset(
    key for keys in (*_GENERAL, *(one for each in _OF_FIELD.values() for one in each), _SOURCES) for key in keys
)  # fmt: skip

_PLAIN: Final = re.compile(r"[^\s\"\],=\\\x00-\x1f\x7f]+")
_LONGEST: Final = 120


def keys_of(field: str, before: Sequence[Tree], after: Sequence[Tree]) -> Keys:
    """Return the keys that tell the elements of both lists apart, empty where nothing but position does.

    Of several, those that find the most elements again: a port is followed by its name when its number
    changes, and by its number when its name does.
    """
    found: Keys = ()
    most = -1
    for keys in (
        *_OF_FIELD.get(field, ()),
        *_GENERAL,
        *((_SOURCES,) if field == "sources" else ()),
    ):
        old, new = _names(before, keys), _names(after, keys)
        if old is not None and new is not None and len(old & new) > most:
            found, most = keys, len(old & new)
        if most >= min(len(before), len(after)):
            break  # none finds more of them
    return found


def name_of(item: Tree, keys: Keys) -> str:
    """Return ``name=web`` or ``containerPort=80,protocol=TCP``; empty when the element has none of the keys."""
    parts = ((key, value) for key in keys if isinstance(value := at_key(item, key), str | int))
    return ",".join(f"{key}={_written(value)}" for key, value in parts)


def renames(path: str) -> str:
    """Return the path of the list whose elements have other names when the field at ``path`` has another value.

    Empty where the field names no element: it is in none, or is none of the keys.
    """
    head, bracket, field = path.rpartition("].")
    return head.rpartition("[")[0] if bracket and field in _NAMES else ""


def could_be(item: Tree, element: "Tree | Absent", keys: Keys) -> bool:
    """Whether a manifest's element is this one of the server's, which fills in keys that are left out.

    One whose key is pending could be any.
    """
    if not isinstance(item, dict) or not isinstance(element, dict):
        return False
    said = ((key, value) for key in keys if (value := at_key(item, key)) is not None)
    return all(isinstance(value, Pending) or value == at_key(element, key) for key, value in said)


def in_step(before: Sequence[Tree], after: Sequence[Tree]) -> bool:
    """Whether comparing by position tells what happened: nothing moved to another place in its list."""
    old, new = [_canonical(item) for item in before], [_canonical(item) for item in after]
    there, here = set(old), set(new)
    changed = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    if len(old) != len(new):
        return not changed
    return not any(one in here or other in there for one, other in changed)


def _names(items: Sequence[Tree], keys: Keys) -> set[str] | None:
    """Return the names of all elements, or None when these keys do not tell them apart."""
    names = {name for item in items if 0 < len(name := name_of(item, keys)) <= _LONGEST}
    if len(names) != len(items) or not all(
        at_key(item, keys[0]) is not None for item in _strict(items, keys)
    ):
        return None
    return names


def _strict(items: Sequence[Tree], keys: Keys) -> Iterator[Tree]:
    """Yield the elements that need to have the first key: all, but where the keys are alternatives."""
    if "." not in keys[0]:
        yield from items


def at_key(item: Tree, key: str) -> Tree:
    """Return what an element has at a key, in which a dot leads into a map; None where it has nothing."""
    if isinstance(item, dict) and key in item:
        return item[key]
    head, _, rest = key.partition(".")
    return at_key(item[head], rest) if rest and isinstance(item, dict) and head in item else None


def _written(value: str | int) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _canonical(item: Tree) -> str:
    return json.dumps(item, sort_keys=True, default=_marker)


def _marker(pending: Pending) -> str:
    return f"(pending: {', '.join(pending.references)})"
