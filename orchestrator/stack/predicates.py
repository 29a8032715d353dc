"""Conditions over objects as people write them, in the Common Expression Language (CEL).

The fields of an object are its variables (``status.phase == 'Ready'``), and ``object`` is all of it. What reads
a CEL text is imported when the first one is read: it takes longer than all the rest of a stack file.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from orchestrator.stack.model import Json

if TYPE_CHECKING:
    import celpy

_MACROS: Final = frozenset({"all", "dyn", "exists", "exists_one", "filter", "has", "map", "type"})
_CALLS: Final = {"ident_arg": 0, "dot_ident_arg": 0, "member_dot_arg": 1}


class Predicate:
    """One condition, read when it is first needed."""

    def __init__(self, text: str) -> None:
        """Take a text of which ``problem_of`` has found nothing."""
        self.text = text

    def holds(self, live: Mapping[str, Json]) -> bool | None:
        """Return whether it holds of an object; None where that cannot be told, since a field is not there yet."""
        from celpy.adapter import json_to_cel
        from celpy.celtypes import BoolType
        from celpy.evaluation import CELEvalError

        fields = {key: json_to_cel(value) for key, value in live.items()}
        try:
            found = self._program.evaluate({**fields, "object": json_to_cel(dict(live))})
        except CELEvalError:
            return None  # its message quotes the object, which may be a Secret
        return bool(found) if isinstance(found, BoolType) else None

    @cached_property
    def _program(self) -> "celpy.Runner":
        import celpy

        environment = celpy.Environment()
        return environment.program(environment.compile(self.text))


def problem_of(text: str) -> str:
    """Return why a text is no condition, or an empty text."""
    import celpy
    from celpy.celparser import CELParseError

    try:
        tree = celpy.Environment().compile(text)
    except CELParseError as error:
        return _spelt(text, error.line, error.column)
    unknown = sorted(set(_called(tree)) - _known())
    return f"calls {unknown[0]}(), which there is not" if unknown else ""


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
