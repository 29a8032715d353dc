"""What cannot be dry-run as it is has its mistakes told at plan time all the same, and no others."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from orchestrator.plans.values import Unknown
from tests.sandbox.client import eventually
from tests.workloads.builders import CONFIG, DEPLOYMENT
from tests.workloads.ground import Ground, change_of, told

pytestmark = pytest.mark.integration


def _in_new_namespace(ground: Ground, text: str) -> str:
    """Return a namespace that is not there, and what is to be in it."""
    name = f"{ground.namespace}-new"
    placed = text.replace("metadata: {name: ", f"metadata: {{namespace: {name}, name: ", 1)
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n---{placed}"


@pytest.mark.parametrize(
    ("wrong", "told_"),
    [
        (("replicas: 1", "replcas: 1"), "has fields that its kind does not know: spec.replcas"),
        (("replicas: 1", "replicas: -1"), "spec.replicas: Invalid value: -1"),
        (("replicas: 1", 'replicas: "1"'), "spec.replicas has to be a number, not a string"),
        (("matchLabels: {app: web}", "matchLabels: {app: other}"), "selector` does not match"),
        (
            ("image:", "resources: {limits: {memory: 1Gib}}, image:"),
            "is not valid: quantities must match the regular expression",
        ),
    ],
)
def test_mistakes_in_a_namespace_of_the_same_plan(
    ground: Ground, wrong: tuple[str, str], told_: str
) -> None:
    """The server's own checks are made in a namespace that exists; nothing of that shows."""
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(_in_new_namespace(ground, DEPLOYMENT.replace(*wrong))))
    assert told_ in raised.value.message
    assert f"Deployment {ground.namespace}-new/web" in raised.value.message
    assert "declared in shop.yaml:" in raised.value.detail


def test_what_is_right_in_a_new_namespace_is_planned(ground: Ground) -> None:
    """Whatever else is in the namespace that it is asked about in, such as a ConfigMap of that name."""
    text = CONFIG.replace("settings", "kube-root-ca.crt") + "immutable: true\n"
    (plan,) = ground.plan(ground.rendered(_in_new_namespace(ground, text)))
    assert set(told(plan).values()) == {Action.CREATE}


def test_generated_objects_are_judged_by_one_of_them(ground: Ground) -> None:
    """Objects that differ in their names alone are asked about once, and each has its mistake told."""
    wrong = DEPLOYMENT.replace("replicas: 1", "replicas: -1")
    texts = [wrong.replace("web", name) for name in ("api", "shop", "UPPER")]
    space, _, first = _in_new_namespace(ground, texts[0]).partition("---")
    others = [
        text.replace("metadata: {", f"metadata: {{namespace: {ground.namespace}-new, ", 1)
        for text in texts[1:]
    ]
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered("---".join((space, first, *others))))
    for name in ("api", "shop"):
        told = f"{raised.value.message}\n{raised.value.detail}"
        assert f"{name} is not valid: spec.replicas: Invalid value: -1" in told
    assert 'metadata.name: Invalid value: "UPPER"' in raised.value.detail


PENDING = {
    "an integer": ("replicas: 1", 'replicas: "${{ modules.database.n }}"'),
    "a quantity": (
        "image:",
        'resources: {limits: {memory: "${{ modules.database.n }}"}}, image:',
    ),
    "a port by number or name": (
        "image:",
        'livenessProbe: {httpGet: {port: "${{ modules.database.n }}"}}, image:',
    ),
    "a truth": ("image:", 'stdin: "${{ modules.database.n }}", image:'),
    "a text of few": ("image:", 'imagePullPolicy: "${{ modules.database.n }}", image:'),
    "a map": ("{app: web}}\n    spec", '"${{ modules.database.n }}"}\n    spec'),
    "a list": ("image:", 'command: "${{ modules.database.n }}", image:'),
    "an object": ("image:", 'securityContext: "${{ modules.database.n }}", image:'),
}


@pytest.mark.parametrize("change", PENDING.values(), ids=PENDING)
def test_what_stands_in_has_the_right_type(ground: Ground, change: tuple[str, str]) -> None:
    """A pending value of any type is no mistake, and shown as pending; a mistake elsewhere is told."""
    text = DEPLOYMENT.replace(*change)
    (plan,) = ground.plan(ground.rendered(text))
    unknown = Unknown(sources=("modules.database.n",))
    assert unknown in [field.after for field in change_of(plan, "/web").fields]
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(text.replace("example/web:1", "")))
    assert "spec.template.spec.containers[0].image: Required value" in raised.value.message
    with pytest.raises(ClusterError) as raised:
        ground.plan(
            ground.rendered(
                text.replace("containers:", "restartPolcy: Always, containers:").replace(
                    "      restartPolcy: Always, containers:",
                    "      restartPolcy: Always\n      containers:",
                )
            )
        )
    assert "does not know: spec.template.spec.restartPolcy" in raised.value.message


