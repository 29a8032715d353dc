"""Fields that others set, and fields that outlive who declared them."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.plan import Left
from orchestrator.plans.values import ABSENT
from orchestrator.stack.model import Conflicts, Drift
from orchestrator.workloads.planning.steps import SetPlan
from orchestrator.workloads.planning.taking_over.succession import handed_over
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, change_of, told

pytestmark = pytest.mark.integration

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CONFIGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}


def by_kubectl(ground: Ground, where: str, body: dict[str, Any]) -> None:
    """Create an object as client-side kubectl apply does."""
    annotations = {_LAST_APPLIED: json.dumps(body)}
    metadata = {**body["metadata"], "annotations": annotations}
    ground.others.create(
        f"{where}?fieldManager=kubectl-client-side-apply", {**body, "metadata": metadata}
    )


def managers(ground: Ground, where: str) -> set[tuple[str, str]]:
    """Return who sets fields of an object, and how."""
    found = ground.others.get(where)["metadata"]["managedFields"]
    return {(entry["manager"], entry["operation"]) for entry in found}


def fields(plan: SetPlan, title: str) -> dict[str, tuple[Any, Any]]:
    """Return what changes in an object: old and new by path."""
    return {each.path: (each.before, each.after) for each in change_of(plan, title).fields}


def scaled(ground: Ground, replicas: int) -> None:
    """Set the replicas of the Deployment as a controller would."""
    path = ground.path("deployments", "web", group="apis/apps/v1")
    ground.patch(path, {"spec": {"replicas": replicas}}, manager="autoscaler")


def test_what_kubectl_applied_goes_with_git(ground: Ground) -> None:
    """An object of client-side kubectl apply is ours for good: what leaves Git later leaves the cluster."""
    where = ground.path("configmaps")
    by_kubectl(ground, where, {**CONFIGS, "data": {"colour": "green", "size": "big"}})
    text = CONFIG.replace("green", "green, size: big")
    (plan,) = ground.plan(ground.rendered(text))
    change = change_of(plan, "/settings")
    assert (change.action, change.fields) == (Action.ADOPT, ())
    assert change.reason == (
        "exists and belongs to nobody; takes fields back from kubectl-client-side-apply"
    )
    inventory = ground.apply(text)
    path = ground.path("configmaps", "settings")
    assert managers(ground, path) == {("orchestrator", "Apply")}
    assert _LAST_APPLIED not in ground.others.get(path)["metadata"].get("annotations", {})
    (later,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert fields(later, "/settings") == {"data.size": ("big", ABSENT)}
    ground.apply(CONFIG, inventory=inventory)
    assert ground.others.get(path)["data"] == {"colour": "green"}


def test_what_kubectl_applied_and_git_does_not_declare_is_shown_to_go(ground: Ground) -> None:
    """Adopting shows what it removes, defaults of the server apart, and that is just what it does."""
    where = ground.path("deployments", group="apis/apps/v1")
    container = {
        "name": "web",
        "image": "example/web:1",
        "env": [{"name": "OLD", "value": "1"}],
    }
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "minReadySeconds": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container, {"name": "side", "image": "example/side:1"}]},
            },
        },
    }
    by_kubectl(ground, where, body)
    (plan,) = ground.plan(ground.rendered(DEPLOYMENT))
    pod = "spec.template.spec.containers"
    assert {path: after for path, (_, after) in fields(plan, "/web").items()} == {
        "spec.minReadySeconds": ABSENT,
        f"{pod}[name=side]": ABSENT,
        f"{pod}[name=web].env": ABSENT,
    }
    inventory = ground.apply(DEPLOYMENT)
    spec = ground.others.get(f"{where}/web")["spec"]
    (web,) = spec["template"]["spec"]["containers"]
    assert (web["name"], web.get("env"), spec.get("minReadySeconds")) == ("web", None, None)
    (again,) = ground.plan(ground.rendered(DEPLOYMENT), inventory=inventory)
    assert told(again) == {f"Deployment {ground.namespace}/web": Action.NO_OP}


def test_a_manifest_applied_by_hand_to_our_object_is_undone(ground: Ground) -> None:
    """What kubectl apply added to an object of ours goes again, and its record of the manifest with it."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    body = {"metadata": {"annotations": {_LAST_APPLIED: "{}"}}, "data": {"extra": "yes"}}
    ground.patch(path, body, manager="kubectl-client-side-apply")
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    change = change_of(plan, "/settings")
    assert "kubectl-client-side-apply" in change.reason
    assert fields(plan, "/settings") == {"data.extra": ("yes", ABSENT)}
    ground.apply(CONFIG, inventory=inventory)
    live = ground.others.get(path)
    assert (live["data"], _LAST_APPLIED in live["metadata"]["annotations"]) == (
        {"colour": "green"},
        False,
    )


