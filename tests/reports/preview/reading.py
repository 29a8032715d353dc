"""A comment as a forge reads it: parsed by a real parser of Markdown, and held to what every comment keeps to."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^>]*)>")
_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_OURS = {"details", "summary", "code"}
_UNSEEN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def problems(comment: str, limit: int) -> list[str]:
    """Return what is wrong with a comment, whatever it was made of; nothing when it is as it has to be."""
    return [*_problems(comment, limit)]


def code_of(comment: str) -> str:
    """Return all that stands in blocks of code."""
    return "".join(token.content for token in _PARSER.parse(comment) if token.type == "fence")


def text_of(comment: str) -> str:
    """Return all that a forge shows as text and looks through for mentions: what is not code, and not hidden."""
    return "\n".join(_texts(_PARSER.parse(comment)))


def _problems(comment: str, limit: int) -> Iterator[str]:
    length = len(comment.encode("utf-16-le")) // 2
    if length > limit:
        yield f"{length} characters are more than {limit}"
    if _UNSEEN.search(comment) or not comment.replace("\n", "").isprintable():
        yield "something in it cannot be seen"
    tokens = _PARSER.parse(comment)
    if any(token.type == "fence" and not _closed(token, comment) for token in tokens):
        yield "a fence is not closed"
    yield from _unbalanced(tokens)
    last = tokens[-1]
    if last.type not in {"html_block", "paragraph_close"} or last.level:
        yield f"its end is not read as its end, but as {last.type}"
    if {"hr", "code_block", "table_open", "blockquote_open"} & {token.type for token in tokens}:
        yield "something is read as what nobody meant"
    if "@" in text_of(comment):
        yield "somebody may be mentioned"


def _closed(token: Token, comment: str) -> bool:
    assert token.map is not None
    return comment.splitlines()[token.map[1] - 1].strip() == token.markup


def _unbalanced(tokens: list[Token]) -> Iterator[str]:
    is_open: list[str] = []
    for token in _flat(tokens):
        if token.type not in {"html_block", "html_inline"}:
            continue
        for end, name, rest in _TAG.findall(_HIDDEN.sub("", token.content)):
            if name not in _OURS or rest:
                yield f"a tag of somebody else: {name}{rest}"
            elif not end:
                is_open.append(name)
            elif not is_open or is_open.pop() != name:
                yield f"{name} is closed and was not open"
    if is_open:
        yield f"left open: {is_open}"


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _texts(tokens: list[Token]) -> Iterator[str]:
    for token in _flat(tokens):
        if token.type == "text":
            yield token.content
        elif token.type in {"html_block", "html_inline"}:
            shown = re.sub(r"<code>.*?</code>", "", _HIDDEN.sub("", token.content))
            yield _TAG.sub("", shown)
