"""What of an object was secret when it was applied: it stays masked when the manifest says so no longer. Pure.

The object itself says it, in an annotation that comes and goes with the values in one request: where they are,
and nothing of what they are. Elements of lists are named by their keys, since others may add some before them.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Json
from orchestrator.stack.paths import value_at
from orchestrator.workloads.comparison.elements import Keys, at_key, keys_of

SENSITIVE: Final = "orchestrator/sensitive"
"""The annotation."""


@dataclass(frozen=True, slots=True)
class Element:
    """The elements of a list that have these values at these keys."""

    said: frozenset[tuple[str, str | int]]

    def fits(self, item: object) -> bool:
        """Whether an element is one of them."""
        return isinstance(item, dict) and all(at_key(item, key) == is_ for key, is_ in self.said)


Mask: TypeAlias = tuple[str | int | Element, ...]
"""Where something was secret, with all below it; a number where nothing names the element."""
Masks: TypeAlias = frozenset[Mask]

NO_MASKS: Final[Masks] = frozenset()


def masks_of(value: Mapping[str, Tree], sensitive: Collection[Path]) -> Masks:
    """Return what is remembered of an object in which all at and below ``sensitive`` is secret."""
    return frozenset(tuple(_steps(dict(value), path, sensitive)) for path in sensitive)


def written(masks: Masks) -> str:
    """Return the annotation's value."""
    return json.dumps(sorted(map(_told, masks), key=json.dumps), separators=(",", ":"))


def read(text: str) -> Masks:
    """Return what ``written`` wrote; what is not of that form says nothing."""
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return NO_MASKS
    masks = map(_mask, found if isinstance(found, list) else ())
    return frozenset(mask for mask in masks if mask)


def values_at(tree: Tree, mask: Mask) -> Iterator[Tree]:
    """Yield what an object has where something was secret."""
    if not mask:
        yield tree
        return
    step, rest = mask[0], mask[1:]
    match tree:
        case dict() if isinstance(step, str) and step in tree:
            yield from values_at(tree[step], rest)
        case list() if isinstance(step, int) and step < len(tree):
            yield from values_at(tree[step], rest)
        case list() if isinstance(step, Element):
            for item in filter(step.fits, tree):
                yield from values_at(item, rest)
        case _:
            return


def below_key(masks: Masks, key: str) -> Masks:
    """Return what is masked below one key of a map."""
    return frozenset(mask[1:] for mask in masks if not mask or mask[0] == key) if masks else masks


def below_element(masks: Masks, item: object) -> Masks:
    """Return what is masked in one element of a list, which may be any of those that nothing names."""
    return frozenset(mask[1:] for mask in masks if not mask or _may_be(mask[0], item))


def _may_be(step: str | int | Element, item: object) -> bool:
    return step.fits(item) if isinstance(step, Element) else isinstance(step, int)


def _steps(tree: Tree, path: Path, sensitive: Collection[Path]) -> Iterator[str | int | Element]:
    field = ""
    for depth, step in enumerate(path):
        parent = value_at(tree, path[:depth])
        if isinstance(step, int) and isinstance(parent, list):
            here = path[: depth + 1]
            inside = [each[depth + 1 :] for each in sensitive if each[: depth + 1] == here]
            yield _element(parent, step, keys_of(field, parent, parent), secret=inside) or step
        else:
            field = str(step)
            yield step


def _element(
    items: list[Tree], index: int, keys: Keys, *, secret: Iterable[Path]
) -> Element | None:
    """Return what names an element; None where nothing does, or what does is secret itself."""
    if any(tuple(key.split("."))[: len(path)] == path for path in secret for key in keys):
        return None
    values = ((key, at_key(items[index], key)) for key in keys)
    said = frozenset((key, value) for key, value in values if isinstance(value, str | int))
    return Element(said) if said else None


def _told(mask: Mask) -> list[Json]:
    return [dict(sorted(step.said)) if isinstance(step, Element) else step for step in mask]


def _mask(told: Json) -> Mask:
    """Return a mask as it was told, an empty one, which masks nothing, for what is none."""
    steps = tuple(map(_step, told)) if isinstance(told, list) else ()
    known = [step for step in steps if step is not None]
    return tuple(known) if len(known) == len(steps) else ()


def _step(told: Json) -> str | int | Element | None:
    match told:
        case str():
            return told
        case int() if not isinstance(told, bool) and told >= 0:
            return told
        case dict() if told and all(isinstance(value, str | int) for value in told.values()):
            said = ((key, value) for key, value in told.items() if isinstance(value, str | int))
            return Element(frozenset(said))
        case _:
            return None
