"""Objects that cannot be changed in place: shown as replaced, and made anew only where that is allowed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.events import Event, UnitProgress
from orchestrator.plans.values import ABSENT
from orchestrator.stack.model import Wait
from orchestrator.workloads.applying.execution import apply_set
from orchestrator.workloads.cluster.answers import Superseded
from orchestrator.workloads.planning.steps import SetPlan
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.custom import definition
from tests.workloads.ground import Ground, change_of, told

pytestmark = pytest.mark.integration

_OTHER = DEPLOYMENT.replace("app: web", "app: other")
_HOLD = "example.com/hold"


class _Death(Exception):
    """The end of a process in the middle of its work."""


def manifest(kind: str, api_version: str, **fields: Any) -> dict[str, Any]:
    """Return an object of this kind, called ``it``."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "it"}, **fields}


def pod(image: str = "a") -> dict[str, Any]:
    """Return a template of Pods."""
    return {
        "metadata": {"labels": {"app": "it"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]},
    }


def claim(size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    """Return a claim of a volume; nothing in the sandbox binds it."""
    return manifest(
        "PersistentVolumeClaim",
        "v1",
        spec={
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            **spec,
        },
    )


def set_of_pods(size: str) -> dict[str, Any]:
    """Return a StatefulSet without Pods, whose volumes would have this size."""
    always = pod()
    always["spec"]["restartPolicy"] = "Always"
    volume = {"metadata": {"name": "data"}, "spec": claim(size)["spec"]}
    return manifest(
        "StatefulSet",
        "apps/v1",
        spec={
            "replicas": 0,
            "serviceName": "it",
            "selector": {"matchLabels": {"app": "it"}},
            "template": always,
            "volumeClaimTemplates": [volume],
        },
    )


def role(name: str) -> dict[str, Any]:
    """Return a binding to a role of this name."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    return manifest("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef=reference)


def service(**spec: Any) -> dict[str, Any]:
    """Return a Service of one port."""
    return manifest("Service", "v1", spec={"ports": [{"port": 80}], **spec})


_CASES: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    (
        manifest("Job", "batch/v1", spec={"template": pod("a")}),
        manifest("Job", "batch/v1", spec={"template": pod("b")}),
        {"spec.template.spec.containers[name=a].image"},
    ),
    (service(), service(clusterIP="None"), {"spec.clusterIP"}),
    (claim(), claim(accessModes=["ReadWriteMany"]), {"spec.accessModes"}),
    (claim("2Gi"), claim("1Gi"), {"spec.resources.requests.storage"}),
    (
        set_of_pods("1Gi"),
        set_of_pods("2Gi"),
        {"spec.volumeClaimTemplates[metadata.name=data].spec.resources.requests.storage"},
    ),
    (role("view"), role("edit"), {"roleRef.name"}),
    (
        manifest("Secret", "v1", immutable=True, data={"a": "YWFh"}),
        manifest("Secret", "v1", immutable=True, data={"a": "YmJi"}),
        {"data.a"},
    ),
    (
        manifest("ConfigMap", "v1", immutable=True, data={"a": "1", "gone": "x"}),
        manifest("ConfigMap", "v1", immutable=True, data={"a": "2"}),
        {"data.a", "data.gone"},
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "forcing"),
    _CASES,
    ids=[f"{one['kind']}-{index}" for index, (one, _, _) in enumerate(_CASES)],
)
def test_kinds_that_cannot_be_changed_are_replaced(
    ground: Ground, before: dict[str, Any], after: dict[str, Any], forcing: set[str]
) -> None:
    """The plan shows a replacement with the field that forces it, and the apply makes another object of it."""
    off = Wait(enabled=False)
    inventory = ground.apply(json.dumps(before), wait=off)
    text = json.dumps(after)
    with pytest.raises(ClusterError, match="cannot be changed") as raised:
        ground.plan(ground.rendered(text), inventory=inventory)
    assert "orchestrator/replace: enabled" in raised.value.hint
    assert "'replace: true' on manifests.shop" in raised.value.hint
    allowed = ground.rendered(text, replace=True)
    (plan,) = ground.plan(allowed, inventory=inventory)
    change = change_of(plan, "/it")
    assert change.action is Action.REPLACE
    assert {item.path for item in change.fields if item.forces_replacement} == forcing
    assert "cannot be changed" in change.reason
    now = ground.apply(allowed, inventory=inventory, wait=off)
    assert now[0].uid != inventory[0].uid
    (again,) = ground.plan(allowed, inventory=now)
    assert set(told(again).values()) == {Action.NO_OP}


def test_an_object_can_ask_to_be_replaced(ground: Ground) -> None:
    """An annotation allows it for one object; what the server defaults or draws by lot is not shown."""
    inventory = ground.apply(DEPLOYMENT)
    annotated = _OTHER.replace(
        "{name: web}\n", "{name: web, annotations: {orchestrator/replace: enabled}}\n", 1
    )
    (plan,) = ground.plan(ground.rendered(annotated), inventory=inventory)
    change = change_of(plan, "/web")
    assert (change.action, change.reason) == (Action.REPLACE, "spec.selector cannot be changed")
    assert [(item.path, item.forces_replacement) for item in change.fields] == [
        ('metadata.annotations["orchestrator/replace"]', False),
        ("spec.selector.matchLabels.app", True),
        ("spec.template.metadata.labels.app", False),
    ]
    ground.apply(annotated, inventory=inventory)
    live = ground.others.get(ground.path("deployments", "web", group="apis/apps/v1"))
    assert live["spec"]["selector"] == {"matchLabels": {"app": "other"}}
    assert live["status"]["readyReplicas"] == 1


def test_what_leaves_with_a_replacement_is_shown(ground: Ground) -> None:
    """A field that left Git is told beside the one that forces the replacement."""
    before = _immutable(a="1", gone="x")
    inventory = ground.apply(json.dumps(before))
    (plan,) = ground.plan(
        ground.rendered(json.dumps(_immutable(a="2")), replace=True), inventory=inventory
    )
    told_ = {item.path: (item.before, item.after) for item in change_of(plan, "/it").fields}
    assert told_ == {"data.a": ("1", "2"), "data.gone": ("x", ABSENT)}


def test_a_replacement_that_would_be_refused_is_not_begun(ground: Ground) -> None:
    """What the server would not create is found before the old object is deleted."""
    inventory = ground.apply(DEPLOYMENT)
    wrong = _OTHER.replace("replicas: 1", "replicas: -1")
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(wrong, replace=True), inventory=inventory)
    assert (
        "has to be replaced, and its replacement is not valid: spec.replicas"
        in raised.value.message
    )


@pytest.fixture
def forbidding(ground: Ground) -> Iterator[None]:
    """Have a policy that refuses ConfigMaps of the namespace with words that are also said of immutable fields."""
    name, root = ground.namespace, "/apis/admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    words = "the colour is immutable and cannot be changed"
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "object.data.a != 'bad'", "message": words}],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    bound = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": here},
    }
    metadata = {"name": name}
    ground.others.create(
        f"{root}/validatingadmissionpolicies", {"metadata": metadata, "spec": spec}
    )
    ground.others.create(
        f"{root}/validatingadmissionpolicybindings", {"metadata": metadata, "spec": bound}
    )
    path = f"{ground.path('configmaps')}?dryRun=All"
    refused = manifest("ConfigMap", "v1", data={"a": "bad"})
    eventually(
        lambda: {"status": ground.others.request("POST", path, refused)[0]},
        lambda told: told["status"] == 422,
    )
    yield
    for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        ground.others.request("DELETE", f"{root}/{plural}/{name}")


@pytest.mark.usefixtures("forbidding")
def test_a_policy_that_speaks_of_what_is_immutable_deletes_nothing(ground: Ground) -> None:
    """What a policy would not let be made anew is not deleted for that, however it words its refusal."""
    wanted = manifest("ConfigMap", "v1", data={"a": "good"})
    inventory = ground.apply(json.dumps(wanted))
    bad = ground.rendered(json.dumps({**wanted, "data": {"a": "bad"}}), replace=True)
    with pytest.raises(ClusterError) as raised:
        ground.plan(bad, inventory=inventory)
    assert "it has to be replaced, and its replacement is not valid: V" in raised.value.message
    assert "the colour is immutable and cannot be changed" in raised.value.message
    assert "delete that by hand" in raised.value.hint
    ground.prune(inventory)
    with pytest.raises(ClusterError, match=r"it is not valid: .*the colour is immutable"):
        ground.plan(bad)


def test_a_replacement_goes_on_where_it_was_interrupted(ground: Ground) -> None:
    """An apply that dies when the old object is gone leaves a creation to the next one, and its inventory."""
    inventory = ground.apply(DEPLOYMENT)
    allowed = ground.rendered(_OTHER, replace=True)
    (plan,) = ground.plan(allowed, inventory=inventory)

    def until_deleted(event: Event) -> None:
        if isinstance(event, UnitProgress) and event.text.endswith(": deleted"):
            raise _Death

    with pytest.raises(_Death):
        _carry_out(ground, plan, until_deleted)
    path = ground.path("deployments", "web", group="apis/apps/v1")
    assert ground.others.request("GET", path)[0] == 404
    (later,) = ground.plan(allowed, inventory=inventory)
    change = change_of(later, "/web")
    assert (change.action, change.reason) == (Action.CREATE, "was applied before, and is gone")
    ground.apply(allowed, inventory=inventory)
    assert ground.others.get(path)["status"]["readyReplicas"] == 1


def test_a_replacement_waits_for_finalizers_and_names_them(ground: Ground) -> None:
    """What is not gone in time is an error that names the finalizer; nothing is created beside it."""
    inventory = ground.apply(json.dumps(_immutable(a="1")))
    path = ground.path("configmaps", "it")
    ground.patch(path, {"metadata": {"finalizers": [_HOLD]}}, manager="robot")
    allowed = ground.rendered(json.dumps(_immutable(a="2")), replace=True)
    (plan,) = ground.plan(allowed, inventory=inventory)
    try:
        with pytest.raises(ClusterError) as raised:
            _carry_out(ground, plan, ground.events.append, timeout=1)
        assert f"it waits for the finalizer {_HOLD}" in raised.value.message
        assert ground.others.get(path)["data"] == {"a": "1"}
    finally:
        ground.patch(path, {"metadata": {"finalizers": None}}, manager="robot")


def test_another_object_of_the_name_is_not_deleted(ground: Ground) -> None:
    """A replacement is bound to the object that was seen."""
    inventory = ground.apply(json.dumps(_immutable(a="1")))
    (plan,) = ground.plan(
        ground.rendered(json.dumps(_immutable(a="2")), replace=True), inventory=inventory
    )
    ground.others.request("DELETE", ground.path("configmaps", "it"))
    theirs = ground.others.create(ground.path("configmaps"), manifest("ConfigMap", "v1"))
    with pytest.raises(Superseded):
        _carry_out(ground, plan, ground.events.append)
    assert ground.others.get(ground.path("configmaps", "it")) == theirs


def test_replaced_objects_go_backwards_before_any_is_made(ground: Ground) -> None:
    """All that is replaced is deleted first, the last first: a claim is held by what uses it."""
    both = [_immutable(a="1"), manifest("Job", "batch/v1", spec={"template": pod("a")})]
    inventory = ground.apply("---\n".join(f"{json.dumps(one)}\n" for one in both))
    both = [_immutable(a="2"), manifest("Job", "batch/v1", spec={"template": pod("b")})]
    allowed = ground.rendered("---\n".join(f"{json.dumps(one)}\n" for one in both), replace=True)
    ground.events.clear()
    ground.apply(allowed, inventory=inventory)
    texts = [event.text for event in ground.events if isinstance(event, UnitProgress)]
    gone = [text for text in texts if text.endswith(": deleted")]
    assert [text.partition(" ")[0] for text in gone] == ["Job", "ConfigMap"]


def test_an_object_of_nobody_is_never_replaced(ground: Ground) -> None:
    """What this stack never applied is not deleted, whatever the set allows."""
    ground.others.create(
        f"{ground.path('configmaps')}?fieldManager=kubectl-create", _immutable(a="1")
    )
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(json.dumps(_immutable(a="2")), replace=True))
    assert "does not belong to this stack, and would have to be replaced" in raised.value.message


def test_what_must_not_be_pruned_is_not_replaced_by_its_set(ground: Ground) -> None:
    """An object that asks to stay is only replaced when it says so itself."""
    keep = {"orchestrator/prune": "disabled"}
    before, after = _immutable(a="1"), _immutable(a="2")
    before["metadata"] = {"name": "it", "annotations": keep}
    after["metadata"] = {"name": "it", "annotations": keep}
    inventory = ground.apply(json.dumps(before))
    with pytest.raises(ClusterError, match="cannot be changed"):
        ground.plan(ground.rendered(json.dumps(after), replace=True), inventory=inventory)
    after["metadata"] = {"name": "it", "annotations": {**keep, "orchestrator/replace": "enabled"}}
    (plan,) = ground.plan(ground.rendered(json.dumps(after)), inventory=inventory)
    assert change_of(plan, "/it").action is Action.REPLACE


@pytest.mark.timeout(60)
def test_a_definition_whose_successor_is_wrong_is_not_deleted(ground: Ground) -> None:
    """Nor are the objects of its kind: the name of a definition hides none of its other mistakes."""
    group = f"{ground.namespace}.example.com"
    before, after = definition(group), definition(group)
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    inventory = ground.apply(json.dumps(before))
    after["spec"]["scope"] = "Cluster"
    (plan,) = ground.plan(ground.rendered(json.dumps(after), replace=True), inventory=inventory)
    change = change_of(plan, group)
    assert (change.action, [item.path for item in change.fields]) == (
        Action.REPLACE,
        ["spec.scope"],
    )
    schema = {"type": "object", "properties": {"spec": {"description": "no type"}}}
    after["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema
    try:
        with pytest.raises(ClusterError, match=r"its replacement is not valid: .*type: Required"):
            ground.plan(ground.rendered(json.dumps(after), replace=True), inventory=inventory)
        assert ground.others.get(path)["metadata"]["uid"] == inventory[0].uid
    finally:
        ground.others.request("DELETE", path)


def test_a_service_is_not_replaced_for_an_address_that_another_one_has(ground: Ground) -> None:
    """Its own ports of nodes are no obstacle, though a stand-in cannot have them; the address of another one is."""
    port = {"port": 80, "nodePort": 0}
    before = service(type="NodePort")
    inventory = ground.apply(json.dumps(before))
    live = ground.others.get(ground.path("services", "it"))["spec"]
    port["nodePort"] = live["ports"][0]["nodePort"]
    other = {**service(), "metadata": {"name": "other"}}
    taken = ground.others.create(ground.path("services"), other)["spec"]["clusterIP"]
    wanted = service(type="NodePort", clusterIP=taken, ports=[port])
    with pytest.raises(ClusterError, match=f"{ground.namespace}/other has the address {taken}"):
        ground.plan(ground.rendered(json.dumps(wanted), replace=True), inventory=inventory)
    ground.others.request("DELETE", ground.path("services", "other"))
    (plan,) = ground.plan(ground.rendered(json.dumps(wanted), replace=True), inventory=inventory)
    change = change_of(plan, "/it")
    assert [(item.path, item.after) for item in change.fields] == [("spec.clusterIP", taken)]
    _carry_out(ground, plan, ground.events.append)
    assert ground.others.get(ground.path("services", "it"))["spec"]["clusterIP"] == taken


def test_a_replacement_takes_the_room_of_the_old_object(ground: Ground) -> None:
    """A quota that is full has room when the old object is gone, though it finds that out a moment later."""
    before, after = (
        manifest("Secret", "v1", immutable=True, data={"a": one}) for one in ("YQ==", "Yg==")
    )
    full = {"metadata": {"name": "full"}, "spec": {"hard": {"count/secrets": "1"}}}
    inventory = ground.apply(json.dumps(before))
    ground.others.create(ground.path("resourcequotas"), full)
    counted = ground.path("resourcequotas", "full")
    eventually(lambda: ground.others.get(counted), lambda live: bool(live["status"].get("used")))
    ground.apply(ground.rendered(json.dumps(after), replace=True), inventory=inventory)
    assert ground.others.get(ground.path("secrets", "it"))["data"] == {"a": "Yg=="}


def test_replacements_that_only_fit_one_by_one_are_not_begun(ground: Ground) -> None:
    """Each claim fits in the place of the old one, and both do not: nothing is deleted, neither for a new quota.

    Nor does one fit beside another that stays as it is.
    """
    limit = manifest("ResourceQuota", "v1", spec={"hard": {"requests.storage": "3Gi"}})

    def both(size: str, **spec: Any) -> list[dict[str, Any]]:
        return [{**claim(size, **spec), "metadata": {"name": name}} for name in ("a", "b")]

    def text(*objects: dict[str, Any]) -> str:
        return "---\n".join(f"{json.dumps(one)}\n" for one in objects)

    inventory = ground.apply(text(*both("1Gi")), wait=Wait(enabled=False))
    one = both("3Gi", accessModes=["ReadWriteMany"])[0]
    beside = text(limit, one, both("1Gi")[1])
    with pytest.raises(ClusterError, match=r"quota it: requests\.storage would be 4Gi of 3Gi"):
        ground.plan(ground.rendered(beside, replace=True), inventory=inventory)
    wider = text(limit, *both("2Gi", accessModes=["ReadWriteMany"]))
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(wider, replace=True), inventory=inventory)
    assert "exceeds the quota it: requests.storage would be 4Gi of 3Gi" in raised.value.message
    (plan,) = ground.plan(
        ground.rendered(wider.replace("3Gi", "4Gi"), replace=True), inventory=inventory
    )
    assert sorted(told(plan).values()) == [Action.CREATE, Action.REPLACE, Action.REPLACE]


def test_a_quota_that_another_set_raises_gives_no_room_for_what_is_deleted_first(
    ground: Ground,
) -> None:
    """Nobody knows which of both sets comes first; one that raises the quota itself does so before."""

    def quota(most: str) -> str:
        return json.dumps(
            manifest("ResourceQuota", "v1", spec={"hard": {"requests.storage": most}})
        )

    def claims(mode: str, *sizes: str) -> str:
        found = [
            {**claim(size, accessModes=[mode]), "metadata": {"name": name}}
            for name, size in zip("ab", sizes, strict=True)
        ]
        return "---\n".join(f"{json.dumps(one)}\n" for one in found)

    before = ground.rendered(claims("ReadWriteOnce", "2Gi", "2Gi"))
    sets = before, ground.rendered(quota("5Gi"), name="platform")
    inventory = ground.apply(*sets, wait=Wait(enabled=False))
    counted = ground.path("resourcequotas", "it")
    eventually(lambda: ground.others.get(counted), lambda live: bool(live["status"].get("used")))
    for size, words in (("4Gi", "exceeded quota: it"), ("3Gi", "would be 6Gi of 5Gi")):
        wanted = claims("ReadWriteMany", size, size)
        sets = ground.rendered(wanted, replace=True), ground.rendered(quota("9Gi"), name="platform")
        with pytest.raises(ClusterError, match=words) as raised:
            ground.plan(*sets, inventory=inventory)
        assert "where the same plan changes the quota, apply that first" in raised.value.hint
    wanted = f"{quota('9Gi')}\n---\n{claims('ReadWriteMany', '3Gi', '3Gi')}"
    plan = ground.plan(ground.rendered(wanted, replace=True), inventory=inventory)[0]
    assert sorted(told(plan).values()) == [Action.MOVE, Action.REPLACE, Action.REPLACE]


def test_a_pod_is_not_deleted_for_room_that_only_one_quota_of_many_has(ground: Ground) -> None:
    """The server names one that has no room beside the old Pod, any of them; the others may have none without it."""
    inventory = ground.apply(_using("1"), wait=Wait(enabled=False))
    use = {"hard": {"requests.cpu": "1"}, "scopes": ["NotBestEffort"]}
    limits = {**{f"few-{number}": {"hard": {"pods": "1"}} for number in range(5)}, "use": use}
    for name, spec in limits.items():
        ground.others.create(
            ground.path("resourcequotas"), {"metadata": {"name": name}, "spec": spec}
        )
    eventually(
        lambda: ground.others.get(ground.path("resourcequotas")),
        lambda found: all(each["status"].get("used") for each in found["items"]),
    )
    with pytest.raises(ClusterError, match=r"quota:? use") as raised:
        ground.plan(ground.rendered(_using("2"), replace=True), inventory=inventory)
    assert "let the quota allow more" in raised.value.hint


def test_a_quota_of_some_objects_gives_the_room_that_its_set_makes(ground: Ground) -> None:
    """It may not be about the old Pod: it is there first, and raised to where there is room for both."""

    def text(most: str, cpu: str) -> str:
        spec = {"hard": {"requests.cpu": most}, "scopes": ["NotBestEffort"]}
        return f"{json.dumps(manifest('ResourceQuota', 'v1', spec=spec))}\n---\n{_using(cpu)}"

    inventory = ground.apply(_using("1"), wait=Wait(enabled=False))
    with pytest.raises(ClusterError, match=r"cannot say yet .* quota it has .*: requests\.cpu"):
        ground.plan(ground.rendered(text("3", "2"), replace=True), inventory=inventory)
    inventory = ground.apply(text("1", "1"), inventory=inventory, wait=Wait(enabled=False))
    counted = ground.path("resourcequotas", "it")
    eventually(lambda: ground.others.get(counted), lambda live: _used(live) == "1")
    with pytest.raises(
        ClusterError, match=r"limited: requests\.cpu=1 \(with this plan requests\.cpu=2\)"
    ):
        ground.plan(ground.rendered(text("2", "2"), replace=True), inventory=inventory)
    ground.apply(
        ground.rendered(text("3", "2"), replace=True),
        inventory=inventory,
        wait=Wait(enabled=False, timeout=60.0),
    )
    (container,) = ground.others.get(ground.path("pods", "it"))["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "2"}


@pytest.mark.parametrize("own", [True, False], ids=["own", "others"])
def test_quotas_that_have_room_stand_in_no_way(ground: Ground, *, own: bool) -> None:
    """Nor do those without any that are about other objects; whoever made them."""
    limits: dict[str, dict[str, Any]] = {
        "ample": {"hard": {"pods": "9", "requests.cpu": "9", "requests.storage": "9Gi"}},
        "best-effort": {"hard": {"pods": "0"}, "scopes": ["BestEffort"]},
    }
    quotas = [
        {**manifest("ResourceQuota", "v1", spec=spec), "metadata": {"name": name}}
        for name, spec in limits.items()
    ]

    def text(cpu: str, mode: str) -> str:
        declared = [json.dumps(one) for one in quotas if own]
        return "\n---\n".join([*declared, _using(cpu), json.dumps(claim(accessModes=[mode]))])

    for one in () if own else quotas:
        ground.others.create(ground.path("resourcequotas"), one)
    inventory = ground.apply(text("1", "ReadWriteOnce"), wait=Wait(enabled=False))
    counted = ground.path("resourcequotas", "ample")
    eventually(lambda: ground.others.get(counted), lambda live: _used(live) == "1")
    wanted = ground.rendered(text("2", "ReadWriteMany"), replace=True)
    (plan,) = ground.plan(wanted, inventory=inventory)
    replaced = {name for name, action in told(plan).items() if action is Action.REPLACE}
    assert len(replaced) == 2, told(plan)


def test_a_claim_that_a_pod_goes_on_using_is_not_deleted(ground: Ground) -> None:
    """It would be deleted for good and stay as long as the Pod does; one that is made anew too lets it go first."""
    mounted = {"name": "data", "persistentVolumeClaim": {"claimName": "it"}}

    def both(image: str, *modes: str) -> str:
        of_pod = {**pod(image)["spec"], "nodeName": "far", "volumes": [mounted]}
        job = manifest("Job", "batch/v1", spec={"template": {**pod(), "spec": of_pod}})
        return f"{json.dumps(claim(accessModes=modes))}\n---\n{json.dumps(job)}"

    inventory = ground.apply(both("a", "ReadWriteOnce"), wait=Wait(enabled=False))
    eventually(lambda: ground.others.get(ground.path("pods")), lambda found: bool(found["items"]))
    alone = ground.rendered(both("a", "ReadWriteMany"), replace=True)
    with pytest.raises(
        ClusterError, match=r"would not be gone: the Pod it-.* uses it and is not made anew"
    ):
        ground.plan(alone, inventory=inventory)
    (plan,) = ground.plan(
        ground.rendered(both("b", "ReadWriteMany"), replace=True), inventory=inventory
    )
    assert set(told(plan).values()) == {Action.REPLACE}
    volume, job = both("b", "ReadWriteMany").split("---")
    apart = ground.rendered(volume, replace=True), ground.rendered(job, name="jobs", replace=True)
    with pytest.raises(ClusterError, match="would not be gone"):
        ground.plan(*apart, inventory=inventory)


def test_what_a_replaced_pod_lacks_hides_no_mistake_of_it(ground: Ground) -> None:
    """A Pod is not deleted for one that is refused as soon as its service account is there."""
    account = manifest("ServiceAccount", "v1")
    alone = manifest("Pod", "v1", spec={"containers": [{"name": "a", "image": "a"}]})
    inventory = ground.apply(json.dumps(alone))
    wrong = manifest(
        "Pod", "v1", spec={"serviceAccountName": "it", "containers": [{"name": "A", "image": "a"}]}
    )
    both = f"{json.dumps(account)}\n---\n{json.dumps(wrong)}"
    with pytest.raises(
        ClusterError, match=r"its replacement is not valid: spec.containers\[0\].name"
    ):
        ground.plan(ground.rendered(both, replace=True), inventory=inventory)
    right = both.replace('"name": "A"', '"name": "b"')
    (plan,) = ground.plan(ground.rendered(right, replace=True), inventory=inventory)
    assert change_of(plan, "Pod " + f"{ground.namespace}/it").action is Action.REPLACE
    sets = ground.rendered(json.dumps(account), name="access"), right.partition("---")[2]
    with pytest.raises(ClusterError, match='serviceaccount "it" not found'):
        ground.plan(sets[0], ground.rendered(sets[1], replace=True), inventory=inventory)


def test_an_ordinary_change_is_no_replacement(ground: Ground) -> None:
    """Where the server can change an object, being allowed to replace it changes nothing."""
    inventory = ground.apply(CONFIG)
    changed = ground.rendered(CONFIG.replace("green", "red"), replace=True)
    (plan,) = ground.plan(changed, inventory=inventory)
    assert change_of(plan, "/settings").action is Action.UPDATE


def _using(cpu: str) -> str:
    """Return a Pod that wants this much."""
    wanted = {"resources": {"requests": {"cpu": cpu}}}
    return json.dumps(
        manifest("Pod", "v1", spec={"containers": [{"name": "a", "image": "a", **wanted}]})
    )


def _used(quota: dict[str, Any]) -> str | None:
    found: str | None = quota.get("status", {}).get("used", {}).get("requests.cpu")
    return found


def _immutable(**data: str) -> dict[str, Any]:
    return manifest("ConfigMap", "v1", immutable=True, data=data)


def _carry_out(ground: Ground, plan: SetPlan, on_event: Any, *, timeout: float = 60) -> None:
    wait = Wait(timeout=timeout)
    apply_set(ground.cluster, plan, wait=wait, on_event=on_event, stop=ground.stop)
