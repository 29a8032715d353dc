"""Objects that ask to be left alone are, and the plan says so."""

import pytest

from orchestrator.plans.change import Action
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground

pytestmark = pytest.mark.integration

_OFF = "orchestrator/reconcile: disabled"
_LIVE = {"metadata": {"annotations": {"orchestrator/reconcile": "disabled"}}}


def _annotated(text: str) -> str:
    return text.replace("name: settings", f"name: settings, annotations: {{{_OFF}}}")


def test_a_live_object_that_is_to_be_left_alone(ground: Ground) -> None:
    """Somebody annotated it: whatever Git says is neither applied nor drift, until the annotation goes."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    ground.patch(path, {**_LIVE, "data": {"colour": "red"}}, manager="kubectl-annotate")
    (plan,) = ground.plan(ground.rendered(CONFIG.replace("green", "blue")), inventory=inventory)
    (change,) = plan.changes
    assert (change.action, change.fields) == (Action.NO_OP, ())
    assert plan.resting == (
        f"ConfigMap {ground.namespace}/settings: left alone: it is annotated {_OFF}",
    )
    assert (plan.steps, plan.prune, plan.drift) == ((), (), ())
    ground.apply(CONFIG.replace("green", "blue"), inventory=inventory)
    assert ground.others.get(path)["data"] == {"colour": "red"}
    back = {"metadata": {"annotations": {"orchestrator/reconcile": None}}}
    ground.patch(path, back, manager="kubectl-annotate")
    ground.apply(CONFIG.replace("green", "blue"), inventory=inventory)
    assert ground.others.get(path)["data"] == {"colour": "blue"}


def test_a_live_object_that_is_to_be_left_alone_is_not_pruned(ground: Ground) -> None:
    """It stays when Git no longer declares it, and is forgotten with that reason."""
    inventory = ground.apply(CONFIG)
    ground.patch(ground.path("configmaps", "settings"), _LIVE, manager="kubectl-annotate")
    (plan,) = ground.plan(inventory=inventory)
    assert [(change.action, change.reason) for change in plan.changes] == [
        (Action.FORGET, f"stays, since it is annotated {_OFF}")
    ]
    assert (plan.prune, plan.forgotten) == ((), (inventory[0].ref,))


def test_a_manifest_that_is_to_be_left_alone(ground: Ground) -> None:
    """It is not applied, not even to create the object; what is there stays owned and is not pruned."""
    (plan,) = ground.plan(ground.rendered(_annotated(CONFIG)))
    assert [change.action for change in plan.changes] == [Action.NO_OP]
    assert plan.resting[0].endswith(f"left alone: its manifest is annotated {_OFF}")
    assert ground.apply(_annotated(CONFIG)) == ()
    assert ground.others.request("GET", ground.path("configmaps", "settings"))[0] == 404

    inventory = ground.apply(CONFIG)
    changed = _annotated(CONFIG.replace("green", "blue"))
    (later,) = ground.plan(ground.rendered(changed), inventory=inventory)
    assert (later.steps, later.prune) == ((), ())
    assert ground.others.get(ground.path("configmaps", "settings"))["data"] == {"colour": "green"}


def test_an_object_of_nobody_that_is_to_be_left_alone_is_not_adopted(ground: Ground) -> None:
    """What somebody else made and annotated is not taken over."""
    body = {"metadata": {"name": "settings", **_LIVE["metadata"]}, "data": {"other": "theirs"}}
    ground.others.create(ground.path("configmaps"), body)
    (plan,) = ground.plan(ground.rendered(CONFIG))
    assert [change.action for change in plan.changes] == [Action.NO_OP]
    assert plan.steps == ()


def test_what_is_left_alone_may_be_wrong(ground: Ground) -> None:
    """A manifest that the server would refuse is no trouble while it is left alone."""
    wrong = _annotated(CONFIG).replace("\ndata:", "\ndat:")
    (plan,) = ground.plan(ground.rendered(wrong))
    assert [change.action for change in plan.changes] == [Action.NO_OP]
