"""The one expression syntax, ``${{ path }}``: finding references in values, and resolving them.

It works on parsed scalars and never on text of a document, so no value can inject structure. A scalar that is
one reference and nothing else becomes the value itself, with its type; anywhere else a reference becomes text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.stack.model import Json
from orchestrator.stack.reference import (
    HOW_TO_READ,
    OPENING,
    Malformed,
    Part,
    Reference,
    parse_scalar,
    spell,
)
from orchestrator.stack.scope import NOT_KNOWN, Missing, Output, Partly, Scope, look_up

__all__ = [
    "Locate",
    "Output",
    "Path",
    "Pending",
    "Reference",
    "Resolution",
    "Scope",
    "Tree",
    "check_readable",
    "leaves",
    "locate_in",
    "pending_in",
    "references",
    "resolve",
]

Path: TypeAlias = tuple[str | int, ...]


class Locate(Protocol):
    """Answers where the value at a path stands, or the text ``within`` it; ``YamlDocument.place`` does."""

    def __call__(self, path: Path, /, *, within: str = "") -> Place | None:
        """Return the place, or None where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Stands where a value is not known yet; ``references`` are the paths that it waits for, sorted."""

    references: tuple[str, ...]


Tree: TypeAlias = "bool | int | float | str | Pending | list[Tree] | dict[str, Tree] | None"
"""JSON in which a leaf may be pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A value with its references replaced; ``sensitive`` are the paths at and below which all is secret."""

    value: Tree
    sensitive: frozenset[Path] = frozenset()
    mistakes: tuple[Mistake, ...] = ()


def references(value: Json, locate: Locate | None = None) -> tuple[tuple[Path, Reference], ...]:
    """Return every reference inside ``value`` with the path of its scalar, in order.

    Raises InvalidStack with every expression that cannot be read, and every key that holds one.
    """
    found: list[tuple[Path, Reference]] = []
    mistakes: list[Mistake] = []
    for path, part in _parts(value, ()):
        if isinstance(part, Reference):
            found.append((path, part))
        else:
            mistakes.append(_malformed(part, path, locate))
    if mistakes:
        raise InvalidStack(tuple(mistakes))
    return tuple(found)


def check_readable(
    found: Iterable[tuple[Reference, Place | None]], scope: Scope
) -> Iterator[Mistake]:
    """Yield a mistake for every reference, given with its place, that reads nothing in ``scope``."""
    for reference, place in found:
        try:
            look_up(reference, scope)
        except Missing as missing:
            yield Mistake(message=missing.message, place=place, hint=missing.hint)


def resolve(value: Json, scope: Scope, locate: Locate | None = None) -> Resolution:
    """Return ``value`` with every reference replaced by what ``scope`` says.

    Mistakes are collected, not raised; what they stand at is None in the result.
    """
    resolver = _Resolver(scope, locate)
    tree = resolver.tree(value, ())
    return Resolution(
        value=tree, sensitive=frozenset(resolver.sensitive), mistakes=tuple(resolver.mistakes)
    )


def pending_in(tree: Tree) -> tuple[str, ...]:
    """Return the paths that anything inside ``tree`` waits for, sorted."""
    return tuple(sorted(set(_pending(tree))))


def leaves(tree: Tree) -> Iterator[str]:
    """Yield every text and number that is known inside ``tree``, as text; no empty one."""
    match tree:
        case dict():
            for item in tree.values():
                yield from leaves(item)
        case list():
            for item in tree:
                yield from leaves(item)
        case bool() | None | Pending() | "":
            pass
        case _:
            yield str(tree)


def locate_in(places: Mapping[Path, Place], prefix: Path = ()) -> Locate:
    """Return a Locate over the places of a unit or a stack, for values below ``prefix``."""

    def locate(path: Path, /, *, within: str = "") -> Place | None:
        full = (*prefix, *path)
        near = next((full[:end] for end in range(len(full), -1, -1) if full[:end] in places), None)
        return None if near is None else _narrowed(places[near], within)

    return locate


def _narrowed(place: Place, within: str) -> Place:
    column = place.text.find(within, place.column - 1) if within else -1
    return (
        place
        if column < 0
        else Place(file=place.file, line=place.line, column=column + 1, text=place.text)
    )


def _pending(tree: Tree) -> Iterator[str]:
    match tree:
        case Pending():
            yield from tree.references
        case dict():
            for item in tree.values():
                yield from _pending(item)
        case list():
            for item in tree:
                yield from _pending(item)
        case _:
            pass


def _parts(value: Json, path: Path) -> Iterator[tuple[Path, Reference | Malformed]]:
    if isinstance(value, str):
        if OPENING in value:
            yield from ((path, part) for part in parse_scalar(value) if not isinstance(part, str))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parts(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if OPENING in key:
                yield path, _expression_in_key(key)
            yield from _parts(item, (*path, key))


def _expression_in_key(key: str) -> Malformed:
    return Malformed(
        text=key,
        message="a key cannot hold an expression",
        hint="put the expression into the value",
    )


def _malformed(part: Malformed, path: Path, locate: Locate | None) -> Mistake:
    place = locate(path, within=part.text) if locate else None
    if place and place.secret:  # braces may be a part of the secret
        return Mistake(message="this expression cannot be read", place=place, hint=HOW_TO_READ)
    return Mistake(message=part.message, place=place, hint=part.hint)


def _pending_parts(part: Partly, root: str, segments: tuple[str | int, ...]) -> Tree:
    """Return what is known in part, with each of the rest waiting for its own path."""
    if part is NOT_KNOWN:
        return Pending(references=(spell(root, segments),))
    if isinstance(part, dict):
        return {key: _pending_parts(inner, root, (*segments, key)) for key, inner in part.items()}
    if isinstance(part, list):
        return [_pending_parts(each, root, (*segments, at)) for at, each in enumerate(part)]
    return cast(Tree, part)


class _Resolver:
    """Walks one value, collecting what is sensitive and what is wrong."""

    def __init__(self, scope: Scope, locate: Locate | None) -> None:
        self.sensitive: set[Path] = set()
        self.mistakes: list[Mistake] = []
        self._scope = scope
        self._locate = locate

    def tree(self, value: Json, path: Path) -> Tree:
        if isinstance(value, str):
            return self._scalar(parse_scalar(value), path) if OPENING in value else value
        if isinstance(value, list):
            return [self.tree(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            for key in value:
                if OPENING in key:
                    self.mistakes.append(_malformed(_expression_in_key(key), path, self._locate))
            return {key: self.tree(item, (*path, key)) for key, item in value.items()}
        return value

    def _scalar(self, parts: tuple[Part, ...], path: Path) -> Tree:
        if len(parts) == 1 and not isinstance(parts[0], str):
            return self._part(parts[0], path)
        found = [part if isinstance(part, str) else self._text(part, path) for part in parts]
        waits = pending_in(cast("list[Tree]", found))
        return (
            Pending(references=waits)
            if waits
            else "".join(text for text in found if isinstance(text, str))
        )

    def _part(self, part: Reference | Malformed, path: Path) -> Tree:
        if isinstance(part, Malformed):
            self.mistakes.append(_malformed(part, path, self._locate))
            return None
        try:
            output = look_up(part, self._scope)
        except Missing as missing:
            self._report(part, path, missing)
            return None
        if output.sensitive:
            self.sensitive.add(path)
        if output.known:
            return cast(Tree, output.value)
        return _pending_parts(output.parts, part.root, part.segments)

    def _text(self, part: Reference | Malformed, path: Path) -> str | Pending:
        before = len(self.mistakes)
        value = self._part(part, path)
        if isinstance(value, (str, Pending)):
            return value
        if isinstance(value, (bool, int, float)):
            return json.dumps(value)
        if len(self.mistakes) == before and isinstance(part, Reference):
            kind = "null" if value is None else "a list" if isinstance(value, list) else "a map"
            hint = (
                "give it a value"
                if value is None
                else "use it as the whole value, or read one element of it"
            )
            message = f"{part.path} is {kind} and cannot be part of a text"
            self._report(part, path, Missing(message, hint))
        return ""

    def _report(self, part: Reference, path: Path, missing: Missing) -> None:
        place = self._locate(path, within=part.text) if self._locate else None
        self.mistakes.append(Mistake(message=missing.message, place=place, hint=missing.hint))
