import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ClusterError, InvalidStack
from orchestrator.plans.change import Action
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.values import ABSENT, Masked, Unknown
from orchestrator.stack.expressions import Output
from orchestrator.stack.model import UnitId
from orchestrator.workloads.cluster.answers import Superseded
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, change_of, told

pytestmark = pytest.mark.integration

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: "${{ modules.database.password }}"}
"""
PENDING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {host: "${{ modules.database.host }}", colour: green}
"""
WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {{spec: {{type: object, properties: {properties}}}}}
"""
WIDGET = """
---
apiVersion: {group}/v1
kind: Widget
metadata: {{name: first}}
spec: {spec}
"""


def widgets(
    ground: Ground, *, spec: str = "{size: 1}", properties: str = "{size: {type: integer}}"
) -> str:
    """Return the definition of a kind of one's own, and an object of it."""
    group = f"{ground.namespace}.example.com"
    return WIDGETS.format(group=group, properties=properties) + WIDGET.format(
        group=group, spec=spec
    )


def test_a_new_object_is_created(ground: Ground) -> None:
    """An object that is not there is planned with all its fields, as they are declared."""
    (plan,) = ground.plan(ground.rendered(CONFIG))
    (change,) = plan.changes
    assert (change.action, change.name) == (Action.CREATE, f"ConfigMap {ground.namespace}/settings")
    assert [(field.path, field.before, field.after) for field in change.fields] == [
        ("data.colour", ABSENT, "green")
    ]


def test_what_is_applied_is_no_change(ground: Ground) -> None:
    """Planning right after an apply finds nothing to do, whatever the server defaulted."""
    text = f"{CONFIG}---{DEPLOYMENT}"
    inventory = ground.apply(text)
    (plan,) = ground.plan(ground.rendered(text), inventory=inventory)
    assert set(told(plan).values()) == {Action.NO_OP}
    assert all(change.fields == () for change in plan.changes)


def test_a_change_is_told_by_field(ground: Ground) -> None:
    """Only the fields that change are told, by the names of their elements."""
    inventory = ground.apply(DEPLOYMENT)
    (plan,) = ground.plan(
        ground.rendered(DEPLOYMENT.replace("web:1", "web:2")), inventory=inventory
    )
    change = change_of(plan, "/web")
    assert change.action is Action.UPDATE
    assert [(field.path, field.before, field.after) for field in change.fields] == [
        ("spec.template.spec.containers[name=web].image", "example/web:1", "example/web:2")
    ]


def test_a_field_that_left_git_is_removed(ground: Ground) -> None:
    """A field that was applied and is declared no longer goes."""
    inventory = ground.apply(CONFIG.replace("green", "green, size: big"))
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert [(field.path, field.after) for field in plan.changes[0].fields] == [
        ("data.size", ABSENT)
    ]


def test_drift_by_hand_is_taken_back(ground: Ground) -> None:
    """What a person changed with kubectl is a change back, and says from whom."""
    inventory = ground.apply(CONFIG)
    ground.patch(
        ground.path("configmaps", "settings"), {"data": {"colour": "red"}}, manager="kubectl-edit"
    )
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    (change,) = plan.changes
    assert change.action is Action.UPDATE
    assert change.reason.startswith("heals drift: changed by kubectl-edit at ")
    ground.apply(CONFIG, inventory=inventory)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "green"}


def test_a_field_of_a_controller_is_a_conflict(ground: Ground) -> None:
    """A field that a program set is not fought over: the conflict names it, the field and both ways out."""
    inventory = ground.apply(DEPLOYMENT)
    path = ground.path("deployments", "web", group="apis/apps/v1")
    ground.patch(path, {"spec": {"replicas": 3}}, manager="autoscaler")
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(DEPLOYMENT), inventory=inventory)
    found = raised.value.message
    assert found.startswith(
        f"Deployment {ground.namespace}/web is also managed by others: autoscaler set spec.replicas at 20"
    )
    assert found.endswith(" UTC")
    assert "shop.yaml:4" in raised.value.detail
    (plan,) = ground.plan(
        ground.rendered(DEPLOYMENT.replace("  replicas: 1\n", "")), inventory=inventory
    )
    assert told(plan) == {f"Deployment {ground.namespace}/web": Action.NO_OP}


