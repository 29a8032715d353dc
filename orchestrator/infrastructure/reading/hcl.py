"""The shape of Terraform's language: top-level blocks, their labels and attributes; pure.

Only as much as is needed to say what a module declares. It is exact about what hides braces and quotes
(strings, templates, comments, heredocs) and does not evaluate: an attribute is its source text.
Follows the native syntax of HCL 2, "Lexical Elements" and "Structural Elements".
"""

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.errors import Place

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*[\s\S]*?\*/)
    | (?P<newline>\n)
    | (?P<heredoc><<-?(?P<marker>[^\W\d][\w-]*)\r?\n)
    | (?P<string>")
    | (?P<name>[^\W\d][\w-]*)
    | (?P<open>[\[{(])
    | (?P<close>[\]})])
    | (?P<equals>=(?![=>]))
    | (?P<other>[=!<>]=|=>|\d[\w.]*|.)
    """,
    re.VERBOSE,
)
_IN_QUOTES = re.compile(r'[^"\\$%\n]+|\\.|\$\$\{|%%\{|[$%](?!\{)')
_IN_HEREDOC = re.compile(r"[^$%\n]+|\$\$\{|%%\{|[$%](?!\{)")
_AROUND_TEMPLATES = re.compile(r"(?:[^$%]|\$\$\{|%%\{|[$%](?!\{))+")
_TEMPLATE = re.compile(r"[$%]\{")
_CLOSING: Final = {"{": "}", "[": "]", "(": ")"}
_DEEPEST: Final = 100


class Unreadable(Exception):
    """The text is not what it should be; Terraform says what is wrong better than we could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token: its kind, where it begins and ends in the text."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One top-level block; ``attributes`` maps names to the source text of their expressions."""

    type: str
    labels: tuple[str, ...]
    place: Place
    attributes: Mapping[str, str] = field(default_factory=dict)


def read_blocks(text: str, file: str, types: Collection[str]) -> tuple[Block, ...]:
    """Return the top-level blocks of some types, in order; raises Unreadable when the text is not well formed.

    The place of a block is that of its last label, which is its name.
    """
    return tuple(_Reader(text, file, types).blocks())


def literal(source: str) -> str | bool | None:
    """Return what a literal string or boolean says, or None for any other expression."""
    if source in {"true", "false"}:
        return source == "true"
    plain = len(source) > 1 and source[0] == source[-1] == '"' and not _holds_template(source)
    return _unquoted(source) if plain else None


def _holds_template(quoted: str) -> bool:
    return bool(_TEMPLATE.search(re.sub(r"\$\$\{|%%\{", " ", quoted)))


def _unquoted(quoted: str) -> str:
    text = re.sub(r"([$%])\1\{", r"\1{", quoted)
    text = re.sub(r"\\U([0-9A-Fa-f]{8})", lambda found: chr(int(found[1], 16)), text)
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return quoted[1:-1]


class _Reader:
    def __init__(self, text: str, file: str, types: Collection[str]) -> None:
        self._text = text.removeprefix("\ufeff")
        self._file = file
        self._types = types
        self._tokens = tokens(self._text)
        self._lines = [0, *(found.end() for found in re.finditer("\n", self._text))]

    def blocks(self) -> Iterator[Block]:
        for token in self._tokens:
            if token.kind == "newline":
                continue
            if token.kind != "name":
                raise Unreadable
            following = next(self._tokens, None)
            if following and following.kind == "equals":
                self._attribute()
                continue
            block = self._block(token, following)
            if block:
                yield block

    def _block(self, type_: Token, token: Token | None) -> Block | None:
        labels = []
        while token and token.kind in {"name", "string"}:
            labels.append(token)
            token = next(self._tokens, None)
        if token is None or self._written(token) != "{":
            raise Unreadable
        if self._written(type_) not in self._types:
            self._skip()
            return None
        attributes = dict(self._body())
        return Block(
            type=self._written(type_),
            labels=tuple(self._label(label) for label in labels),
            place=self._place((labels or [type_])[-1]),
            attributes=attributes,
        )

    def _body(self) -> Iterator[tuple[str, str]]:
        """Yield the attributes up to the block's closing brace; nested blocks are passed over."""
        closed = False
        while not closed:
            token = self._after_newlines()
            if self._written(token) == "}":
                return
            following = self._after_labels(token)
            if following.kind == "equals":
                source, closed = self._attribute()
                yield self._written(token), source
            elif self._written(following) == "{":
                self._skip()
            else:
                raise Unreadable

    def _after_newlines(self) -> Token:
        token = next((token for token in self._tokens if token.kind != "newline"), None)
        if token is None:
            raise Unreadable
        return token

    def _after_labels(self, name: Token) -> Token:
        found = next(
            (token for token in self._tokens if token.kind not in {"name", "string"}), None
        )
        if found is None or name.kind != "name":
            raise Unreadable
        return found

    def _attribute(self) -> tuple[str, bool]:
        """Return an expression's source, and whether the block around it ended with it (``{ a = 1 }``)."""
        first: Token | None = None
        last: Token | None = None
        expected: list[str] = []
        for token in self._tokens:
            if token.kind == "newline" and not expected:
                break
            if token.kind == "close" and not expected:
                return self._between(first, last), True
            self._nest(token, expected)
            if token.kind != "newline":
                first, last = first or token, token
        return self._between(first, last), False

    def _skip(self) -> None:
        expected = ["}"]
        for token in self._tokens:
            self._nest(token, expected)
            if not expected:
                return
        raise Unreadable

    def _nest(self, token: Token, expected: list[str]) -> None:
        if token.kind == "open":
            expected.append(_CLOSING[self._written(token)])
        elif token.kind == "close" and (not expected or self._written(token) != expected.pop()):
            raise Unreadable

    def _between(self, first: Token | None, last: Token | None) -> str:
        if first is None or last is None:
            raise Unreadable
        return self._text[first.start : last.end]

    def _written(self, token: Token) -> str:
        return self._text[token.start : token.end]

    def _label(self, token: Token) -> str:
        written = self._written(token)
        return _unquoted(written) if token.kind == "string" else written

    def _place(self, token: Token) -> Place:
        line = bisect_right(self._lines, token.start)
        start = self._lines[line - 1]
        return Place(
            file=self._file,
            line=line,
            column=token.start - start + 1,
            text=self._text[start:].partition("\n")[0].rstrip("\r"),
        )


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a file but for space and comments; a string or heredoc is one token."""
    position = 0
    while position < len(text):
        token = _token(text, position, depth=0)
        position = token.end
        if token.kind != "space":
            yield token


def in_templates(text: str, token: Token) -> Iterator[Token]:
    """Yield the tokens of the expressions inside a string or heredoc, with those of strings inside these."""
    yield from _in_templates(text, token.start + 1, token.end)


def in_template(text: str) -> Iterator[Token]:
    """Yield the tokens of the expressions inside a text that is a template as a whole, as in the JSON syntax."""
    yield from _in_templates(text, 0, len(text))


def _in_templates(text: str, position: int, end: int) -> Iterator[Token]:
    while position < end:
        found = _AROUND_TEMPLATES.match(text, position, end)
        if found:
            position = found.end()
            continue
        if not _TEMPLATE.match(text, position):
            raise Unreadable
        closing = _end_of_template(text, position + 2, depth=0)
        position += 2
        while position < closing - 1:
            token = _token(text, position, depth=0)
            position = token.end
            if token.kind != "space":
                yield token
            if token.kind in {"string", "heredoc"}:
                yield from in_templates(text, token)
        position = closing


def _token(text: str, position: int, *, depth: int) -> Token:
    found = _TOKEN.match(text, position)
    if found is None or depth > _DEEPEST:
        raise Unreadable
    kind = str(found.lastgroup)
    end = found.end()
    if kind == "string":
        end = _end_of_string(text, end, depth=depth)
    elif kind == "heredoc":
        end = _end_of_heredoc(text, end, found["marker"], depth=depth)
    return Token(kind=kind, start=position, end=end)


def _end_of_string(text: str, position: int, *, depth: int) -> int:
    while position < len(text):
        if text[position] == '"':
            return position + 1
        position = _after_part(text, position, _IN_QUOTES, depth=depth)
    raise Unreadable


def _end_of_heredoc(text: str, position: int, marker: str, *, depth: int) -> int:
    """Return where a heredoc's marker ends: alone on a line that did not begin inside a template."""
    starts_line = True
    while position < len(text):
        end_of_line = text.find("\n", position)
        line = text[position : end_of_line if end_of_line >= 0 else len(text)]
        if starts_line and line.strip() == marker:
            return position + len(line.rstrip("\r"))
        starts_line = text[position] == "\n"
        position = (
            position + 1 if starts_line else _after_part(text, position, _IN_HEREDOC, depth=depth)
        )
    raise Unreadable


def _after_part(text: str, position: int, plain: re.Pattern[str], *, depth: int) -> int:
    found = plain.match(text, position)
    if found:
        return found.end()
    if not _TEMPLATE.match(text, position):
        raise Unreadable
    return _end_of_template(text, position + 2, depth=depth + 1)


def _end_of_template(text: str, position: int, *, depth: int) -> int:
    open_braces = 1
    while open_braces and position < len(text):
        token = _token(text, position, depth=depth)
        written = text[token.start : token.end] if token.kind in {"open", "close"} else ""
        open_braces += (written == "{") - (written == "}")
        position = token.end
    if open_braces:
        raise Unreadable
    return position
