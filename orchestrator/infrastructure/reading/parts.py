"""What is known of a planned value of which a part is not; pure."""

from typing import Any

from orchestrator.infrastructure.reading.fields import any_true
from orchestrator.infrastructure.reading.shapes import UNTOLD, Shape
from orchestrator.stack.scope import NOT_KNOWN, Partly


def known_parts(value: Any, unknown: Any, shape: Shape = UNTOLD) -> Partly:
    """Return a planned value with a mark in place of what is not known, given the tree of what is not.

    A list of which no ``shape`` says that its elements keep their places counts as a whole: it may be a set.
    """
    if not any_true(unknown):
        known: Partly = value
        return known
    if isinstance(unknown, list) and shape.ordered:
        elements = value if isinstance(value, list) else []
        missing = len(unknown) - len(elements)
        padded = [*elements, *[None] * missing]
        marks = [*unknown, *[False] * -missing]
        pairs = enumerate(zip(padded, marks, strict=True))
        return [known_parts(each, mark, shape.at(index)) for index, (each, mark) in pairs]
    if isinstance(unknown, dict):
        inside = value if isinstance(value, dict) else {}
        keys = dict.fromkeys([*inside, *(key for key, mark in unknown.items() if any_true(mark))])
        return {
            key: known_parts(inside.get(key), unknown.get(key, False), shape.at(key))
            for key in keys
        }
    return NOT_KNOWN