def test_an_object_can_ask_for_its_fields(ground: Ground) -> None:
    """An annotation takes fields from whoever set them."""
    inventory = ground.apply(CONFIG)
    ground.patch(
        ground.path("configmaps", "settings"), {"data": {"colour": "red"}}, manager="robot"
    )
    text = CONFIG.replace(
        "name: settings", "name: settings, annotations: {orchestrator/force: enabled}"
    )
    ground.apply(text, inventory=inventory)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["data"] == {"colour": "green"}


def test_an_object_of_nobody_is_adopted(ground: Ground) -> None:
    """What exists without an owner is taken over, and shown as such with its differences."""
    body = {"metadata": {"name": "settings"}, "data": {"colour": "green", "other": "kept"}}
    ground.others.create(ground.path("configmaps"), body)
    (plan,) = ground.plan(ground.rendered(CONFIG))
    (change,) = plan.changes
    assert (change.action, change.fields) == (Action.ADOPT, ())
    inventory = ground.apply(CONFIG)
    (again,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert set(told(again).values()) == {Action.NO_OP}
    assert ground.others.get(ground.path("configmaps", "settings"))["data"]["other"] == "kept"


def test_a_salt_of_others_in_git_is_no_change_for_ever(ground: Ground) -> None:
    """One that was exported, and is another manager's in the cluster, too, cannot be taken away by an apply of ours."""
    exported = CONFIG.replace(
        "settings}", "settings, annotations: {orchestrator/salt: 0123456789abcdefABCDEF}}"
    )
    inventory = ground.apply(CONFIG)
    there = {"metadata": {"annotations": {"orchestrator/salt": "0123456789abcdefABCDEF"}}}
    ground.patch(ground.path("configmaps", "settings"), there, manager="kubectl-create")
    inventory = ground.apply(exported, inventory=inventory)
    (plan,) = ground.plan(ground.rendered(exported), inventory=inventory)
    assert set(told(plan).values()) == {Action.NO_OP}


def test_an_object_of_another_stack_is_refused(ground: Ground) -> None:
    """An object belongs to one stack and environment: the other one is named, and nothing is taken."""
    ground.apply(CONFIG)
    other = replace(ground, environment="other")
    with pytest.raises(ClusterError) as raised:
        other.plan(other.rendered(CONFIG))
    assert (
        raised.value.message == f"ConfigMap {ground.namespace}/settings belongs to {ground.owner}"
    )


def test_a_moved_object_is_a_move(ground: Ground) -> None:
    """An object that moves between sets is neither deleted nor created."""
    inventory = ground.apply(ground.rendered(CONFIG, name="old"))
    plans = ground.plan(ground.rendered(CONFIG, name="new"), inventory=inventory)
    (moved,) = plans[0].changes
    assert (moved.action, moved.previous) == (Action.MOVE, "manifests.old")
    assert (plans[1].unit, plans[1].removed, plans[1].changes) == ("manifests.old", True, ())
    after = ground.apply(ground.rendered(CONFIG, name="new"), inventory=inventory)
    live = ground.others.get(ground.path("configmaps", "settings"))
    assert live["metadata"]["annotations"]["orchestrator/unit"] == "manifests.new"
    assert [(item.unit, item.uid) for item in after] == [("manifests.new", inventory[0].uid)]


def test_what_left_git_is_deleted(ground: Ground) -> None:
    """An object of the inventory that no set wants is planned as a deletion of its unit."""
    inventory = ground.apply(f"{CONFIG}---{CONFIG.replace('settings', 'extra')}")
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert change_of(plan, "/extra").action is Action.DELETE
    assert [item.ref.name for item in plan.prune] == ["extra"]


def test_what_is_gone_or_not_ours_is_only_forgotten(ground: Ground) -> None:
    """Deleting needs our labels: what lost them, was deleted or asks to stay is forgotten, with the reason."""
    names = ("gone", "lost", "stays")
    text = "---".join(CONFIG.replace("settings", name) for name in names)
    inventory = ground.apply(
        text.replace("name: stays", "name: stays, annotations: {orchestrator/prune: disabled}")
    )
    ground.others.request("DELETE", ground.path("configmaps", "gone"))
    labels = {"orchestrator/stack": None}
    ground.patch(
        ground.path("configmaps", "lost"), {"metadata": {"labels": labels}}, manager="kubectl-label"
    )
    (plan,) = ground.plan(inventory=inventory)
    assert {
        change.name.partition("/")[2]: (change.action, change.reason) for change in plan.changes
    } == {
        "gone": (Action.FORGET, "is gone already"),
        "lost": (Action.FORGET, "stays, since it lost our labels"),
        "stays": (Action.FORGET, "stays, since it is annotated orchestrator/prune: disabled"),
    }


def test_a_namespace_of_the_same_plan(ground: Ground) -> None:
    """Objects in a namespace that this plan creates are planned as creations, and applied after it."""
    name = f"{ground.namespace}-b"
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"
    text = f"{space}---{CONFIG.replace('name: settings', f'name: settings, namespace: {name}')}"
    (plan,) = ground.plan(ground.rendered(text))
    assert set(told(plan).values()) == {Action.CREATE}
    inventory = ground.apply(text)
    assert ground.prune(inventory) == tuple(sorted(item.ref for item in inventory))


def test_a_missing_namespace_is_an_error(ground: Ground) -> None:
    """A namespace that neither exists nor is declared is named with what to do, at the object's place."""
    text = CONFIG.replace("name: settings", "name: settings, namespace: nowhere-at-all")
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(text))
    assert (
        raised.value.message
        == "ConfigMap nowhere-at-all/settings: the namespace nowhere-at-all does not exist"
    )
    assert "add the Namespace nowhere-at-all" in raised.value.hint
    assert "declared in shop.yaml:4" in raised.value.detail


