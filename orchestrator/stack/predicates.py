"""Conditions over objects as people write them, in the Common Expression Language (CEL).

The fields of an object are its variables (``status.phase == 'Ready'``), and ``object`` is all of it. What reads
a CEL text is imported when the first one is read: it takes longer than all the rest of a stack file.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from orchestrator.stack.model import Json

if TYPE_CHECKING:
    import celpy
    from celpy.evaluation import CELEvalError

_MACROS: Final = frozenset({"all", "dyn", "exists", "exists_one", "filter", "has", "map", "type"})
_CALLS: Final = {"ident_arg": 0, "dot_ident_arg": 0, "member_dot_arg": 1}
_MEMBERS: Final = ("member_dot", "member_dot_arg", "member_index")
_ROOTS: Final = ("metadata", "spec", "status")
# What may come with time: fields and elements, and values that can be divided by or read as numbers.
_LATER: Final = (ArithmeticError, LookupError, ValueError)
_NULL: Final = "null is not there yet"
_MISSING: Final = ("KeyError", "IndexError", _NULL)
_TYPE: Final = re.compile(r"celtypes\.(\w+)Type")
_TYPES: Final = {
    "Bool": "a truth value",
    "Bytes": "bytes",
    "Double": "a number",
    "Duration": "a duration",
    "Int": "a whole number",
    "List": "a list",
    "Map": "a map",
    "String": "a text",
    "Timestamp": "a time",
    "Uint": "a whole number",
}
_NUMBERS: Final = ("IntType", "UintType", "DoubleType")


class NoConditionError(Exception):
    """A text that is no condition over an object, whatever time brings; its message follows the text."""


class Predicate:
    """One condition, read when it is first needed."""

    def __init__(self, text: str) -> None:
        """Take a text of which ``problem_of`` has found nothing."""
        self.text = text

    def holds(self, live: Mapping[str, Json]) -> bool | None:
        """Return whether it holds of an object; None where that cannot be told, since a field is not there yet.

        Raises NoConditionError where types do not fit, so that it never will be told.
        """
        from celpy.adapter import json_to_cel
        from celpy.celtypes import BoolType
        from celpy.evaluation import CELEvalError

        fields = {key: json_to_cel(value) for key, value in live.items()}
        try:
            found = self._program.evaluate({**fields, "object": json_to_cel(dict(live))})
        except CELEvalError as error:
            if _comes_later(error):
                return None
            raise NoConditionError(_reason(error)) from None  # its message quotes the object
        if found is None:
            return None
        if not isinstance(found, BoolType):
            told = _TYPES.get(type(found).__name__.removesuffix("Type"), "something else")
            raise NoConditionError(f"is {told}, and no condition")
        return bool(found)

    @cached_property
    def _program(self) -> "celpy.Runner":
        import celpy

        environment = celpy.Environment()
        return environment.program(environment.compile(self.text), functions=_functions())


def _functions() -> dict[str, Any]:
    """Return the comparisons as Kubernetes has them: of numbers whatever their types, and of anything with null."""
    from celpy.celtypes import BoolType
    from celpy.evaluation import base_functions

    def ordered(compare: Any) -> Callable[[Any, Any], Any]:
        def order(one: Any, other: Any) -> Any:
            if one is None or other is None:
                raise TypeError(_NULL)
            return compare(*_levelled(one, other))

        return order

    def equal(compare: Any, *, apart: bool) -> Callable[[Any, Any], Any]:
        def same(one: Any, other: Any) -> Any:
            if (one is None) != (other is None):
                return BoolType(apart)
            return compare(*_levelled(one, other))

        return same

    return {
        **{name: ordered(base_functions[name]) for name in ("_<_", "_<=_", "_>_", "_>=_")},
        "_==_": equal(base_functions["_==_"], apart=False),
        "_!=_": equal(base_functions["_!=_"], apart=True),
    }


def _levelled(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two numbers of different types as numbers of one type; all else as it is."""
    from celpy.celtypes import DoubleType

    names = {type(one).__name__, type(other).__name__}
    if len(names) == 1 or not names.issubset(_NUMBERS):
        return one, other
    return DoubleType(one), DoubleType(other)


def _comes_later(error: "CELEvalError") -> bool:
    """Whether a condition may come to be told, since it is a field, an element or a value that is in the way."""
    text, kind = str(error.args[0]), error.args[1] if len(error.args) > 1 else None
    if isinstance(kind, type) and issubclass(kind, _LATER):
        return True
    # Where both sides of a word such as || fail, their errors are quoted.
    return text.startswith("None ") or any(name in repr(error.args) for name in _MISSING)


def _reason(error: "CELEvalError") -> str:
    text = str(error.args[0])
    types = [_TYPES.get(name, "something else") for name in _TYPE.findall(text)]
    if "field selection" in text:
        return f"looks for a field of {types[-1] if types else 'what has none'}"
    if types:
        return f"cannot be told of {' and '.join(types)}"
    return "cannot be told of values of these types"


def problem_of(text: str) -> str:
    """Return why a text is no condition, or an empty text."""
    import celpy
    from celpy.celparser import CELParseError

    try:
        tree = celpy.Environment().compile(text)
    except CELParseError as error:
        return _spelt(text, error.line, error.column)
    unknown = sorted(set(_called(tree)) - _known())
    if unknown:
        return f"calls {unknown[0]}(), which there is not"
    return next(_misspelt(tree), "")


def _misspelt(tree: Any) -> Iterator[str]:
    """Yield which names of an object's parts look misspelt; what is bound in a macro stands alone somewhere, too."""
    members = [node.children[0] for kind in _MEMBERS for node in tree.find_data(kind)]
    heads = [str(ident.children[0]) for node in members if (ident := _ident(node))]
    named = [str(node.children[0]) for node in tree.find_data("ident")]
    for name in dict.fromkeys(heads):
        close = get_close_matches(name, _ROOTS, n=1, cutoff=0.8)
        if close and name not in _ROOTS and named.count(name) == heads.count(name):
            yield f"reads {name!r}: did you mean {close[0]!r}? If not, write object.{name}"


def _ident(node: Any) -> Any:
    while getattr(node, "data", None) != "ident" and len(getattr(node, "children", ())) == 1:
        node = node.children[0]
    return node if getattr(node, "data", None) == "ident" else None


def _spelt(text: str, line: int | None, column: int | None) -> str:
    lines = text.splitlines()
    rest = lines[line - 1][column - 1 :].strip() if line and column and line <= len(lines) else ""
    return f"cannot be read at {rest!r}" if rest else "is not complete"


def _called(tree: Any) -> Iterator[str]:
    for kind, position in _CALLS.items():
        for node in tree.find_data(kind):
            yield str(node.children[position])


def _known() -> frozenset[str]:
    from celpy.evaluation import base_functions

    return _MACROS | {str(name) for name in base_functions}
