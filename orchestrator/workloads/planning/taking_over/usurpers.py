"""What is in the way of a manifest though it declares nothing of it, and has to become ours before it can go. Pure.

Elements of keyed lists that people put in the place of ours, by changing the key of one by hand: to the server that is
another element. Ours went, and theirs stays beside the one that is applied again; where both have the same name the
server refuses that, whoever it is told about. And defaults that the server filled in itself, and does not allow beside
what Git wants by now: nobody owns these, and an apply only takes out what is ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from orchestrator.plans.change import FieldChange, Touch
from orchestrator.stack.expressions import Tree
from orchestrator.workloads.live import Live
from orchestrator.workloads.planning.taking_over.succession import by_hand
from orchestrator.workloads.records.fields import (
    NOTHING,
    Entry,
    FieldPath,
    FieldSet,
    entries,
    place_of,
    shown,
    union,
    value_of,
    without,
)
from orchestrator.workloads.records.notation import keys_of
from orchestrator.workloads.records.owned import moment

_KEYED: Final = "k:"
# Defaults of a kind, and the field beside them with the value that excludes them.
_EXCLUSIVE: Final[Mapping[tuple[tuple[str, str], FieldPath], tuple[str, str]]] = {
    (("apps/v1", "Deployment"), ("f:spec", "f:strategy", "f:rollingUpdate")): ("f:type", "Recreate")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usurped:
    """What is in the way: ``theirs`` as a record has it, or would; the lists of such elements, and such defaults."""

    theirs: FieldSet = NOTHING
    lists: tuple[FieldPath, ...] = ()
    defaults: tuple[FieldPath, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.theirs)


def usurped(manifest: Mapping[str, Tree], live: Live) -> Usurped:
    """Return the elements that people made of ours, like some of the manifest's that are lost; and defaults."""
    hands = [entry for entry in entries(live) if by_hand(entry.manager) and not entry.subresource]
    others = union(entry for entry in entries(live) if entry not in hands)
    found = {
        path
        for path in union(hands)
        if path[-1].startswith(_KEYED) and path not in others and _in_the_way(path, manifest, live)
    }
    theirs = frozenset(
        field
        for field in union(hands)
        if any(field[: length + 1] in found for length in range(len(field)))
    )
    defaults = _defaults(manifest, live)
    return Usurped(
        theirs=theirs.union(defaults),
        lists=tuple(sorted({path[:-1] for path in found})),
        defaults=defaults,
    )


def without_lost(manifest: Mapping[str, Tree], live: Live, found: Usurped) -> dict[str, Tree]:
    """Return the manifest without what cannot be beside what is in the way: what the server can be asked about."""
    result: Tree = without(manifest, frozenset(path[:-1] for path in found.defaults))
    for path in found.lists:
        lost = _lost(manifest, live, path)
        kept = [item for item in _items(manifest, path) if item not in lost]
        result = _with(result, path, kept)
    return cast("dict[str, Tree]", result)


def with_lost(
    value: Mapping[str, Tree], manifest: Mapping[str, Tree], live: Live, found: Usurped
) -> dict[str, Tree]:
    """Return an object with what the manifest has in place of what was in the way, elements in its order."""
    result: Tree = dict(value)
    for path in found.defaults:
        wanted = value_of(dict(without(manifest, frozenset({path}))), path[:-1])
        result = _put(result, path[:-1], wanted)
    for path in found.lists:
        kept, lost = _items(value, path), _lost(manifest, live, path)
        known: list[Tree] = [_name(item) for item in _items(manifest, path)]
        back = sorted(
            [*kept, *lost],
            key=partial(_position, known),
        )
        result = _with(result, path, back)
    return cast("dict[str, Tree]", result)


def _position(known: list[Tree], item: Tree) -> int:
    name = _name(item)
    return known.index(name) if name in known else len(known)


def _name(item: Tree) -> Tree:
    return item.get("name") if isinstance(item, dict) else None


def blamed(fields: Sequence[FieldChange], live: Live, theirs: FieldSet) -> tuple[FieldChange, ...]:
    """Return the changes of a plan, those of lists with elements in the way with who put these there, and when."""
    if not theirs:
        return tuple(fields)
    elements = (path for path in theirs if any(step.startswith(_KEYED) for step in path))
    heads = {shown(path[: _depth(path)]) + "[": _last(live, path) for path in elements}
    return tuple(_blamed(item, heads) for item in fields)