@pytest.mark.parametrize("drift", [Drift.REPORT, Drift.IGNORE])
def test_what_is_not_healed_is_not_undone(ground: Ground, drift: Drift) -> None:
    """Where drift is left as it is, what a person applied to our object stays, and stays that person's."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    ground.patch(path, {"data": {"extra": "yes"}}, manager="kubectl-client-side-apply")
    found = ground.rendered(CONFIG)
    left = replace(found, objects=tuple(replace(item, drift=drift) for item in found.objects))
    (plan,) = ground.plan(left, inventory=inventory)
    assert set(told(plan).values()) == {Action.NO_OP}
    changed = ground.rendered(CONFIG.replace("green", "red"))
    left = replace(changed, objects=tuple(replace(item, drift=drift) for item in changed.objects))
    ground.apply(left, inventory=inventory)
    assert ground.others.get(path)["data"] == {"colour": "red", "extra": "yes"}


def test_what_was_set_by_hand_and_git_declares_goes_with_git(ground: Ground) -> None:
    """A field that a person set to what Git says now is ours: it does not outlive its line in Git."""
    inventory = ground.apply(CONFIG.replace("green", "green, size: small"))
    path = ground.path("configmaps", "settings")
    ground.patch(path, {"data": {"size": "big", "note": "mine"}}, manager="kubectl-edit")
    big = CONFIG.replace("green", "green, size: big")
    inventory = ground.apply(big, inventory=inventory)
    ground.apply(CONFIG, inventory=inventory)
    assert ground.others.get(path)["data"] == {"colour": "green", "note": "mine"}


def test_a_conflict_says_who_what_and_when(ground: Ground) -> None:
    """By default a controller's field is not fought over, and every way out is told."""
    inventory = ground.apply(DEPLOYMENT)
    scaled(ground, 3)
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(DEPLOYMENT), inventory=inventory)
    assert "autoscaler set spec.replicas at 20" in raised.value.message
    for way in (
        "leave these fields out",
        "'conflicts: leave' on manifests.shop",
        "conflicts: take",
    ):
        assert way in raised.value.hint
    assert "orchestrator/force: enabled" in raised.value.hint


def test_a_set_can_leave_fields_to_others(ground: Ground) -> None:
    """Under ``leave`` a controller keeps its field, the rest is applied, and the plan says what is left."""
    inventory = ground.apply(DEPLOYMENT)
    scaled(ground, 3)
    left = ground.rendered(DEPLOYMENT, conflicts=Conflicts.LEAVE)
    (plan,) = ground.plan(left, inventory=inventory)
    change = change_of(plan, "/web")
    assert (change.action, change.reason) == (Action.NO_OP, "leaves spec.replicas to autoscaler")
    assert plan.left == (Left(name=change.name, fields=("spec.replicas",), to="autoscaler"),)
    newer = ground.rendered(
        DEPLOYMENT.replace("web:1", "web:2"), name="shop", conflicts=Conflicts.LEAVE
    )
    (plan,) = ground.plan(newer, inventory=inventory)
    assert list(fields(plan, "/web")) == ["spec.template.spec.containers[name=web].image"]
    ground.apply(newer, inventory=inventory)
    live = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert live["spec"]["replicas"] == 3
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example/web:2"


def test_what_is_left_is_left_at_the_next_value_too(ground: Ground) -> None:
    """A controller that moves its field on between plan and apply is no conflict: it was never ours."""
    inventory = ground.apply(DEPLOYMENT)
    scaled(ground, 3)
    newer = ground.rendered(DEPLOYMENT.replace("web:1", "web:2"), conflicts=Conflicts.LEAVE)
    ground.plan(newer, inventory=inventory)
    scaled(ground, 4)
    ground.apply(newer, inventory=inventory)
    live = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert live["spec"]["replicas"] == 4


def test_leaving_does_not_keep_what_was_set_by_hand(ground: Ground) -> None:
    """A field that a person changed is taken back under ``leave`` too, beside one that is left."""
    inventory = ground.apply(DEPLOYMENT)
    path = ground.path("deployments", "web", group="apis/apps/v1")
    ground.patch(path, {"spec": {"paused": True, "replicas": 3}}, manager="autoscaler")
    template = {"spec": {"containers": [{"name": "web", "image": "example/web:9"}]}}
    ground.patch(path, {"spec": {"template": template}}, manager="kubectl-edit")
    left = ground.rendered(DEPLOYMENT, conflicts=Conflicts.LEAVE)
    (plan,) = ground.plan(left, inventory=inventory)
    reason = change_of(plan, "/web").reason
    assert "kubectl-edit" in reason
    assert reason.endswith("; leaves spec.replicas to autoscaler")
    assert list(fields(plan, "/web")) == ["spec.template.spec.containers[name=web].image"]


def test_a_set_can_take_fields(ground: Ground) -> None:
    """Under ``take`` a controller's field becomes ours, and the plan says whose it was."""
    inventory = ground.apply(DEPLOYMENT)
    scaled(ground, 3)
    taking = ground.rendered(DEPLOYMENT, conflicts=Conflicts.TAKE)
    (plan,) = ground.plan(taking, inventory=inventory)
    assert "autoscaler" in change_of(plan, "/web").reason
    assert fields(plan, "/web") == {"spec.replicas": (3, 1)}
    ground.apply(taking, inventory=inventory)
    live = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert live["spec"]["replicas"] == 1


def test_handing_over_survives_being_interrupted(ground: Ground) -> None:
    """Nothing is lost when an apply dies between the hand-over of fields and the change: it shows the same."""
    by_kubectl(
        ground, ground.path("configmaps"), {**CONFIGS, "data": {"colour": "green", "size": "big"}}
    )
    (plan,) = ground.plan(ground.rendered(CONFIG))
    (step,) = plan.steps
    assert step.succession is not None
    managed = partial(handed_over, succession=step.succession)
    assert ground.cluster.hand_over_many({step.ref: (step.uid, managed)}) == ()
    path = ground.path("configmaps", "settings")
    assert ground.others.get(path)["data"] == {"colour": "green", "size": "big"}
    (again,) = ground.plan(ground.rendered(CONFIG))
    assert fields(again, "/settings") == fields(plan, "/settings")
    ground.apply(CONFIG)
    assert ground.others.get(path)["data"] == {"colour": "green"}
