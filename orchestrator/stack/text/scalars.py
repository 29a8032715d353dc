"""What a plain YAML scalar means: the core schema of YAML 1.2, limited to what JSON can hold.

``yes``, ``on``, ``12:30`` and ``2024-01-01`` are text. A whole number with a leading zero is refused:
YAML 1.1 reads ``0644`` as octal and YAML 1.2 as decimal, and an account number would lose its zero.
"""

import math
import re
from typing import Final

TAG: Final = "tag:yaml.org,2002:"

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("-+.0123456789~nNtTfF")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_LONGEST_NUMBER = 4000  # Python refuses to read more than 4300 digits, and nothing real comes near


class UnreadableScalar(ValueError):
    """A scalar that has no sure meaning; the hint says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep message and hint apart."""
        super().__init__(message)
        self.message = message
        self.hint = hint


def plain(text: str) -> str | int | float | bool | None:
    """Return what ``text``, written without quotes, means; raise UnreadableScalar when that is not sure."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise UnreadableScalar(f"{text} is not a number that JSON can hold", _quoted(text))
    return text


def finite(text: str) -> float:
    """Return the number that ``text`` writes; raise UnreadableScalar when it is too large for one."""
    number = float(text)
    if math.isinf(number):
        raise UnreadableScalar(f"{text} is too large for a number", _quoted(text))
    return number


def tagged(tag: str, text: str) -> str | int | float | bool | None:
    """Return the value of ``text`` under an explicit ``tag``; raise UnreadableScalar when they do not fit."""
    kind = tag.removeprefix(TAG)
    if kind == "str":
        return text
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "bool": (bool,),
        "null": (type(None),),
    }
    if kind not in kinds:
        shown = f"!!{kind}" if tag.startswith(TAG) else tag
        raise UnreadableScalar(
            f"the tag {shown} is not supported", "write the value itself, without the tag"
        )
    value = plain(text)
    if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise UnreadableScalar(
            f"{text!r} does not fit the tag !!{kind}", "remove the tag, or write a value that fits"
        )
    return float(value) if kind == "float" and value is not None else value


def _integer(text: str) -> int:
    if _LEADING_ZERO.fullmatch(text):
        digits = text.lstrip("-+0") or "0"
        octal = "" if {"8", "9"} & set(digits) else f", or 0o{digits} for an octal number"
        raise UnreadableScalar(
            f"the number {text} starts with a zero, which readers of YAML understand differently",
            f'write "{text}" for text{octal}',
        )
    if len(text) > _LONGEST_NUMBER:
        raise UnreadableScalar(
            f"a number of {len(text)} digits is too long", "put quotes around it"
        )
    return int(text)


def _quoted(text: str) -> str:
    return f'write "{text}" if you mean text'
