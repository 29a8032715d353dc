"""Drift on a real API server: others edit, scale, remove and delete, and each set says what follows."""

import base64
import re
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.plans.change import Action, Touch
from orchestrator.plans.values import ABSENT, Masked
from orchestrator.stack.model import Drift, Ignored
from orchestrator.workloads.manifests.wanted import RenderedSet
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, change_of

pytestmark = pytest.mark.integration

REPLICAS = (Ignored(kind="Deployment", name="web", paths=("/spec/replicas",)),)
TIMED = r"by kubectl-edit at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def kept(
    ground: Ground, text: str, drift: Drift = Drift.HEAL, ignore: tuple[Ignored, ...] = ()
) -> RenderedSet:
    """Return the set that the manifests make, with what it says about drift."""
    found = ground.rendered(text)
    return replace(
        found, objects=tuple(replace(item, drift=drift, ignore=ignore) for item in found.objects)
    )


def edit(ground: Ground, body: dict[str, Any], *, manager: str = "kubectl-edit") -> None:
    """Change the settings as a person does."""
    ground.patch(ground.path("configmaps", "settings"), body, manager=manager)


def scale(ground: Ground, replicas: int, *, manager: str) -> None:
    """Scale the Deployment by its subresource, as ``kubectl scale`` and autoscalers do."""
    path = ground.path("deployments", "web/scale", group="apis/apps/v1")
    ground.patch(path, {"spec": {"replicas": replicas}}, manager=manager)


def settings(ground: Ground) -> dict[str, str]:
    """Return what the settings hold."""
    found: dict[str, str] = ground.others.get(ground.path("configmaps", "settings"))["data"]
    return found


def replicas(ground: Ground) -> int:
    """Return how many replicas are wanted of the Deployment."""
    path = ground.path("deployments", "web", group="apis/apps/v1")
    found: int = ground.others.get(path)["spec"]["replicas"]
    return found


def test_healing_says_who_changed_what_and_when(ground: Ground) -> None:
    """By default a field goes back to what Git says, and the plan names the person's tool and the moment."""
    inventory = ground.apply(kept(ground, CONFIG))
    edit(ground, {"data": {"colour": "red"}})

    (plan,) = ground.plan(kept(ground, CONFIG), inventory=inventory)

    (change,) = plan.changes
    assert change.action is Action.UPDATE
    assert re.fullmatch(f"heals drift: changed {TIMED}", change.reason)
    (field,) = change.fields
    assert (field.path, field.before, field.after) == ("data.colour", "red", "green")
    assert field.touch is not None
    assert field.touch.by == "kubectl-edit"
    assert plan.drift == ()
    ground.apply(kept(ground, CONFIG), inventory=inventory)
    assert settings(ground) == {"colour": "green"}


def test_healing_beside_a_change_in_git_tells_them_apart(ground: Ground) -> None:
    """Of two fields that change, only the one that others changed is drift."""
    text = CONFIG.replace("green", "green, size: big")
    inventory = ground.apply(kept(ground, text))
    edit(ground, {"data": {"colour": "red"}})

    (plan,) = ground.plan(kept(ground, text.replace("big", "small")), inventory=inventory)

    touched = {field.path: field.touch for field in plan.changes[0].fields}
    assert touched["data.size"] is None
    assert touched["data.colour"] is not None


def test_a_change_in_git_is_no_drift(ground: Ground) -> None:
    """What only Git changed is a plain update in every mode."""
    for drift in Drift:
        inventory = ground.apply(kept(ground, CONFIG, drift))
        changed = kept(ground, CONFIG.replace("green", f"of {drift.value}"), drift)
        (plan,) = ground.plan(changed, inventory=inventory)
        (change,) = plan.changes
        assert (change.action, change.reason, plan.drift) == (Action.UPDATE, "", ())
        assert change.fields[0].touch is None


