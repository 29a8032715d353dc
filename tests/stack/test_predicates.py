"""Conditions over objects, as people write them."""

from typing import Any

import pytest

from orchestrator.stack.predicates import Predicate, problem_of

READY = "status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"


def with_status(**status: Any) -> dict[str, Any]:
    """Return an object with this status."""
    return {"kind": "Widget", "metadata": {"labels": {"a/b": "c"}}, "status": status}


@pytest.mark.parametrize(
    ("text", "live", "holds"),
    [
        (READY, with_status(conditions=[{"type": "Ready", "status": "True"}]), True),
        (READY, with_status(conditions=[{"type": "Ready", "status": "False"}]), False),
        (READY, with_status(conditions=[]), False),
        (READY, with_status(), None),
        (READY, {"kind": "Widget"}, None),
        ("status.ready >= 2", with_status(ready=2), True),
        ("status.ready >= 2", with_status(ready=1.5), False),
        ("status.ready >= 2", with_status(ready="many"), None),
        ("object.metadata.labels['a/b'] == 'c'", with_status(), True),
        ("has(status.phase) && status.phase == 'Bound'", with_status(), False),
        ("size(status.addresses) > 0", with_status(addresses=["10.0.0.1"]), True),
        ("status.phase", with_status(phase="Bound"), None),
    ],
)
def test_what_holds_of_an_object(text: str, live: dict[str, Any], *, holds: bool | None) -> None:
    """A condition holds, does not hold, or cannot be told yet, since a field is missing or of another type."""
    assert problem_of(text) == ""
    assert Predicate(text).holds(live) is holds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not complete"),
        ("status.phase = 'Bound'", "cannot be read at \"= 'Bound'\""),
        ("status.phase ==", "cannot be read at '=='"),
        ("true &&\n  a b", "cannot be read at 'b'"),
        ("ready(status)", "calls ready(), which there is not"),
        ("status.phase.upper() == 'B'", "calls upper(), which there is not"),
    ],
)
def test_what_is_no_condition(text: str, problem: str) -> None:
    """A text that cannot be read is told with the place, a function that does not exist by its name."""
    assert problem_of(text) == problem
