"""What would change in one object, field by field: what is live beside what the server would make of it.

The server's own dry run decides the values; here is only decided how a difference is told: elements of lists
are named by their keys, what the server sets by itself is left out, secrets are masked and values that are
not known yet are shown as such and never as decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from orchestrator.plans.change import FieldChange
from orchestrator.plans.values import ABSENT, Absent, Unknown, Value, masked
from orchestrator.stack.expressions import Path, Pending, Tree, pending_in
from orchestrator.stack.model import Json
from orchestrator.workloads.comparison.arrivals import arriving
from orchestrator.workloads.comparison.elements import Keys, could_be, in_step, keys_of, name_of
from orchestrator.workloads.comparison.intent import Intent, Side
from orchestrator.workloads.comparison.untold import WITH_MARKS, left_out

ORDER: Final = "[order]"
"""Ends the path of a list whose elements changed places: the order of containers and variables counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that differs, and where the manifest has it; ``at`` is None for what is not in there."""

    change: FieldChange
    at: Path | None


def compare(
    live: Mapping[str, Json] | None,
    result: Mapping[str, Tree],
    *,
    intent: Intent,
) -> tuple[FieldChange, ...]:
    """Return the fields in which ``result`` differs from ``live``, sorted by path.

    ``result`` is what the server would store, or the manifest itself for an object that is not there yet;
    ``intent`` is the manifest, whose pending leaves are shown as unknown and whose secret paths as masked.
    A field that the manifest does not have and that only comes into being is the server's, and left out.
    """
    return tuple(found.change for found in differences(live, result, intent=intent))


def differences(
    live: Mapping[str, Json] | None,
    result: Mapping[str, Tree],
    *,
    intent: Intent,
) -> tuple[Difference, ...]:
    """Return what ``compare`` does, with where the manifest has each field."""
    known = not pending_in(_plain(intent.value))
    if known and result is live:
        return ()  # nobody had to be asked: most objects of most plans
    if known and not live and not intent.hides:
        found = iter([Difference(change=one, at=at) for one, at in arriving(result, intent.value)])
    else:
        before = cast("dict[str, Tree]", dict(live or {}))
        found = _maps(before, result, replace(intent, known=known))
    return tuple(sorted(found, key=lambda difference: difference.change.path))


def same(one: Side, other: Side) -> bool:
    """Whether two values are the same JSON; Python takes true for 1."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case _:
            return isinstance(one, bool) is isinstance(other, bool) and one == other


def _walk(before: Side, after: Side, intent: Intent) -> Iterator[Difference]:
    sources = _pending_here(intent)
    if sources:
        yield _told(_shown(before, intent), Unknown(sources=sources), intent)
    elif isinstance(before, Absent) and after is not None and intent.silent:
        return
    elif isinstance(after, Absent) and _goes(intent):
        yield _told(_shown(before, intent), ABSENT, intent)  # what goes is told whole
    elif _divisible(before, after, dict):
        yield from _maps(_as_map(before), _as_map(after), intent)
    elif not intent.indivisible and _divisible(before, after, list) and _holds_maps(before, after):
        yield from _lists(_as_list(before), _as_list(after), intent)
    elif not same(before, after):
        yield _told(_shown(before, intent), _shown(after, intent), intent)


def _goes(intent: Intent) -> bool:
    """Whether a node that the server would not keep is one thing that goes."""
    return intent.path not in WITH_MARKS and not pending_in(_plain(intent.value))


def _told(before: Value, after: Value, intent: Intent) -> Difference:
    return Difference(
        change=FieldChange(path=intent.path, before=before, after=after), at=intent.at
    )


def _pending_here(intent: Intent) -> tuple[str, ...]:
    """Return what a node waits for; a list that holds something pending is pending as a whole."""
    match intent.value:
        case _ if intent.known:
            return ()
        case Pending(references=references):
            return references
        case list() as items:
            waiting = [item.references for item in items if isinstance(item, Pending)]
            return tuple(sorted({reference for found in waiting for reference in found}))
        case _:
            return ()


def _divisible(before: Side, after: Side, shape: type[dict[str, Tree]] | type[list[Tree]]) -> bool:
    """Whether both sides have this shape or are not there, and there is something inside to tell apart."""
    if not (isinstance(before, (shape, Absent)) and isinstance(after, (shape, Absent))):
        return False
    return any(side for side in (before, after) if not isinstance(side, Absent))


def _holds_maps(before: Side, after: Side) -> bool:
    """Whether lists are told element by element; a list of plain values is one value."""
    return any(isinstance(item, dict) for item in [*_as_list(before), *_as_list(after)])


def _maps(
    before: Mapping[str, Tree], after: Mapping[str, Tree], intent: Intent
) -> Iterator[Difference]:
    wanted = intent.value if isinstance(intent.value, dict) else {}
    waiting = () if intent.known else (key for key in wanted if pending_in(wanted[key]))
    for key in sorted({*before, *after, *waiting}):
        if not left_out(intent.path, key, wanted):
            sides = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from _walk(*sides, intent.of_key(key))


def _lists(before: Sequence[Tree], after: Sequence[Tree], intent: Intent) -> Iterator[Difference]:
    keys = keys_of(_last_name(intent.path), before, after)
    if keys:
        yield from _keyed(before, after, intent, keys=keys)
    elif intent.hides or pending_in(_plain(intent.value)) or in_step(before, after):
        yield from _numbered(before, after, intent)
    else:
        yield _told(_shown([*before], intent), _shown([*after], intent), intent)


def _keyed(
    before: Sequence[Tree], after: Sequence[Tree], intent: Intent, *, keys: Keys
) -> Iterator[Difference]:
    old = {name_of(item, keys): item for item in before}
    new = {name_of(item, keys): item for item in after}
    wanted = _as_list(intent.value)
    for name in dict.fromkeys([*old, *new]):
        sides = old.get(name, ABSENT), new.get(name, ABSENT)
        element = new.get(name, old.get(name, ABSENT))
        matching = [index for index, item in enumerate(wanted) if could_be(item, element, keys)]
        yield from _walk(*sides, intent.of_element(name, matching, sides[0]))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        moved = replace(intent, path=f"{intent.path}{ORDER}")
        yield _told(_names(old, keys), _names(new, keys), moved)


def _names(named: Mapping[str, Tree], keys: Keys) -> list[Json]:
    """Return the names of elements in their order, short where one key is enough to tell them apart."""
    return [name.removeprefix(f"{keys[0]}=") if len(keys) == 1 else name for name in named]


def _numbered(
    before: Sequence[Tree], after: Sequence[Tree], intent: Intent
) -> Iterator[Difference]:
    length = len(_as_list(intent.value))
    for index in range(max(len(before), len(after))):
        sides = _element(before, index), _element(after, index)
        matching = [index] if index < length else []
        yield from _walk(*sides, intent.of_element(str(index), matching, sides[0]))


def _element(items: Sequence[Tree], index: int) -> Side:
    return items[index] if index < len(items) else ABSENT


def _shown(side: Side, intent: Intent) -> Value:
    if isinstance(side, Absent):
        return ABSENT
    plain = _without_pending(side)
    return masked(plain) if intent.hides else plain


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


def _plain(side: Side) -> Tree:
    return None if isinstance(side, Absent) else side


def _as_map(side: Side) -> Mapping[str, Tree]:
    return side if isinstance(side, dict) else {}


def _as_list(side: Side) -> Sequence[Tree]:
    return side if isinstance(side, list) else ()


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]