def test_a_field_that_somebody_removed_is_drift(ground: Ground) -> None:
    """The cluster keeps no record of who removed a field: it is healed, and nobody is blamed."""
    text = CONFIG.replace("green", "green, size: big")
    inventory = ground.apply(kept(ground, text))
    edit(ground, {"data": {"size": None}})

    (plan,) = ground.plan(kept(ground, text), inventory=inventory)

    (change,) = plan.changes
    assert change.reason == "heals drift: changed outside of this stack"
    assert [(field.path, field.touch) for field in change.fields] == [("data.size", Touch())]


def test_reported_drift_is_told_and_left(ground: Ground) -> None:
    """With ``report`` the plan does nothing about it, and tells what was applied, what is live, who and when."""
    inventory = ground.apply(kept(ground, CONFIG, Drift.REPORT))
    edit(ground, {"data": {"colour": "red"}})

    (plan,) = ground.plan(kept(ground, CONFIG, Drift.REPORT), inventory=inventory)

    assert [change.action for change in plan.changes] == [Action.NO_OP]
    (drifted,) = plan.drift
    assert drifted.action is Action.UPDATE
    assert re.fullmatch(f"{TIMED}; left as it is", drifted.reason)
    assert [(item.path, item.before, item.after) for item in drifted.fields] == [
        ("data.colour", "green", "red")
    ]
    ground.apply(kept(ground, CONFIG, Drift.REPORT), inventory=inventory)
    assert settings(ground) == {"colour": "red"}


@pytest.mark.parametrize("drift", [Drift.REPORT, Drift.IGNORE])
def test_a_change_in_git_is_applied_beside_drift_that_is_left(ground: Ground, drift: Drift) -> None:
    """Another field of the same object follows Git; the drifted one stays, also in the plan after that."""
    text = CONFIG.replace("green", "green, size: big")
    inventory = ground.apply(kept(ground, text, drift))
    edit(ground, {"data": {"colour": "red"}})
    changed = kept(ground, text.replace("big", "small"), drift)

    (plan,) = ground.plan(changed, inventory=inventory)
    after = ground.apply(changed, inventory=inventory)
    (again,) = ground.plan(changed, inventory=after)

    assert [field.path for field in plan.changes[0].fields] == ["data.size"]
    assert settings(ground) == {"colour": "red", "size": "small"}
    assert [change.action for change in again.changes] == [Action.NO_OP]
    assert (len(again.drift), again.ignored) == ((1, 0) if drift is Drift.REPORT else (0, 1))


def test_a_secret_that_others_changed_is_left_too(ground: Ground) -> None:
    """Nothing is remembered of its values, but which there are: a new one is applied, what others set stays."""
    text = """
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: from-git-password}
"""
    inventory = ground.apply(kept(ground, text, Drift.REPORT))
    path = ground.path("secrets", "login")
    theirs = base64.b64encode(b"by-hand-password").decode()
    ground.patch(path, {"data": {"password": theirs}}, manager="kubectl-edit")
    more = kept(ground, text.replace("{pass", "{user: shop, pass"), Drift.REPORT)

    (plan,) = ground.plan(more, inventory=inventory)
    after = ground.apply(more, inventory=inventory)
    (again,) = ground.plan(more, inventory=after)

    assert [field.path for field in plan.changes[0].fields] == ["data.user"]
    assert [field.path for field in plan.drift[0].fields] == ["data.password"]
    assert isinstance(plan.drift[0].fields[0].after, Masked)
    data = ground.others.get(path)["data"]
    assert data == {"password": theirs, "user": base64.b64encode(b"shop").decode()}
    assert [change.action for change in again.changes] == [Action.NO_OP]


