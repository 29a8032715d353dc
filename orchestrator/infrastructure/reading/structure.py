"""Where blocks, nested blocks and attributes of Terraform's language begin and end, for editing its text; pure.

Unlike `hcl.read_blocks`, this keeps positions and knows no types.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.infrastructure.reading.bindings import bound_names
from orchestrator.infrastructure.reading.hcl import Token, Unreadable, in_templates, tokens

_CLOSING = {"{": "}", "[": "]", "(": ")"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a text, its end not included."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the piece."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A block with what is directly in it; ``attributes`` are the spans of their expressions, by name.

    ``body`` is what stands between its braces.
    """

    type: str
    labels: tuple[str, ...]
    span: Span
    body: Span
    attributes: dict[str, Span] = field(default_factory=dict)
    blocks: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A place where something's member is read, such as ``var.name``: its root, that member, and where.

    ``further`` is the member of that member, as in ``data.TYPE.NAME``, and empty where none follows at once.
    """

    root: str
    name: str
    span: Span
    further: str = ""


def read_structure(text: str) -> tuple[Node, ...]:
    """Return the top-level blocks of a file; raises Unreadable when it is not well formed."""
    reader = _Reader(text, list(tokens(text)))
    return reader.blocks


def accesses(text: str, start: int = 0, end: int | None = None) -> Iterator[Access]:
    """Yield what a piece of a file reads, templates included; raises Unreadable."""
    piece = text[start:end]
    every = list(_flattened(piece, tokens(piece)))
    yield from accesses_in(piece, every, offset=start)


def accesses_in(text: str, found: list[Token], *, offset: int = 0) -> Iterator[Access]:
    """Yield what tokens of a text read; a name that follows a full stop belongs to something else.

    So does one that a `for` binds, where that is in force. Raises Unreadable where that cannot be told.
    """
    written = [text[token.start : token.end] for token in found]
    bound = bound_names(found, written)
    for index, (root, member) in enumerate(zip(found, found[2:], strict=False)):
        if root.kind != "name" or member.kind != "name" or written[index + 1] != ".":
            continue
        if (index and written[index - 1] == ".") or written[index] in bound[index]:
            continue
        follows = written[index + 3 : index + 4] == ["."] and found[index + 4 :]
        yield Access(
            root=written[index],
            name=written[index + 2],
            span=Span(start=root.start + offset, end=member.end + offset),
            further=written[index + 4] if follows and found[index + 4].kind == "name" else "",
        )


def _flattened(text: str, found: Iterator[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        if token.kind in {"string", "heredoc"}:
            yield from in_templates(text, token)


class _Reader:
    def __init__(self, text: str, found: list[Token]) -> None:
        self._text = text
        self._found = found
        self._at = 0
        _, self.blocks = self._body()
        if self._at < len(found):
            raise Unreadable

    def _body(self) -> tuple[dict[str, Span], tuple[Node, ...]]:
        """Read up to a closing brace that was not opened, or the end."""
        attributes: dict[str, Span] = {}
        blocks: list[Node] = []
        while self._at < len(self._found):
            token = self._found[self._at]
            if token.kind == "newline":
                self._at += 1
            elif token.kind == "close":
                break
            elif token.kind == "name" and self._kind(1) == "equals":
                self._at += 2
                attributes[self._written(token)] = self._expression()
            else:
                blocks.append(self._block())
        return attributes, tuple(blocks)

    def _block(self) -> Node:
        first = self._next()
        labels = []
        while self._kind() in {"name", "string"}:
            labels.append(self._written(self._next()).strip('"'))
        if first.kind != "name" or self._kind() != "open":
            raise Unreadable
        opening = self._next()
        if self._written(opening) != "{":
            raise Unreadable
        attributes, blocks = self._body()
        last = self._next()
        if self._written(last) != "}":
            raise Unreadable
        return Node(
            type=self._written(first),
            labels=tuple(labels),
            span=Span(start=first.start, end=last.end),
            body=Span(start=opening.end, end=last.start),
            attributes=attributes,
            blocks=blocks,
        )

    def _expression(self) -> Span:
        """Read up to the end of the line outside of all brackets, or the brace that closes the block."""
        expected: list[str] = []
        start = end = self._found[self._at].start if self._at < len(self._found) else 0
        while self._at < len(self._found):
            token = self._found[self._at]
            if not expected and token.kind in {"newline", "close"}:
                break
            if token.kind == "open":
                expected.append(_CLOSING[self._written(token)])
            elif token.kind == "close" and self._written(token) != expected.pop():
                raise Unreadable
            self._at += 1
            end = token.end
        return Span(start=start, end=end)

    def _kind(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._found[at].kind if at < len(self._found) else ""

    def _next(self) -> Token:
        if self._at >= len(self._found):
            raise Unreadable
        self._at += 1
        return self._found[self._at - 1]

    def _written(self, token: Token) -> str:
        return self._text[token.start : token.end]
