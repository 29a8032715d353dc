"""What bringing workloads back leaves alone, since nobody was shown it."""

import pytest

from orchestrator.plans.change import Action, Risk
from orchestrator.plans.falling_back import left_alone, told
from tests.plans.builders import change, unit_plan

_JOB, _SERVICE = "Job shop/migrate", "Service shop/web"


@pytest.mark.parametrize(
    ("action", "name", "why"),
    [
        (Action.REPLACE, _JOB, "would run once more"),
        (Action.CREATE, _JOB, "would run once more"),
        (Action.CREATE, "Pod shop/once", "would run once more"),
        (Action.REPLACE, _SERVICE, "would be deleted and made anew"),
    ],
)
def test_what_cannot_be_taken_back_needs_somebody_who_agrees(
    action: Action, name: str, why: str
) -> None:
    """What runs, runs; what is made anew is not what was there."""
    unit = unit_plan("manifests.shop", change(name, action=action))
    (left,) = left_alone(unit, protected=False, agreed=False)
    assert str(left) == f"{name} {why}"
    assert left_alone(unit, protected=False, agreed=True) == ()


@pytest.mark.parametrize(
    "action", [Action.CREATE, Action.UPDATE, Action.MOVE, Action.ADOPT, Action.NO_OP]
)
def test_everything_else_comes_back(action: Action) -> None:
    """That is what the stack asks for."""
    unit = unit_plan("manifests.shop", change(_SERVICE, action=action))
    assert left_alone(unit, protected=True, agreed=False) == ()
    if action is not Action.CREATE:
        assert (
            left_alone(unit_plan("u", change(_JOB, action=action)), protected=False, agreed=False)
            == ()
        )


def test_nobody_agrees_to_losses_in_the_middle_of_a_failure() -> None:
    """What is protected or holds data stays, whoever agrees to the rest."""
    lost = change("PersistentVolumeClaim shop/data", action=Action.REPLACE, risk=Risk.DATA_LOSS)
    plain = change(_SERVICE, action=Action.REPLACE)
    unit = unit_plan("manifests.shop", lost, plain)
    assert [each.name for each in left_alone(unit, protected=False, agreed=True)] == [lost.name]
    assert [each.name for each in left_alone(unit, protected=True, agreed=True)] == [
        lost.name,
        plain.name,
    ]


def test_the_first_few_are_told_by_name() -> None:
    """A question fits on a screen."""
    unit = unit_plan("u", *(change(f"Job shop/{number}") for number in range(7)))
    text = told(left_alone(unit, protected=False, agreed=False))
    assert text.startswith("Job shop/0 would run once more; ")
    assert text.endswith("Job shop/4 would run once more; and 2 more")
