"""The rules of a set about fields that are left to others (``ignore``): which objects and places they mean. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from orchestrator.stack.expressions import Path, Tree
from orchestrator.stack.model import Ignored
from orchestrator.stack.paths import value_at
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.drift.memory import leaves_of

_ANY: Final = "*"

NAMING: Final = frozenset(
    {
        "containerPort",
        "devicePath",
        "ip",
        "key",
        "mountPath",
        "name",
        "port",
        "protocol",
        "topologyKey",
        "type",
        "uid",
        "whenUnsatisfiable",
    }
)
"""The fields that name the elements of keyed lists: an element without them would be another one."""


def rules_for(item: WantedObject) -> tuple[Ignored, ...]:
    """Return the rules of a set that are about an object."""
    return tuple(rule for rule in item.ignore if _selects(rule, item))


def places(item: WantedObject, rules: Iterable[Ignored]) -> Iterator[Path]:
    """Yield where an object has what rules are about; a place may hold many fields."""
    for rule in rules:
        for pointer in rule.paths:
            yield from _found(dict(item.value), _segments(pointer), ())


def single_fields(item: WantedObject, rules: Iterable[Ignored]) -> Iterator[Path]:
    """Yield the single fields that rules are about; what names an element stays with what is left of it."""
    for at in places(item, rules):
        for leaf in leaves_of(value_at(dict(item.value), at)):
            path = (*at, *leaf)
            if not (len(path) > 1 and isinstance(path[-2], int) and path[-1] in NAMING):
                yield path


def _found(tree: Tree, segments: Sequence[str], here: Path) -> Iterator[Path]:
    if not segments:
        yield here
        return
    head, rest = segments[0], segments[1:]
    match tree:
        case dict():
            for key in tree if head == _ANY else [head] if head in tree else []:
                yield from _found(tree[key], rest, (*here, key))
        case list():
            for index, item in enumerate(tree):
                if head in {_ANY, str(index)} or (
                    isinstance(item, dict) and item.get("name") == head
                ):
                    yield from _found(item, rest, (*here, index))
        case _:
            return


def _segments(pointer: str) -> tuple[str, ...]:
    """Return the segments of a JSON pointer (RFC 6901)."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _selects(rule: Ignored, item: WantedObject) -> bool:
    if item.ref is None:
        return False
    pairs = (
        (rule.group, item.ref.group),
        (rule.kind, item.ref.kind),
        (rule.namespace, item.ref.namespace),
        (rule.name, item.ref.name),
    )
    return all(not pattern or fnmatchcase(text, pattern) for pattern, text in pairs)