@pytest.mark.parametrize("drift", [Drift.REPORT, Drift.IGNORE])
def test_what_git_changes_of_a_drifted_field_is_applied(ground: Ground, drift: Drift) -> None:
    """A field that both changed follows Git: drift is what Git did not ask for."""
    inventory = ground.apply(kept(ground, CONFIG, drift))
    edit(ground, {"data": {"colour": "red"}})

    ground.apply(kept(ground, CONFIG.replace("green", "blue"), drift), inventory=inventory)

    assert settings(ground) == {"colour": "blue"}


def test_ignored_drift_is_counted_only(ground: Ground) -> None:
    """With ``ignore`` nothing is told or done; a number says that there is something."""
    inventory = ground.apply(kept(ground, CONFIG, Drift.IGNORE))
    edit(ground, {"data": {"colour": "red"}})

    (plan,) = ground.plan(kept(ground, CONFIG, Drift.IGNORE), inventory=inventory)

    assert [change.action for change in plan.changes] == [Action.NO_OP]
    assert (plan.drift, plan.ignored) == ((), 1)


def test_a_deleted_object_is_drift(ground: Ground) -> None:
    """It is made again when drift is healed, told when it is reported, and comes back when Git changes it."""
    inventory = ground.apply(kept(ground, CONFIG, Drift.REPORT))
    ground.others.request("DELETE", ground.path("configmaps", "settings"))

    (healed,) = ground.plan(kept(ground, CONFIG), inventory=inventory)
    (reported,) = ground.plan(kept(ground, CONFIG, Drift.REPORT), inventory=inventory)
    (ignored,) = ground.plan(kept(ground, CONFIG, Drift.IGNORE), inventory=inventory)
    changed = kept(ground, CONFIG.replace("green", "blue"), Drift.REPORT)
    (wanted,) = ground.plan(changed, inventory=inventory)

    assert healed.changes[0].action is Action.CREATE
    assert [item.action for item in reported.changes] == [Action.NO_OP]
    assert [item.action for item in reported.drift] == [Action.DELETE]
    assert (reported.steps, reported.prune) == ((), ())
    assert (ignored.drift, ignored.ignored) == ((), 1)
    assert wanted.changes[0].action is Action.CREATE


def test_a_scaled_deployment_is_healed_reported_or_ignored(ground: Ground) -> None:
    """Scaling goes through a subresource; the record of it is found all the same, without a time as servers keep it."""
    inventory = ground.apply(kept(ground, DEPLOYMENT, Drift.REPORT))
    scale(ground, 3, manager="kubectl")

    (healed,) = ground.plan(kept(ground, DEPLOYMENT), inventory=inventory)
    (reported,) = ground.plan(kept(ground, DEPLOYMENT, Drift.REPORT), inventory=inventory)
    (ignored,) = ground.plan(kept(ground, DEPLOYMENT, Drift.IGNORE), inventory=inventory)

    change = change_of(healed, "/web")
    assert change.reason == "heals drift: changed by kubectl through scale"
    assert [(item.path, item.before, item.after) for item in reported.drift[0].fields] == [
        ("spec.replicas", 1, 3)
    ]
    assert (ignored.drift, ignored.ignored) == ((), 1)
    ground.apply(kept(ground, DEPLOYMENT), inventory=inventory)
    assert replicas(ground) == 1


def test_an_autoscaled_deployment_is_never_scaled_back(ground: Ground) -> None:
    """An ignored path is set by the first apply, and left alone from the moment that another sets it."""
    inventory = ground.apply(kept(ground, DEPLOYMENT, ignore=REPLICAS))
    assert replicas(ground) == 1
    scale(ground, 4, manager="horizontal-pod-autoscaler")

    changed = kept(ground, DEPLOYMENT.replace("web:1", "web:2"), ignore=REPLICAS)
    (plan,) = ground.plan(changed, inventory=inventory)
    after = ground.apply(changed, inventory=inventory)
    (again,) = ground.plan(changed, inventory=after)

    assert [field.path for field in plan.changes[0].fields] == [
        "spec.template.spec.containers[name=web].image"
    ]
    assert (plan.drift, plan.ignored) == ((), 1)
    assert replicas(ground) == 4
    assert [change.action for change in again.changes] == [Action.NO_OP]