def test_a_definition_and_its_object_in_one_plan(ground: Ground) -> None:
    """A custom resource is planned beside its definition, and applied once that is established."""
    text = widgets(ground)
    (plan,) = ground.plan(ground.rendered(text))
    assert set(told(plan).values()) == {Action.CREATE}
    inventory = ground.apply(text)
    (again,) = ground.plan(ground.rendered(text), inventory=inventory)
    assert set(told(again).values()) == {Action.NO_OP}
    ground.prune(inventory)


def test_a_definition_that_grows_with_its_object(ground: Ground) -> None:
    """A field that the definition only gets in this plan is no mistake of the object that uses it."""
    inventory = ground.apply(widgets(ground))
    grown = widgets(
        ground,
        spec="{size: 1, colour: red}",
        properties="{size: {type: integer}, colour: {type: string}}",
    )
    (plan,) = ground.plan(ground.rendered(grown), inventory=inventory)
    assert [field.path for field in change_of(plan, "/first").fields] == ["spec.colour"]
    assert [each.kind for each in plan.changed] == ["CustomResourceDefinition"]
    ground.prune(ground.apply(grown, inventory=inventory))


def test_pending_values_are_unknown_and_the_rest_is_compared(ground: Ground) -> None:
    """What waits for a module is shown as such beside what is live; the rest is decided by the server."""
    host = {"host": Output(value="db.example")}
    inventory = ground.apply(ground.rendered(PENDING, outputs=host))
    (plan,) = ground.plan(ground.rendered(PENDING.replace("green", "red")), inventory=inventory)
    assert plan.pending == ("modules.database.host",)
    assert [(field.path, field.before, field.after) for field in plan.changes[0].fields] == [
        ("data.colour", "green", "red"),
        ("data.host", "db.example", Unknown(sources=("modules.database.host",))),
    ]
    assert plan.steps == ()


def test_a_new_object_with_pending_values_is_created(ground: Ground) -> None:
    """An object that is not there yet is a creation, also when the server could not judge it."""
    text = DEPLOYMENT.replace('"example/web:1"', '"${{ modules.database.image }}"')
    (plan,) = ground.plan(ground.rendered(text))
    change = change_of(plan, "/web")
    assert change.action is Action.CREATE
    assert Unknown(sources=("modules.database.image",)) in [field.after for field in change.fields]


def test_a_pending_field_that_must_be_there(ground: Ground) -> None:
    """An existing object whose manifest is not valid without its pending field is compared by ourselves."""
    inventory = ground.apply(DEPLOYMENT)
    text = DEPLOYMENT.replace("{name: web, image", '{name: "${{ modules.database.name }}", image')
    (plan,) = ground.plan(
        ground.rendered(text.replace("replicas: 1", "replicas: 2")), inventory=inventory
    )
    change = change_of(plan, "/web")
    assert change.action is Action.UPDATE
    assert ("spec.replicas", 1, 2) in [
        (field.path, field.before, field.after) for field in change.fields
    ]


def test_a_pending_name_keeps_its_kind_from_being_pruned(ground: Ground) -> None:
    """While a name is pending, an object of the inventory may turn out to be it: nothing is deleted."""
    text = CONFIG.replace("settings", '"${{ modules.database.name }}"')
    inventory = ground.apply(ground.rendered(text, outputs={"name": Output(value="settings")}))
    (plan,) = ground.plan(ground.rendered(text), inventory=inventory)
    assert told(plan) == {"ConfigMap (known after apply: modules.database.name)": Action.CREATE}
    assert plan.prune == ()


