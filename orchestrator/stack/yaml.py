"""YAML and JSON documents as JSON values that still know where each part of them stands.

The values follow YAML 1.2 (see ``scalars``). Beyond it, ``<<`` merges maps, as everybody's tools do. What
cannot be a JSON value, duplicate keys and aliases that multiply are mistakes, all of them raised at once.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NoReturn, TypeAlias, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orchestrator.errors import InvalidStack, Mistake, Place
from orchestrator.stack.model import Json
from orchestrator.stack.text.scalars import TAG, UnreadableScalar, finite, plain, tagged
from orchestrator.stack.text.secrecy import Secrecy, nothing
from orchestrator.stack.text.source import Source
from orchestrator.stack.text.syntax import explain

Path: TypeAlias = tuple[str | int, ...]

_QUOTE: Final = "put quotes around the text"
_PLAIN: Final = "plain"  # stands as the tag of a scalar without quotes and without a tag
_DEEPEST = 200
_MOST_ALIASED = 100_000

# PyYAML without libyaml (its source distribution, on rare machines) is slower and words its errors differently.
_Parser: Any = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(frozen=True, kw_only=True, eq=False)
class YamlDocument:
    """One document: its value, and the places of everything in it.

    ``start`` is where its lines start in the text of ``source`` and ``end`` where they end; the tree of
    nodes is made again when a place is asked for, because keeping it costs more than reading the file.
    """

    value: Json
    source: Source = field(repr=False)
    start: int = field(repr=False, default=0)
    end: int | None = field(repr=False, default=None)

    def place(self, path: Path = (), *, key: bool = False, within: str = "") -> Place:
        """Return where the value at ``path`` stands, or its key, or the text ``within`` it.

        What is not there has the place of the nearest thing around it that is.
        """
        root = self._root
        if root is None:
            return self.source.place_at(self.start)
        key_node, node = _find(root, path)
        chosen = key_node if key and key_node else node
        first, last = chosen.start_mark.index, chosen.end_mark.index
        found = self._found(within, first, last) if within else -1
        return self.source.place_at(self.start + (found if found >= 0 else first))

    def mentions(self, text: str) -> bool:
        """Whether this text stands anywhere in the document, or in a comment beside it."""
        return self.source.text.find(text, self.start, self.end) >= 0

    def _found(self, within: str, first: int, last: int) -> int:
        """Return where a text stands between two places; not where a dollar sign before it escapes it."""
        found = self._text.find(within, first, last)
        while found > first and self._text[found - 1] == "$":
            found = self._text.find(within, found + 1, last)
        return found

    @cached_property
    def _text(self) -> str:
        return self.source.text[self.start : self.end]

    @cached_property
    def _root(self) -> Node | None:
        try:
            return next(_compose(self._text), None)
        except yaml.YAMLError:  # JSON may hold what YAML does not, such as surrogate pairs
            return None


def decode(data: bytes, file: str) -> str:
    """Return the text of a file's bytes; raise InvalidStack when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        place = Place(file=file, line=line, column=column)
        hint = "save the file as UTF-8"
        raise InvalidStack(
            (Mistake(message="the file is not UTF-8 text", place=place, hint=hint),)
        ) from error


def parse(text: str, file: str, *, secrecy: Secrecy = nothing) -> tuple[YamlDocument, ...]:
    """Return every document of ``text``; an empty one has the value None.

    Mistakes tell nothing that is written where ``secrecy`` says that a text is secret.

    Raises:
        InvalidStack: with every mistake that could be found.
    """
    source = Source(text.removeprefix("\ufeff"), file, secrecy)
    quick = _as_json(source)
    if quick is not None:
        return (quick,)
    documents: list[YamlDocument] = []
    reader = _Reader(source)
    try:
        documents.extend(map(reader.document, _compose(source.text)))
    except yaml.YAMLError as error:
        reader.mistakes.append(explain(error, source))
    except UnicodeEncodeError as error:
        reader.mistakes.append(_half_character(error, source))
    except _TooDeep as error:
        reader.mistakes.append(_too_deep(error, source))
    if reader.mistakes:
        raise InvalidStack(tuple(reader.mistakes))
    return tuple(documents)


class _TooDeep(Exception):
    """The text is nested so deeply that libyaml's recursion would crash the process."""


class _Composer(_Parser):  # type: ignore[misc]
    """PyYAML's parser up to the node tree, with the meaning of scalars left to us."""

    depth = 0

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _TooDeep(parent)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def resolve(self, kind: type[Node], _value: object, implicit: Any) -> str:
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else f"{TAG}str"
        return f"{TAG}seq" if kind is SequenceNode else f"{TAG}map"


