"""How much a plan may destroy at once, and a stack that is left without any unit."""

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.limits import (
    check_destroys,
    check_empty,
    check_late_destroys,
    destroyed_late,
)
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.model import UnitId
from tests.plans.builders import change, plan, unit_plan

_NETWORK = "modules.network"


def _destroying(number: int, unit: str = _NETWORK) -> UnitPlan:
    """Return a unit's plan that deletes or replaces that many things, and does others beside."""
    actions = [Action.DELETE if index % 2 else Action.REPLACE for index in range(number)]
    gone = [change(f"aws_vpc.n{index}", action=action) for index, action in enumerate(actions)]
    output = change("id", action=Action.DELETE, subject=Subject.OUTPUT)
    return unit_plan(unit, change("aws_subnet.new"), output, *gone)


def test_more_than_the_stack_allows_is_refused() -> None:
    """Deletions and replacements of all units count; the message has the number, the names and the way out."""
    with pytest.raises(PlanRefused) as refused:
        check_destroys(plan(_destroying(2), _destroying(1, "manifests.shop")), 2, ())

    assert refused.value.message == (
        "this plan deletes or replaces 3 things, more than the 2 that `guards.destroys` allows"
    )
    assert refused.value.hint == "if that is meant, pass --acknowledge destroys:3"
    assert refused.value.detail.splitlines() == ["aws_vpc.n0", "aws_vpc.n1", "aws_vpc.n0"]


@pytest.mark.parametrize("most", [None, 2, 3])
def test_what_is_allowed_passes(most: int | None) -> None:
    """Up to the number, and any number where nothing is said."""
    check_destroys(plan(_destroying(2)), most, ())


def test_an_acknowledgement_holds_for_its_number() -> None:
    """It is bound to what was looked at: a plan that destroys one thing more is refused again."""
    check_destroys(plan(_destroying(3)), 0, {"destroys:3"})
    for said in ("destroys:2", "destroys:", "destroys:all", "destroy:modules.network"):
        with pytest.raises(PlanRefused):
            check_destroys(plan(_destroying(3)), 0, {said})


def test_a_destruction_is_not_counted() -> None:
    """That everything goes is what was asked for."""
    check_destroys(plan(_destroying(3), destroy=True), 0, ())


def test_a_unit_that_is_planned_in_its_turn_counts_with_the_rest() -> None:
    """What it was shown to do is replaced by what it does."""
    shown = plan(_destroying(1), _destroying(1, "modules.late"))

    late = UnitId("modules.late")
    check_late_destroys(shown, {late: ("a.b", "a.c")}, 3, ())
    with pytest.raises(PlanRefused) as refused:
        check_late_destroys(shown, {late: ("a.b", "a.c", "a.d")}, 3, ())
    assert "4 things" in refused.value.message


def test_another_attempt_adds_to_the_one_before() -> None:
    """What that may have destroyed counts on; what is left of a replacement does not count twice."""
    left = [change(name, action=Action.DELETE) for name in ("t.p (deposed 3fa01bc2)", "t.q")]
    late = unit_plan("modules.late", *left)
    assert destroyed_late(("t.o", "t.p"), late, again=True) == ("t.o", "t.p", "t.q")
    assert destroyed_late(("t.o", "t.p"), late, again=False) == ("t.p (deposed 3fa01bc2)", "t.q")


def test_a_stack_without_any_unit_looks_like_a_mistake() -> None:
    """All that it has would go: a merge that lost the file's lower half looks just like that."""
    gone = plan(unit_plan(_NETWORK, change(action=Action.DELETE), removed=True))

    with pytest.raises(PlanRefused) as refused:
        check_empty(gone, ())

    assert refused.value.message == (
        "shop/production declares no unit any more: this plan would delete all that it has, modules.network"
    )
    assert "--acknowledge empty" in refused.value.hint
    check_empty(gone, {"empty"})


def test_a_stack_that_keeps_a_unit_is_not_empty() -> None:
    """Neither is one that has nothing left to delete, nor one that is to be destroyed."""
    gone = unit_plan(_NETWORK, change(action=Action.DELETE), removed=True)

    check_empty(plan(gone, unit_plan("manifests.shop")), ())
    check_empty(plan(unit_plan(_NETWORK, removed=True)), ())
    check_empty(plan(gone, destroy=True), ())
