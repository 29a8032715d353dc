"""What the text of an expression says about the order of the lists in its value; pure.

A plan does not tell lists from sets. The order of a set is another one as soon as all of it is known, so that an
element of a list may be told by its place only where it is certain that it is a list.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from orchestrator.infrastructure.reading.hcl import Unreadable, tokens

_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_NO_RESOURCES: Final = frozenset({"var", "local", "module", "each", "self", "path", "ephemeral"})
_WHOLE_TEMPLATE: Final = ('"${', '}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is certain of a value: whether it is a list whose elements keep their places, and the same of its parts.

    ``parts`` are by key or index, ``each`` holds for all others.
    """

    ordered: bool = False
    parts: "Mapping[str | int, Shape]" = field(default_factory=dict)
    each: "Shape | None" = None

    def at(self, key: str | int) -> "Shape":
        """Return what is certain of a part."""
        return self.parts.get(key) or self.each or UNTOLD


UNTOLD: Final = Shape()


def shape_of(expression: str, types: Mapping[str, str]) -> Shape:
    """Return what is certain of an expression's value; ``types`` are those of the variables, by name."""
    with suppress(Unreadable):
        return _value(_words(expression), types)
    return UNTOLD


def _words(text: str) -> list[str]:
    return [text[token.start : token.end] for token in tokens(text)]


def _value(words: Sequence[str], types: Mapping[str, str]) -> Shape:
    words = _trimmed(words)
    match words:
        case [single] if single.startswith(_WHOLE_TEMPLATE[0]) and single.endswith(
            _WHOLE_TEMPLATE[1]
        ):
            return shape_of(single[3:-2], types)  # how the JSON syntax writes an expression
        case ["(", *inner, ")"] if _encloses(words):
            return _value(inner, types)
        case ["[", *inner, "]"] if _encloses(words) and _trimmed(inner)[:1] != ["for"]:
            elements = _items(inner, lines=False)
            parts: dict[str | int, Shape] = {
                index: _value(each, types) for index, each in enumerate(elements)
            }
            return Shape(ordered=True, parts=parts)
        case ["{", *inner, "}"] if _encloses(words) and _trimmed(inner)[:1] != ["for"]:
            pairs = (_pair(item) for item in _items(inner, lines=True))
            return Shape(parts={key: _value(value, types) for key, value in pairs})
        case ["var", ".", name, *rest] if name in types:
            return _member(_type(_words(types[name])), rest)
        case _:
            return Shape(ordered=_counts_resources(words))


def _type(words: Sequence[str]) -> Shape:
    """Return what is certain of a value of a type, as a variable declares it."""
    match _trimmed(words):
        case [quoted] if quoted.startswith('"'):
            return _type(_words(quoted[1:-1]))
        case ["list", "(", *inner, ")"]:
            return Shape(ordered=True, each=_type(inner))
        case ["tuple", "(", "[", *inner, "]", ")"]:
            elements = _items(inner, lines=False)
            return Shape(ordered=True, parts={at: _type(each) for at, each in enumerate(elements)})
        case ["map", "(", *inner, ")"]:
            return Shape(each=_type(inner))
        case ["object", "(", "{", *inner, "}", ")"]:
            pairs = (_pair(item) for item in _items(inner, lines=True))
            return Shape(parts={key: _type(value) for key, value in pairs})
        case ["optional", "(", *inner, ")"]:
            return _type(_items(inner, lines=False)[0])
        case _:
            return UNTOLD


def _member(shape: Shape, rest: Sequence[str]) -> Shape:
    """Return the shape of a member of a member, as far as that is all there is."""
    match rest:
        case []:
            return shape
        case [".", name, *further]:
            return _member(shape.at(name), further)
        case _:
            return UNTOLD


def _counts_resources(words: Sequence[str]) -> bool:
    """Whether these are the attributes of all instances of a resource, in the order of their numbers."""
    match words[2:] if list(words[:2]) == ["data", "."] else words:
        case [type_, ".", _, "[", "*", "]", ".", *further] | [
            type_,
            ".",
            _,
            ".",
            "*",
            ".",
            *further,
        ]:
            plain = all(word == "." for word in further[1::2]) and len(further) % 2 == 1
            return plain and type_ not in _NO_RESOURCES
        case _:
            return False


def _trimmed(words: Sequence[str]) -> list[str]:
    start, end = 0, len(words)
    while start < end and words[start] == "\n":
        start += 1
    while end > start and words[end - 1] == "\n":
        end -= 1
    return list(words[start:end])


def _encloses(words: Sequence[str]) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth = 0
    for index, word in enumerate(words):
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0:
            return index == len(words) - 1
    return False


def _items(words: Sequence[str], *, lines: bool) -> list[list[str]]:
    """Return what stands between commas, or at ends of lines too, outside of further brackets."""
    items: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0 and (word == "," or (lines and word == "\n")):
            items.append([])
        else:
            items[-1].append(word)
    return [item for item in items if _trimmed(item)]


def _pair(item: Sequence[str]) -> tuple[str, list[str]]:
    """Return a key and the words of its value; the key is empty when it is computed."""
    key, *rest = _trimmed(item)
    if rest[:1] not in (["="], [":"]):
        return "", []
    return key.strip('"'), rest[1:]