def test_an_ignored_path_that_nobody_else_sets_follows_git(ground: Ground) -> None:
    """Leaving it out of an apply would take the field away while it is ours alone."""
    inventory = ground.apply(kept(ground, DEPLOYMENT, ignore=REPLICAS))
    more = DEPLOYMENT.replace("replicas: 1", "replicas: 2")

    ground.apply(kept(ground, more, ignore=REPLICAS), inventory=inventory)

    assert replicas(ground) == 2


def test_an_ignored_path_is_left_when_an_object_is_adopted(ground: Ground) -> None:
    """What an autoscaler set before the object became ours is not set back by taking it over."""
    ground.apply(kept(ground, DEPLOYMENT))
    path = ground.path("deployments", "web", group="apis/apps/v1")
    marks = {"orchestrator/stack": None, "orchestrator/environment": None}
    ground.patch(path, {"metadata": {"labels": marks}}, manager="kubectl-label")
    scale(ground, 4, manager="horizontal-pod-autoscaler")

    (plan,) = ground.plan(kept(ground, DEPLOYMENT, ignore=REPLICAS))
    ground.apply(kept(ground, DEPLOYMENT, ignore=REPLICAS))

    assert plan.changes[0].action is Action.ADOPT
    assert replicas(ground) == 4


@pytest.mark.parametrize("drift", [Drift.REPORT, Drift.IGNORE])
def test_what_somebody_applied_by_hand_is_left_too(ground: Ground, drift: Drift) -> None:
    """With ``kubectl apply`` a person declares fields: left alone, they must not go with what is taken over."""
    inventory = ground.apply(kept(ground, CONFIG, drift))
    edit(ground, {"data": {"colour": "red"}}, manager="kubectl-client-side-apply")

    (plan,) = ground.plan(kept(ground, CONFIG, drift), inventory=inventory)
    ground.apply(kept(ground, CONFIG, drift), inventory=inventory)

    assert [change.action for change in plan.changes] == [Action.NO_OP]
    assert settings(ground) == {"colour": "red"}


def test_an_ignored_path_that_was_declared_before_follows_git(ground: Ground) -> None:
    """Who declared an object before it was adopted is nobody else any more: its fields become ours, and stay."""
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "example/web:1"}]},
            },
        },
    }
    path = ground.path("deployments", group="apis/apps/v1")
    ground.others.create(f"{path}?fieldManager=kubectl-client-side-apply", body)

    ground.apply(kept(ground, DEPLOYMENT.replace("replicas: 1", "replicas: 2"), ignore=REPLICAS))

    assert replicas(ground) == 2


def test_a_container_that_others_removed_is_drift_as_a_whole(ground: Ground) -> None:
    """An element of a list stays left out as one: half of it would be another container."""
    two = DEPLOYMENT.replace(
        'image: "example/web:1"}', 'image: "example/web:1"}, {name: log, image: "example/log:1"}'
    )
    inventory = ground.apply(kept(ground, two, Drift.REPORT))
    path = ground.path("deployments", "web", group="apis/apps/v1")
    containers = [{"name": "web", "image": "example/web:1"}]
    ground.patch(
        path, {"spec": {"template": {"spec": {"containers": containers}}}}, manager="kubectl-edit"
    )

    (plan,) = ground.plan(kept(ground, two, Drift.REPORT), inventory=inventory)
    ground.apply(kept(ground, two, Drift.REPORT), inventory=inventory)

    assert [change.action for change in plan.changes] == [Action.NO_OP]
    paths = {item.path: item.after for item in plan.drift[0].fields}
    assert paths["spec.template.spec.containers[name=log].image"] is ABSENT
    live = ground.others.get(path)
    assert [item["name"] for item in live["spec"]["template"]["spec"]["containers"]] == ["web"]
