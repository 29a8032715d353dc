"""Conditions over objects, as people write them."""

from typing import Any

import pytest

from orchestrator.stack.predicates import NoConditionError, Predicate, problem_of

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
        ("status.ready >= 2", with_status(ready=None), None),
        ("status.ready > 1.5", with_status(ready=3), True),
        ("status.ready > 1.5", with_status(ready=1), False),
        ("status.ready == 3.0", with_status(ready=3), True),
        ("status.ready != 3", with_status(ready=3.5), True),
        ("status.phase != null", with_status(phase="Bound"), True),
        ("status.phase == null", with_status(phase="Bound"), False),
        ("status.phase == null", with_status(phase=None), True),
        ("status.phase.name == 'x'", with_status(phase=None), None),
        ("status.addresses[1] == 'a'", with_status(addresses=["b"]), None),
        ("status.a == 1 || status.b == 1", with_status(), None),
        (READY, with_status(conditions=[{"type": "Ready"}, {"type": "Ready"}]), None),
        ("status.ready / status.all == 1", with_status(ready=1, all=0), None),
        ("object.metadata.labels['a/b'] == 'c'", with_status(), True),
        ("has(status.phase) && status.phase == 'Bound'", with_status(), False),
        ("size(status.addresses) > 0", with_status(addresses=["10.0.0.1"]), True),
    ],
)
def test_what_holds_of_an_object(text: str, live: dict[str, Any], *, holds: bool | None) -> None:
    """A condition holds, does not hold, or cannot be told yet, since something is missing."""
    assert problem_of(text) == ""
    assert Predicate(text).holds(live) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("status.secret == 1", "cannot be told of a text and a whole number"),
        ("status.secret > 1.5", "cannot be told of a text and a number"),
        ("status.secret.inner == 'x'", "looks for a field of a text"),
        ("!status.secret", "cannot be told of a text"),
        ("status.secret", "is a text, and no condition"),
        ("status.secret && true", "is a text, and no condition"),
        ("status.number + 1", "is a whole number, and no condition"),
    ],
)
def test_what_time_cannot_mend(text: str, reason: str) -> None:
    """Where types do not fit, waiting does not help: that is told at once, and nothing of the object is."""
    with pytest.raises(NoConditionError) as raised:
        Predicate(text).holds(with_status(secret="hunter2", number=41))
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    "text",
    [
        "rules.exists(stat, stat.x == 1 && stat == stat)",
        "rules.exists(stat, stat.x == 1)",
        "object.stats.x == 1",
        "data.spec == 'x'",
        "spec.n == status.n && metadata.generation > 0",
        "rules.size() > 0",
    ],
)
def test_other_parts_of_objects_have_their_own_names(text: str) -> None:
    """A kind may have any field beside ``spec`` and ``status``."""
    assert problem_of(text) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not complete"),
        ("status.phase = 'Bound'", "cannot be read at \"= 'Bound'\""),
        ("status.phase ==", "cannot be read at '=='"),
        ("true &&\n  a b", "cannot be read at 'b'"),
        (
            "stauts.x == 1",
            "reads 'stauts': did you mean 'status'? If not, write object.stauts",
        ),
        ("ready(status)", "calls ready(), which there is not"),
        ("status.phase.upper() == 'B'", "calls upper(), which there is not"),
    ],
)
def test_what_is_no_condition(text: str, problem: str) -> None:
    """A text that cannot be read is told with the place, a function that does not exist by its name."""
    assert problem_of(text) == problem
