"""What libyaml says about text that is not YAML, in words that help."""

import re
from typing import Final

import yaml
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from orchestrator.errors import Mistake, Place
from orchestrator.stack.names import did_you_mean
from orchestrator.stack.text.source import Source

_QUOTE: Final = "put quotes around the text"
_INDENT: Final = "check the indentation of this line and of those above it"

_NO_VALUE: Final = "did not find expected node content"

# libyaml's problem → our message and hint; placed where the problem was noticed
_AT_PROBLEM: Final = {
    "mapping values are not allowed in this context": (
        "a ':' is not expected here",
        f"{_INDENT}, or {_QUOTE} when it contains ': '",
    ),
    "did not find expected key": ("this line does not belong to the map above it", _INDENT),
    "did not find expected '-' indicator": (
        "this line does not belong to the list above it",
        _INDENT,
    ),
    "block sequence entries are not allowed in this context": ("a list cannot start here", _INDENT),
    "found unknown escape character": (
        "unknown escape after the backslash",
        "use single quotes, in which a backslash is itself",
    ),
    _NO_VALUE: ("a value is expected here", f"write one, or {_QUOTE}"),
    "found incompatible YAML document": (
        "this version of YAML is not supported",
        "remove the %YAML line",
    ),
    "did not find expected comment or line break": (
        "nothing but a comment may follow here",
        "start the text on the next line",
    ),
}
# the same, placed where the thing that went wrong begins
_AT_CONTEXT: Final = {
    "could not find expected ':'": (
        "a key without ':'",
        "write 'key: value', or quote or indent the text if it belongs to the lines above",
    ),
    "found unexpected end of stream": ("this quote is never closed", "add the closing quote"),
    "did not find expected ',' or ']'": (
        "this '[' is not closed, or a ',' is missing after it",
        "add the ']' or the ','",
    ),
    "did not find expected ',' or '}'": (
        "this '{' is not closed, or a ',' is missing after it",
        "add the '}' or the ','",
    ),
}
_CANNOT_START: Final = "found character that cannot start any token"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
_ANCHOR = re.compile(r"(?:^|\s)&([-\w]+)")


def explain(error: yaml.YAMLError, source: Source) -> Mistake:
    """Return the mistake that stopped the parser."""
    conflict = _CONFLICT.search(source.text)
    if conflict:
        hint = "choose one side, and remove the lines with <<<<<<<, ======= and >>>>>>>"
        message = "a merge conflict that was not resolved"
        return Mistake(message=message, place=source.place_at(conflict.start()), hint=hint)
    if isinstance(error, ReaderError):
        return _unprintable(error, source)
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return _marked(error, source)
    place = source.place(0, 0)
    return Mistake(message="not YAML" if place.secret else f"not YAML: {error}", place=place)


def _unprintable(error: ReaderError, source: Source) -> Mistake:
    code = (
        error.character
        if isinstance(error.character, int)
        else ord(str(error.character)[:1] or "\0")
    )
    message = f"the character U+{code:04X} is not allowed in YAML"
    hint = "remove it; editors often show it as a blank or not at all"
    index = source.text.find(chr(code))
    return Mistake(message=message, place=source.place_at(max(index, 0)), hint=hint)


def _marked(error: MarkedYAMLError, source: Source) -> Mistake:
    context, problem = error.context or "", error.problem or ""
    at, begun = _indexes(error)
    expression = (
        _unquoted_expression(at, source) if context.startswith("while parsing a flow") else None
    )
    if expression is not None:
        return expression
    if problem == "found undefined alias":
        return _undefined_alias(at, source)
    if problem == _CANNOT_START:
        return _cannot_start(at, source)
    if context in {"while scanning an alias", "while scanning an anchor"}:
        return _bare_sign(begun, source)
    return _listed(error, source)


def _indexes(error: MarkedYAMLError) -> tuple[int, int]:
    """Return where the problem was noticed and where the thing that has it began."""
    at = error.problem_mark.index if error.problem_mark else 0
    return at, error.context_mark.index if error.context_mark else at


def _listed(error: MarkedYAMLError, source: Source) -> Mistake:
    problem = error.problem or ""
    at, begun = map(source.place_at, _indexes(error))
    if problem == "second occurrence":
        hint = "give one of them another name"
        return Mistake(message="this anchor is defined twice", place=at, hint=hint, related=begun)
    if problem in _AT_CONTEXT:
        message, hint = _AT_CONTEXT[problem]
        return Mistake(message=message, place=begun, hint=hint)
    if problem == _NO_VALUE and not source.text[_indexes(error)[0] :].strip():
        hint = "close what was opened by '[', '{' or a quote above"
        return Mistake(message="the file ends where a value is expected", place=at, hint=hint)
    unknown = "this is not YAML" if at.secret else f"this is not YAML: {problem}"
    message, hint = _AT_PROBLEM.get(problem, (unknown, ""))
    return Mistake(message=message, place=at, hint=hint)


def _unquoted_expression(at: int, source: Source) -> Mistake | None:
    """Inside ``[...]`` and ``{...}`` the braces of an expression end the text that they stand in."""
    line_start = source.text.rfind("\n", 0, at) + 1
    index = source.text.find("${{", line_start, at + 3)
    if index < 0:
        return None
    message, hint = (
        "an expression inside [...] or {...} needs quotes",
        'write "${{ ... }}" with the quotes',
    )
    return Mistake(message=message, place=source.place_at(index), hint=hint)


def _undefined_alias(index: int, source: Source) -> Mistake:
    place = source.place_at(index)
    if place.secret:
        return _unquoted(source.text[index], place)
    written = re.match(r"\*([^\s,\]}]+)", source.text[index:])
    name = written.group(1) if written else ""
    hint = did_you_mean(
        name,
        _ANCHOR.findall(source.text),
        otherwise=f"put quotes around it, or define &{name} above",
    )
    return Mistake(message=f"the anchor {name!r} is not defined above", place=place, hint=hint)


def _cannot_start(index: int, source: Source) -> Mistake:
    sign, place = source.text[index], source.place_at(index)
    if sign == "\t":
        return Mistake(message="a tab cannot indent YAML", place=place, hint="use spaces")
    return _unquoted(sign, place)


def _bare_sign(index: int, source: Source) -> Mistake:
    return _unquoted(source.text[index], source.place_at(index))


def _unquoted(sign: str, place: Place) -> Mistake:
    shown = "as this one does" if place.secret else f"with {sign!r}"
    return Mistake(message=f"text cannot start {shown}", place=place, hint=_QUOTE)