def _compose(text: str) -> Iterator[Node]:
    loader = _Composer(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


class _Reader:
    """Turns nodes into JSON values, collecting mistakes."""

    def __init__(self, source: Source) -> None:
        self.mistakes: list[Mistake] = []
        self._source = source
        self._seen: set[int] = set()
        self._aliased = 0

    def document(self, node: Node) -> YamlDocument:
        start = node.start_mark.index - node.start_mark.column
        end = node.end_mark.index
        return YamlDocument(value=self._read(node), source=self._source, start=start, end=end)

    def _read(self, node: Node) -> Json:
        self._seen.clear()
        self._aliased = 0
        try:
            return self._value(node, 0)
        except _Hopeless:
            return None

    def _value(self, node: Node, depth: int) -> Json:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._bound(node, depth)
        if isinstance(node, SequenceNode):
            self._check_tag(node, "seq")
            return [self._value(item, depth + 1) for item in node.value]
        self._check_tag(node, "map")
        return self._mapping(cast(MappingNode, node), depth)

    def _scalar(self, node: ScalarNode) -> Json:
        try:
            return plain(node.value) if node.tag == _PLAIN else tagged(node.tag, node.value)
        except UnreadableScalar as error:
            if self._place(node).secret:
                self._report(node, "this value has no sure meaning", _QUOTE)
            else:
                self._report(node, error.message, error.hint)
            return None

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Json]:
        result: dict[str, Json] = {}
        firsts: dict[str, Node] = {}
        merged: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if _merges(key_node):
                merged = self._merged(value_node, depth) | merged
                continue
            key = self._key(key_node)
            value = self._value(value_node, depth + 1)
            if key is None:
                continue
            if key in firsts:
                self._report_duplicate(key, key_node, firsts[key])
            firsts.setdefault(key, key_node)
            result[key] = value
        return (
            {**result, **{key: value for key, value in merged.items() if key not in result}}
            if merged
            else result
        )

    def _key(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and (node.value or node.tag != _PLAIN):
            return str(node.value)
        if isinstance(node, MappingNode):
            self._report(node, "a map cannot be a key", "quote the text if it starts with '{{'")
        elif isinstance(node, SequenceNode):
            self._report(node, "a list cannot be a key", "quote the text if it starts with '['")
        else:
            self._report(node, "the key before ':' is missing", "write a key, or quote the text")
        return None

    def _merged(self, node: Node, depth: int) -> dict[str, Json]:
        maps = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Json] = {}
        for item in maps:
            if not isinstance(item, MappingNode):
                self._report(
                    item,
                    "only maps can be merged with <<",
                    'write "<<" in quotes for a key of that name',
                )
                continue
            value = self._value(item, depth + 1)
            if isinstance(value, dict):
                result = {**value, **result}
        return result

    def _bound(self, node: Node, depth: int) -> None:
        if depth > _DEEPEST:
            self._give_up(
                node, f"this contains itself, or aliases nest it more than {_DEEPEST} levels deep"
            )
        if id(node) in self._seen:
            self._aliased += 1 + len(node.value)
        self._seen.add(id(node))
        if self._aliased > _MOST_ALIASED:
            self._give_up(node, f"aliases multiply to more than {_MOST_ALIASED:,} values")

    def _check_tag(self, node: Node, kind: str) -> None:
        if node.tag != f"{TAG}{kind}":
            secret = self._place(node).secret
            shown = "a tag" if secret else f"the tag {node.tag.replace(TAG, '!!')}"
            self._report(
                node, f"{shown} is not supported", "write the value itself, without the tag"
            )

    def _report(self, node: Node, message: str, hint: str) -> None:
        self.mistakes.append(Mistake(message=message, place=self._place(node), hint=hint))

    def _report_duplicate(self, key: str, node: Node, first: Node) -> None:
        place = self._place(node)
        shown = "a key" if place.secret else f"the key {key!r}"
        self.mistakes.append(
            Mistake(
                message=f"{shown} stands twice in the same map",
                place=place,
                hint="remove one of the two, or merge them",
                related=self._place(first),
            )
        )

    def _give_up(self, node: Node, message: str) -> NoReturn:
        self._report(node, message, "write it out, with fewer levels or aliases")
        raise _Hopeless

    def _place(self, node: Node) -> Place:
        return self._source.place(node.start_mark.line, node.start_mark.column)


class _Hopeless(Exception):
    """The rest of the document cannot be read."""


def _merges(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.value == "<<" and key.tag == _PLAIN


def _find(node: Node, path: Path) -> tuple[Node | None, Node]:
    """Return the key's node, if there is one, and the node of the value at ``path`` or of what is around it."""
    key_node: Node | None = None
    for segment in path:
        step = _step(node, segment)
        if step is None:
            break
        key_node, node = step
    return key_node, node


def _step(node: Node, segment: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, SequenceNode):
        there = isinstance(segment, int) and segment < len(node.value)
        return (None, node.value[segment]) if there else None
    if not isinstance(node, MappingNode):
        return None
    merged: list[Node] = []
    for key, value in node.value:
        if _merges(key):
            merged += value.value if isinstance(value, SequenceNode) else [value]
        elif isinstance(key, ScalarNode) and key.value == segment:
            return key, value
    return next((step for item in merged if (step := _step(item, segment))), None)


def _as_json(source: Source) -> YamlDocument | None:
    """Read real JSON by the JSON reader, which is faster and knows surrogate pairs; None sends it the other way."""
    text = source.text
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_unique, parse_float=finite, parse_constant=_refuse
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is not text
    except (ValueError, RecursionError):
        return None
    return YamlDocument(value=value, source=source) if _shallow(text) else None


def _shallow(text: str) -> bool:
    if text.count("{") + text.count("[") <= _DEEPEST:
        return True
    depth = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[][{}]', text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(bracket, 0)
        if depth > _DEEPEST:
            return False
    return True


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _half_character(error: UnicodeEncodeError, source: Source) -> Mistake:
    place = source.place_at(error.start)
    return Mistake(
        message="the file holds half a character", place=place, hint="save the file as UTF-8"
    )


def _too_deep(error: _TooDeep, source: Source) -> Mistake:
    mark = error.args[0].start_mark
    message = f"this is nested more than {_DEEPEST} levels deep"
    return Mistake(
        message=message,
        place=source.place(mark.line, mark.column),
        hint="write it with fewer levels",
    )
