"""Admission that mutates, on a real server and by its rules."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.plans.change import Action
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.planning.unchanged.admission import met_by_all, mutations_of
from tests.workloads.builders import CONFIG
from tests.workloads.ground import Ground, Inventory, told

Json = dict[str, Any]

MAPS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
RULE: Json = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["configmaps"],
}
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
_ROOT = "/apis/admissionregistration.k8s.io/v1"


def live(**metadata: Any) -> Json:
    """Return an object that we applied between early and late."""
    ours = {"manager": "orchestrator", "operation": "Apply", "time": "2026-01-15T00:00:00Z"}
    theirs = {"manager": "other", "operation": "Update", "time": "2026-03-01T00:00:00Z"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "shop", "managedFields": [ours, theirs], **metadata},
    }


def webhook(*, created: str = LATE, managed: Any = (), **fields: Any) -> Json:
    """Return a configuration of one webhook."""
    return {
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "w", "creationTimestamp": created, "managedFields": [*managed]},
        "webhooks": [{"name": "w.example.com", "rules": [RULE], **fields}],
    }


def written(fields: Json, *, time: str = LATE) -> Json:
    """Return a record of who wrote what of a configuration."""
    return {"manager": "m", "operation": "Update", "time": time, "fieldsV1": fields}


def decided(*objects: Json, **metadata: Any) -> bool:
    """Whether an object can be told to be unchanged beside this admission."""
    return met_by_all(live(**metadata), MAPS, mutations_of(objects))


def test_what_stood_at_the_last_apply_is_in_the_object() -> None:
    """Only what is newer than our last apply, which is later than any of others, has yet to be met."""
    assert decided()
    assert decided(webhook(created=EARLY))
    assert not decided(webhook())
    assert not decided(webhook(created="2026-01-15T00:00:00Z"))
    assert not decided(webhook(created=EARLY), webhook())


def test_a_renewed_certificate_is_nothing_new() -> None:
    """What keeps certificates writes them into every webhook; whatever else is written may matter."""
    key = 'k:{"name":"w.example.com"}'
    bundle: Json = {"f:webhooks": {key: {"f:clientConfig": {"f:caBundle": {}}}}}
    rules: Json = {"f:webhooks": {key: {"f:rules": {}}}}
    assert decided(webhook(created=EARLY, managed=[written(bundle)]))
    assert decided(webhook(created=EARLY, managed=[written(rules, time=EARLY)]))
    assert not decided(webhook(created=EARLY, managed=[written(rules)]))


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": []},
        {"rules": [{**RULE, "operations": ["CREATE"]}]},
        {"rules": [{**RULE, "apiGroups": ["apps"]}]},
        {"rules": [{**RULE, "resources": ["secrets", "configmaps/status"]}]},
        {"objectSelector": {"matchLabels": {"inject": "yes"}}},
        {"objectSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}},
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"]}
                ]
            }
        },
    ],
)
def test_what_is_about_other_objects_is_left_aside(fields: Json) -> None:
    """Rules and selectors are held against the object; a namespace is known by its name alone."""
    assert decided(webhook(**fields), labels={"app": "web"})


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": [{**RULE, "apiGroups": ["*"], "operations": ["*"], "resources": ["*"]}]},
        {"rules": [{**RULE, "resources": ["*/*"]}]},
        {"rules": [{**RULE, "apiVersions": ["v1beta1"]}]},
        {"objectSelector": {"matchLabels": {"app": "web"}}},
        {"namespaceSelector": {"matchLabels": {"inject": "yes"}}},
        {
            "namespaceSelector": {
                "matchExpressions": [{"key": "inject", "operator": "NotIn", "values": ["no"]}]
            }
        },
        {"objectSelector": {"matchExpressions": [{"key": "app", "operator": "Later"}]}},
    ],
)
def test_what_may_be_about_an_object_is_reason_to_ask(fields: Json) -> None:
    """Whatever cannot be told counts as a match."""
    assert not decided(webhook(**fields), labels={"app": "web"})


def policy(*, created: str = EARLY, **spec: Any) -> Json:
    """Return a policy that labels ConfigMaps."""
    return {
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "p", "creationTimestamp": created},
        "spec": {"matchConstraints": {"resourceRules": [RULE]}, **spec},
    }


def binding(*, created: str = LATE, **resources: Any) -> Json:
    """Return what puts it into effect."""
    return {
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "b", "creationTimestamp": created},
        "spec": {"policyName": "p", "matchResources": resources},
    }


def test_a_policy_is_in_effect_where_it_is_bound() -> None:
    """A policy counts from when it was bound, for what both of them match."""
    assert decided(policy(created=LATE))
    assert decided(policy(), binding(created=EARLY))
    assert not decided(policy(), binding())
    assert not decided(policy(created=LATE), binding(created=EARLY))
    assert decided(policy(), binding(resourceRules=[{**RULE, "resources": ["pods"]}]))
    assert decided(policy(), binding(objectSelector={"matchLabels": {"a": "b"}}))


def test_a_policy_with_parameters_is_always_asked_about() -> None:
    """What it does depends on objects that may have changed since."""
    parameters = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert not decided(policy(paramKind=parameters), binding(created=EARLY))
    other = binding(created=EARLY, resourceRules=[{**RULE, "resources": ["pods"]}])
    assert decided(policy(paramKind=parameters), other)


@pytest.fixture
def changing(ground: Ground) -> Iterator[tuple[Ground, Json, Json]]:
    """Return a policy that changes ConfigMaps of the namespace, and its binding; both are gone afterwards."""
    name = ground.namespace
    expression = 'Object{data: {"colour": "forced"}}'
    patch = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    found = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [patch],
        },
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    bound = {
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": {"namespaceSelector": here}},
    }
    yield ground, found, bound
    for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        ground.others.request("DELETE", f"{_ROOT}/{plural}/{name}")


@pytest.mark.integration
def test_a_policy_that_came_later_is_in_the_plan(changing: tuple[Ground, Json, Json]) -> None:
    """An object that would get another value at its next apply is not unchanged; once it has it, it is."""
    ground, found, bound = changing
    inventory = ground.apply(CONFIG)
    ground.others.create(f"{_ROOT}/mutatingadmissionpolicies", found)
    ground.others.create(f"{_ROOT}/mutatingadmissionpolicybindings", bound)
    assert settles(ground, inventory) is Action.UPDATE
    inventory = ground.apply(CONFIG, inventory=inventory)
    assert action(ground, inventory) is Action.NO_OP


def action(ground: Ground, inventory: Inventory) -> Action:
    """Return what a plan does to the object."""
    (plan,) = ground.plan(ground.rendered(CONFIG), inventory=inventory)
    (found,) = told(plan).values()
    return found


def settles(ground: Ground, inventory: Inventory) -> Action:
    """Return what plans come to say; a server takes a moment to take a policy in."""
    for _ in range(200):
        if (found := action(ground, inventory)) is not Action.NO_OP:
            return found
        ground.stop.wait(0.05)
    return Action.NO_OP