def test_a_mistake_is_told_without_what_stands_in(ground: Ground) -> None:
    """Elements of a list are named by what they wait for, and never by a value that nobody wrote."""
    text = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports:
    - {name: known, port: 80, nam: x}
    - {name: web, port: "${{ modules.database.n }}", nam: x}
"""
    with pytest.raises(ClusterError, match="does not know") as raised:
        ground.plan(ground.rendered(text))
    message = raised.value.message
    assert 'ports[port=(known after apply: modules.database.n),protocol="TCP"].nam' in message
    assert 'ports[port=80,protocol="TCP"].nam' in message
    assert "port=1," not in message


def test_a_mistake_that_a_stand_in_makes_is_none(ground: Ground) -> None:
    """A value that has to fit a pending one cannot be judged, and is left to the apply."""
    text = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 5
  maxReplicas: "${{ modules.database.n }}"
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"""
    (plan,) = ground.plan(ground.rendered(text))
    assert plan.changes[0].action is Action.CREATE


def test_a_pending_secret_that_has_to_have_a_form(ground: Ground) -> None:
    """What a Secret's type asks of its pending data is no mistake; a field that no Secret has is one."""
    text = """
apiVersion: v1
kind: Secret
metadata: {name: pull}
type: kubernetes.io/dockerconfigjson
data: {.dockerconfigjson: "${{ modules.database.n }}"}
"""
    (plan,) = ground.plan(ground.rendered(text))
    assert plan.changes[0].action is Action.CREATE
    with pytest.raises(ClusterError, match="does not know: dat"):
        ground.plan(ground.rendered(f"{text}dat: {{}}\n"))


def test_mistakes_of_an_object_whose_name_is_pending(ground: Ground) -> None:
    """The name is not known and the rest is judged; the object is named as the plan names it."""
    text = DEPLOYMENT.replace("{name: web}", '{name: "${{ modules.database.n }}"}', 1)
    (plan,) = ground.plan(ground.rendered(text))
    assert plan.changes[0].action is Action.CREATE
    with pytest.raises(ClusterError) as raised:
        ground.plan(ground.rendered(text.replace("replicas: 1", "replicas: -1")))
    assert "Deployment (known after apply: modules.database.n) is not valid" in raised.value.message


def _settings(ground: Ground, value: str, namespace: str = "") -> str:
    metadata = {"name": "settings", "namespace": namespace, "labels": {"of": ground.namespace}}
    kept = {key: item for key, item in metadata.items() if item}
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": kept, "data": {"a": value}}
    return json.dumps(found)


@pytest.fixture
def ruled(ground: Ground) -> Iterator[Ground]:
    """Have ConfigMaps that are applied, and a policy that came later: none in ``default``, none that is not good."""
    ground.apply(_settings(ground, "old"))
    name, root = ground.namespace, "/apis/admissionregistration.k8s.io/v1"
    validations = [
        {"expression": "namespaceObject.metadata.name != 'default'"},
        {"expression": "oldObject != null || object.data.a.startsWith('good')"},
        {"expression": "oldObject == null || object.data.a != 'old'", "reason": "Forbidden"},
    ]
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    spec: dict[str, Any] = {
        "matchConstraints": {
            "resourceRules": [rule],
            "objectSelector": {"matchLabels": {"of": name}},
        },
        "validations": validations,
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    kinds = {
        "validatingadmissionpolicies": spec,
        "validatingadmissionpolicybindings": bound,
    }
    for plural, wanted in kinds.items():
        ground.others.create(f"{root}/{plural}", {"metadata": {"name": name}, "spec": wanted})
    path = "/api/v1/namespaces/default/configmaps?dryRun=All"
    body = json.loads(_settings(ground, "good"))
    eventually(
        lambda: {"status": ground.others.request("POST", path, body)[0]},
        lambda told: told["status"] == 422,
    )
    yield ground
    for plural in reversed(kinds):
        ground.others.request("DELETE", f"{root}/{plural}/{name}")


def test_no_policy_is_believed_about_what_stands_in(ruled: Ground) -> None:
    """One about another namespace is no mistake, nor one about a pending value, of an old object or a new one."""
    new = f"{ruled.namespace}-new"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new}}
    (plan,) = ruled.plan(
        ruled.rendered(f"{json.dumps(space)}\n---\n{_settings(ruled, 'good', new)}")
    )
    assert set(told(plan).values()) == {Action.CREATE}
    pending = _settings(ruled, "${{ modules.database.n }}")
    (plan,) = ruled.plan(ruled.rendered(pending.replace('"settings"', '"others"')))
    assert plan.changes[0].action is Action.CREATE
    (plan,) = ruled.plan(ruled.rendered(pending.replace('"data": {', '"data": {"b": "new", ')))
    assert plan.changes[0].action is Action.UPDATE
    with pytest.raises(ClusterError, match="denied request"):
        ruled.plan(ruled.rendered(_settings(ruled, "bad").replace('"settings"', '"others"')))