def test_secrets_are_masked_and_learnt(ground: Ground) -> None:
    """A Secret is compared without being shown, and neither its new nor its old value leaves afterwards."""
    outputs = {"password": Output(value="old-password", sensitive=True)}
    inventory = ground.apply(ground.rendered(SECRET, outputs=outputs))
    changed = {"password": Output(value="new-password", sensitive=True)}
    ground.secrets = type(ground.secrets)()
    (plan,) = ground.plan(ground.rendered(SECRET, outputs=changed), inventory=inventory)
    ((field),) = plan.changes[0].fields
    assert field.path == "data.password"
    assert isinstance(field.before, Masked)
    assert isinstance(field.after, Masked)
    assert ground.secrets.redact("old-password new-password") == "(sensitive) (sensitive)"
    assert "password" not in repr(plan.changes).replace("data.password", "")


def test_a_sensitive_output_is_masked_anywhere(ground: Ground) -> None:
    """A sensitive output is masked in an ordinary object too, at its place in a keyed list."""
    text = DEPLOYMENT.replace(
        "image:", 'env: [{name: TOKEN, value: "${{ modules.database.token }}"}], image:'
    )
    inventory = ground.apply(
        ground.rendered(text, outputs={"token": Output(value="aaaaaaaa", sensitive=True)})
    )
    outputs = {"token": Output(value="bbbbbbbb", sensitive=True)}
    (plan,) = ground.plan(ground.rendered(text, outputs=outputs), inventory=inventory)
    (field,) = change_of(plan, "/web").fields
    assert field.path == "spec.template.spec.containers[name=web].env[name=TOKEN].value"
    assert isinstance(field.before, Masked)
    assert isinstance(field.after, Masked)


def test_the_fingerprint_follows_what_is_wanted(ground: Ground) -> None:
    """The fingerprint changes with a manifest, and never with a secret's value."""

    def fingerprint(text: str, value: str = "one") -> str:
        outputs = {"password": Output(value=value, sensitive=True)}
        (plan,) = ground.plan(ground.rendered(text, outputs=outputs))
        return plan.fingerprint

    assert fingerprint(CONFIG) == fingerprint(CONFIG)
    assert fingerprint(CONFIG) != fingerprint(CONFIG.replace("green", "red"))
    assert fingerprint(SECRET) == fingerprint(SECRET, "another")


def test_a_misspelt_field_is_told_before_anything_happens(ground: Ground) -> None:
    """The server's own schema finds what a kind does not know, with the place of the object."""
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(DEPLOYMENT.replace("replicas", "replcas")))
    assert "has fields that its kind does not know: spec.replcas" in raised.value.message
    assert "declared in shop.yaml:4" in raised.value.detail


def test_all_refusals_are_told_at_once(ground: Ground) -> None:
    """Two manifests that the server refuses are told together."""
    text = f"{DEPLOYMENT.replace('replicas: 1', 'replicas: -1')}---{CONFIG.replace('green', '[1]')}"
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(text))
    assert "and 1 more refusal" in raised.value.message
    assert "spec.replicas" in raised.value.message
    assert "spec.replicas" not in raised.value.detail
    assert "ConfigMap" in raised.value.detail


def test_an_immutable_field_is_named(ground: Ground) -> None:
    """A change that the server does not allow in place says which field, and what to do."""
    inventory = ground.apply(DEPLOYMENT)
    with pytest.raises(ClusterError) as raised:
        ground.plan(
            ground.rendered(DEPLOYMENT.replace("app: web", "app: other")), inventory=inventory
        )
    assert "these fields of it cannot be changed: spec.selector" in raised.value.message


def test_an_object_that_is_being_deleted_is_waited_for(ground: Ground) -> None:
    """What is on its way out can be neither changed nor created: the finalizer that holds it is named."""
    inventory = ground.apply(CONFIG)
    path = ground.path("configmaps", "settings")
    ground.patch(path, {"metadata": {"finalizers": ["example.com/hold"]}}, manager="robot")
    ground.others.request("DELETE", path)
    try:
        with pytest.raises(ClusterError) as raised:
            ground.plan(ground.rendered(CONFIG), inventory=inventory)
        assert "is being deleted, which waits for example.com/hold" in raised.value.message
    finally:
        ground.patch(path, {"metadata": {"finalizers": None}}, manager="robot")