def _blamed(item: FieldChange, heads: Mapping[str, Touch]) -> FieldChange:
    touch = next((touch for head, touch in heads.items() if item.path.startswith(head)), None)
    known = item.touch is not None and item.touch.by
    return item if touch is None or known else replace(item, touch=touch)


def _depth(path: FieldPath) -> int:
    """Return how many steps lead to the innermost list of elements with keys."""
    return max(index for index, step in enumerate(path) if step.startswith(_KEYED))


def _last(live: Live, path: FieldPath) -> Touch:
    owners = [entry for entry in entries(live) if path in entry.fields and by_hand(entry.manager)]
    last = max(owners, key=_time)
    return Touch(by=last.manager, at=moment(last.time))


def _time(entry: Entry) -> str:
    return entry.time


def _in_the_way(path: FieldPath, manifest: Mapping[str, Tree], live: Live) -> bool:
    theirs = value_of(_tree(live), path)
    keys = keys_of(path[-1])
    return (
        isinstance(theirs, dict)
        and value_of(dict(manifest), path) is None
        and any(
            isinstance(item, dict) and any(_alike(item, theirs, key) for key in item.keys() - keys)
            for item in _lost(manifest, live, path[:-1])
        )
    )


def _alike(one: Mapping[str, Tree], other: Mapping[str, Tree], key: str) -> bool:
    return not isinstance(one[key], dict | list) and key in other and one[key] == other[key]


def _lost(manifest: Mapping[str, Tree], live: Live, path: FieldPath) -> list[Tree]:
    """Return the elements of a list in a manifest that are not live; a key that is left out was defaulted."""
    names = {
        key
        for entry in entries(live)
        for field in entry.fields
        if field[:-1] == path
        for key in keys_of(field[-1])
    }
    there = _items(_tree(live), path)
    return [
        item
        for item in _items(manifest, path)
        if isinstance(item, dict)
        and not any(
            isinstance(other, dict)
            and all(item[key] == other.get(key) for key in names if key in item)
            for other in there
        )
    ]


def _items(value: Mapping[str, Tree], path: FieldPath) -> list[Tree]:
    found = value_of(dict(value), path)
    return found if isinstance(found, list) else []


def _tree(live: Live) -> dict[str, Tree]:
    return cast("dict[str, Tree]", dict(live))


def _defaults(manifest: Mapping[str, Tree], live: Live) -> tuple[FieldPath, ...]:
    """Return the defaults that nobody else set, that the manifest leaves out, and that exclude what it says."""
    others = union(entry for entry in entries(live) if not entry.ours)
    return tuple(
        path
        for (kind, path), (field, value) in _EXCLUSIVE.items()
        if (live.get("apiVersion"), live.get("kind")) == kind
        and value_of(dict(manifest), (*path[:-1], field)) == value
        and value_of(dict(manifest), path) is None
        and value_of(_tree(live), path) is not None
        and not any(path == owned[: len(path)] for owned in others)
    )


def _put(value: Tree, path: FieldPath, wanted: Tree) -> Tree:
    """Return a value with another one at a path of plain fields."""
    if not path:
        return wanted
    name = path[0].partition(":")[2]
    there = value if isinstance(value, dict) else {}
    return {**there, name: _put(there.get(name), path[1:], wanted)}


def _with(value: Tree, path: FieldPath, items: list[Tree]) -> Tree:
    """Return a value with other elements in a list; a list without any is left out."""
    place = place_of(value, path[0])
    match value, place:
        case dict(), str() if len(path) == 1:
            rest = {key: item for key, item in value.items() if key != place}
            return {**rest, place: items} if items else rest
        case dict(), str():
            return {**value, place: _with(value[place], path[1:], items)}
        case list(), int():
            return [
                *value[:place],
                _with(value[place], path[1:], items),
                *value[place + 1 :],
            ]
        case dict(), None if len(path) == 1 and items:
            return {**value, path[0].partition(":")[2]: items}
        case _:
            return value
