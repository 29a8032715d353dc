"""What is known of a planned value of which a part is not; pure."""

from typing import Any

from orchestrator.infrastructure.reading.fields import any_true
from orchestrator.stack.scope import NOT_KNOWN, Partly


def known_parts(value: Any, unknown: Any) -> Partly:
    """Return a planned value with a mark in place of what is not known, given the tree of what is not.

    A list counts as a whole: it may be a set, whose order is another one as soon as all of it is known.
    """
    if unknown is True or (isinstance(unknown, list) and any_true(unknown)):
        return NOT_KNOWN
    if isinstance(unknown, dict) and any_true(unknown):
        known = value if isinstance(value, dict) else {}
        keys = dict.fromkeys([*known, *(key for key, mark in unknown.items() if any_true(mark))])
        return {key: known_parts(known.get(key), unknown.get(key, False)) for key in keys}
    found: Partly = value
    return found