def test_a_kind_that_nobody_defines_any_more(ground: Ground) -> None:
    """An object of the inventory whose kind is gone is forgotten."""
    ref = ObjectRef(group="gone.example.com", version="v1", kind="Thing", namespace="x", name="y")
    (plan,) = ground.plan(inventory=(OwnedObject(ref=ref, unit=UnitId("manifests.old"), uid="1"),))
    assert [(change.action, change.reason) for change in plan.changes] == [
        (Action.FORGET, "is gone already")
    ]
    assert (plan.prune, plan.forgotten) == ((), (ref,))


def test_a_kind_that_the_cluster_does_not_have(ground: Ground) -> None:
    """An unknown kind is a mistake at its place, with the nearest name of its group."""
    with pytest.raises(InvalidStack) as raised:
        ground.rendered(DEPLOYMENT.replace("kind: Deployment", "kind: Deploymnet"))
    (mistake,) = raised.value.mistakes
    assert mistake.message == "the cluster has no kind Deploymnet in apps/v1"
    assert mistake.hint == "did you mean 'Deployment'?"
    assert str(mistake.place) == "shop.yaml:3:7"


def test_two_environments_live_side_by_side(ground: Ground) -> None:
    """Objects of one environment are no business of another one in the same namespace, even to prune."""
    inventory = ground.apply(CONFIG)
    other = replace(ground, environment="other")
    theirs = other.apply(CONFIG.replace("settings", "theirs"))
    (forgetting,) = other.plan(inventory=inventory)
    assert (forgetting.prune, forgetting.forgotten) == ((), (inventory[0].ref,))
    with pytest.raises(Superseded):
        other.prune(inventory)
    for name in ("settings", "theirs"):
        assert ground.others.get(ground.path("configmaps", name))["data"] == {"colour": "green"}
    (plan,) = other.plan(inventory=theirs)
    assert told(plan) == {f"ConfigMap {ground.namespace}/theirs": Action.DELETE}


def test_sets_that_declare_one_object_are_refused(ground: Ground) -> None:
    """The same object in two sets has no owner: both places are named."""
    with pytest.raises(InvalidStack):
        ground.plan(ground.rendered(CONFIG, name="one"), ground.rendered(CONFIG, name="two"))


def job(ttl: int, command: str = "a") -> str:
    """Return a Job that the cluster removes ``ttl`` seconds after it is done."""
    spec: dict[str, Any] = {
        "ttlSecondsAfterFinished": ttl,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "a", "image": "a", "command": [command]}],
            }
        },
    }
    return json.dumps(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": spec}
    )


def test_a_job_that_its_time_removed_is_not_run_again(ground: Ground) -> None:
    """A finished Job that is gone by its time to live counts as done, until its manifest changes."""
    inventory = ground.apply(job(0))
    assert ground.prune(inventory) == (inventory[0].ref,)
    (plan,) = ground.plan(ground.rendered(job(0)), inventory=inventory)
    assert [(change.action, change.reason) for change in plan.changes] == [
        (Action.NO_OP, "ran before; the cluster removed it when its time was up")
    ]
    assert ground.apply(job(0), inventory=inventory) == inventory
    (changed,) = ground.plan(ground.rendered(job(0, "b")), inventory=inventory)
    assert changed.changes[0].action is Action.CREATE


def test_a_changed_job_says_that_it_cannot_change(ground: Ground) -> None:
    """The template of a Job that exists cannot be changed: another name makes another Job."""
    inventory = ground.apply(job(3600))
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(job(3600, "b")), inventory=inventory)
    assert "cannot be changed: spec.template" in raised.value.message
    assert "another name" in raised.value.hint


def test_a_deleted_object_is_made_again(ground: Ground) -> None:
    """What somebody deleted is created again, and the plan says that it was there."""
    inventory = ground.apply(CONFIG)
    ground.others.request("DELETE", ground.path("configmaps", "settings"))
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    assert [(change.action, change.reason) for change in plan.changes] == [
        (Action.CREATE, "was applied before, and is gone")
    ]


def test_another_version_of_a_kind_is_compared_in_that_version(ground: Ground) -> None:
    """What is live is read in the version of the manifest, so that a conversion is no difference."""
    text = """
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web, annotations: {orchestrator/wait: disabled}}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
"""
    inventory = ground.apply(text)
    (plan,) = ground.plan(ground.rendered(text), inventory=inventory)
    assert [(change.action, change.fields) for change in plan.changes] == [(Action.NO_OP, ())]
