"""What is protected is not deleted by the way."""

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.change import Action, Subject
from orchestrator.plans.guards import check_protection
from orchestrator.stack.model import UnitId
from tests.plans.builders import change, unit_plan

_DATABASE = UnitId("modules.database")


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_refuses_to_destroy_part_of_a_protected_unit(action: Action) -> None:
    """The message names what would go, and how to say that it is meant."""
    doomed = unit_plan(_DATABASE, change("aws_db_instance.main", action=action))

    with pytest.raises(PlanRefused) as refused:
        check_protection(doomed, protected={_DATABASE}, acknowledged=())

    assert "aws_db_instance.main" in refused.value.message
    assert "--acknowledge destroy:modules.database" in refused.value.hint


def test_what_is_forgotten_of_a_protected_unit_is_given_up_too() -> None:
    """Nobody looks after it any more; an object that is forgotten is gone already, or asked to stay."""
    forgets = change("aws_eip.main", action=Action.FORGET, subject=Subject.RESOURCE)
    with pytest.raises(PlanRefused, match=r"would delete, replace or forget aws_eip\.main$"):
        check_protection(unit_plan(_DATABASE, forgets), protected={_DATABASE}, acknowledged=())
    gone = change("ConfigMap shop/one", action=Action.FORGET)
    check_protection(unit_plan(_DATABASE, gone), protected={_DATABASE}, acknowledged=())


@pytest.mark.parametrize(
    ("given", "way"),
    [
        pytest.param({}, "or first commit and apply it with `protect: false`", id="protected"),
        pytest.param(
            {"lifted": True},
            "or first apply `protect: false` alone, and this in a commit after it",
            id="lifted by this very plan",
        ),
    ],
)
def test_lifting_protection_is_a_change_of_its_own(given: dict[str, bool], way: str) -> None:
    """The plan that lifts it destroys nothing yet; how to lift it is told."""
    doomed = unit_plan(_DATABASE, change(action=Action.DELETE), **given)

    with pytest.raises(PlanRefused) as refused:
        check_protection(doomed, protected={_DATABASE}, acknowledged=())

    assert refused.value.hint.endswith(way)


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_another_unit_that_takes_an_object_over_does_not_unprotect_it(action: Action) -> None:
    """A set that got another name, and lost its line, is the same one to what is in it; it is named as it was."""
    before, now = UnitId("manifests.data"), UnitId("manifests.records")
    doomed = unit_plan(now, change("ConfigMap shop/one", action=action), change("ConfigMap shop/x"))
    owners = {"ConfigMap shop/one": before, "ConfigMap shop/x": now}

    with pytest.raises(PlanRefused) as refused:
        check_protection(doomed, protected={before}, acknowledged=(), owners=owners)

    assert refused.value.message.startswith("manifests.data is protected")
    assert "ConfigMap shop/x" not in refused.value.message
    check_protection(
        doomed, protected={before}, acknowledged={"destroy:manifests.data"}, owners=owners
    )


def test_lets_an_acknowledged_plan_pass() -> None:
    """A person who names the unit for this very plan knows what they do."""
    doomed = unit_plan(_DATABASE, change(action=Action.DELETE))

    check_protection(doomed, protected={_DATABASE}, acknowledged={"destroy:modules.database"})


def test_an_acknowledgement_holds_for_the_unit_named_alone() -> None:
    """Naming one unit does not open another."""
    doomed = unit_plan(_DATABASE, change(action=Action.DELETE))

    with pytest.raises(PlanRefused):
        check_protection(doomed, protected={_DATABASE}, acknowledged={"destroy:modules.network"})


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(change(action=Action.UPDATE), id="an update"),
        pytest.param(
            change(action=Action.DELETE, subject=Subject.OUTPUT), id="an output that goes"
        ),
    ],
)
def test_lets_harmless_changes_of_a_protected_unit_pass(harmless: object) -> None:
    """Protection is against loss, not against change."""
    check_protection(unit_plan(_DATABASE, harmless), protected={_DATABASE}, acknowledged=())  # type: ignore[arg-type]


def test_lets_an_unprotected_unit_be_destroyed() -> None:
    """Without protection Git's word is enough."""
    check_protection(
        unit_plan(_DATABASE, change(action=Action.DELETE)), protected=(), acknowledged=()
    )
