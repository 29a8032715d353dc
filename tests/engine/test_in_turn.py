"""A module in its turn: whether it is planned again, and how much all of these may destroy together."""

from collections.abc import Mapping

import pytest

from orchestrator.engine.execution.in_turn import same
from orchestrator.engine.execution.total import RunningTotal
from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action
from orchestrator.plans.plan import Plan, UnitPlan
from orchestrator.stack.expressions import Pending, Tree
from tests.plans.builders import change, plan, unit_plan


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        ({"a": {"x": 1, "y": [None]}}, True),
        ({"a": {"y": [None], "x": 1}}, True),
        ({"a": {"x": 2, "y": [None]}}, False),
        ({"a": {"x": True, "y": [None]}}, False),
        ({"a": {"x": "1", "y": [None]}}, False),
        ({}, False),
        ({"a": Pending(references=("modules.b.c",))}, False),
    ],
)
def test_a_plan_holds_for_the_inputs_that_it_was_made_with(
    now: Mapping[str, Tree], *, kept: bool
) -> None:
    """Another value, another type, one less, or one that nobody knows: the module is planned once more."""
    assert same({"a": {"x": 1, "y": [None]}}, now) is kept


def test_units_in_their_turn_share_one_limit() -> None:
    """Each is counted with those let through before it; one that is refused leaves the limit to the others."""
    shown = plan(_losing("modules.up", 1), _waiting("modules.a"), _waiting("modules.b"))
    total = RunningTotal()

    _add(total, shown=shown, late=_losing("modules.a", 2))
    with pytest.raises(PlanRefused) as refused:
        _add(total, shown=shown, late=_losing("modules.b", 2))
    assert "deletes or replaces 5 things, more than the 3" in refused.value.message
    _add(total, shown=shown, late=_losing("modules.b", 0))
    _add(total, shown=shown, late=_losing("modules.a", 1), again=True)
    with pytest.raises(PlanRefused):
        _add(total, shown=shown, late=_losing("modules.b", 1))


def test_another_attempt_counts_on_from_what_was_shown() -> None:
    """A unit that was applied as planned, in part, has used up what its plan showed."""
    shown = plan(_losing("modules.a", 2), _waiting("modules.b"))
    total = RunningTotal()

    _add(total, shown=shown, late=_losing("modules.a", 1), again=True)

    with pytest.raises(PlanRefused):
        _add(total, shown=shown, late=_losing("modules.b", 2))


def _add(total: RunningTotal, *, shown: Plan, late: UnitPlan, again: bool = False) -> None:
    total.add(shown, late, most=3, acknowledged=(), again=again)


def _waiting(unit: str) -> UnitPlan:
    return unit_plan(unit, deferred="planned later")


def _losing(unit: str, number: int) -> UnitPlan:
    gone = (change(f"t.n{index}", action=Action.DELETE) for index in range(number))
    return unit_plan(unit, *gone)
