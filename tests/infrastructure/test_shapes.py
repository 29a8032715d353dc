"""Lists that are known in part: elements are told by their places only where it is certain that it is a list."""

from collections.abc import Mapping

import pytest

from orchestrator.infrastructure.reading.parts import known_parts
from orchestrator.infrastructure.reading.shapes import shape_of
from orchestrator.stack.scope import NOT_KNOWN, Partly

_TYPES = {
    "hosts": "list(string)",
    "zones": "set(string)",
    "net": "object({ ids = optional(list(string), []), by = map(tuple([string, any])) })",
    "plain": '"list(string)"',
}


@pytest.mark.parametrize(
    "expression",
    [
        "[a.b.id, a.c.id]",
        "[ # two\n  a.b.id,\n  f([1], 2),\n]",
        "([a.b.id, a.c.id])",
        "aws_subnet.private[*].id",
        "aws_subnet.private.*.id",
        "data.aws_subnet.private[*].arn",
        "var.hosts",
        "var.plain",
        "var.net.ids",
        '"${aws_subnet.private[*].id}"',
    ],
)
def test_a_list_flows_in_part(expression: str) -> None:
    """What is written out, counted resources and what a type says is a list keep their places."""
    assert known(expression, ["x", None], [False, True]) == ["x", NOT_KNOWN]


@pytest.mark.parametrize(
    "expression",
    [
        "toset([a.b.id, a.c.id])",
        "[for one in var.zones : one]",
        "concat([a.b.id], a.c.ids)",
        "a.b.security_groups",
        "local.ids[*].id",
        "var.zones",
        "var.unheard",
        "module.m.ids",
        "[a] == [b]",
        "aws_subnet.private[*].ids[0]",
        "[",
        "",
    ],
)
def test_what_may_be_a_set_is_unknown_as_a_whole(expression: str) -> None:
    """The order of a set is another one when all of it is known, and so may be its length."""
    assert known(expression, ["x", None], [False, True]) is NOT_KNOWN


def test_lists_inside_are_told_by_what_is_written_there() -> None:
    """An object's parts each have their own expression; what an expression calls has its own order."""
    expression = '{\n  "ids" = [a.b.id, a.c.id]\n  sets: a.b.groups, (k) = 1\n  deep = { net = var.net.by }\n}'
    value = {"ids": ["x"], "sets": ["y"], "deep": {"net": {"k": ["z"]}}}
    unknown = {"ids": [False, True], "sets": [True], "deep": {"net": {"k": [False, True]}}}
    assert known(expression, value, unknown) == {
        "ids": ["x", NOT_KNOWN],
        "sets": NOT_KNOWN,
        "deep": {"net": {"k": ["z", NOT_KNOWN]}},
    }


def known(expression: str, value: object, unknown: object) -> Partly:
    """Return what is known of a value that an expression has."""
    types: Mapping[str, str] = _TYPES
    return known_parts(value, unknown, shape_of(expression, types))
