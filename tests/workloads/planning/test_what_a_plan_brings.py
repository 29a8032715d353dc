"""Objects that admission refuses for want of others: no mistake where the same plan brings these, or changes them."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.plans.change import Action
from tests.sandbox.client import eventually
from tests.workloads.ground import Ground, told

pytestmark = pytest.mark.integration

_QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
_SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}


def quota(most: int) -> dict[str, Any]:
    """Return a quota of Secrets."""
    return {**_QUOTA, "spec": {"hard": {"count/secrets": str(most)}}}


def text(*objects: dict[str, Any]) -> str:
    """Return manifests as a file has them."""
    return "".join(f"---\n{json.dumps(one)}\n" for one in objects)


@pytest.fixture
def classes(ground: Ground) -> Iterator[str]:
    """Return a name for classes; what has it is gone afterwards."""
    yield ground.namespace
    for path in ("scheduling.k8s.io/v1/priorityclasses", "node.k8s.io/v1/runtimeclasses"):
        ground.others.request("DELETE", f"/apis/{path}/{ground.namespace}")


def test_a_pod_comes_with_what_it_names(ground: Ground, classes: str) -> None:
    """A Pod, its service account and its classes are one plan, and one apply."""
    uses = {
        "serviceAccountName": "runner",
        "priorityClassName": classes,
        "runtimeClassName": classes,
    }
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "solo"},
        "spec": {**uses, "containers": [{"name": "a", "image": "a"}]},
    }
    brought: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}},
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": classes},
            "value": 10,
        },
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": classes},
            "handler": "runc",
        },
    ]
    with pytest.raises(ClusterError, match="was refused"):
        ground.plan(ground.rendered(text(pod)))
    wrong = {**pod, "spec": {**pod["spec"], "containers": [{"name": "A", "image": "a"}]}}
    with pytest.raises(ClusterError, match=r"solo is not valid: spec.containers\[0\].name"):
        ground.plan(ground.rendered(text(wrong, *brought)))
    (plan,) = ground.plan(ground.rendered(text(pod, *brought)))
    assert set(told(plan).values()) == {Action.CREATE}
    ground.apply(text(pod, *brought))
    assert ground.others.get(ground.path("pods", "solo"))["spec"]["priority"] == 10


def test_a_quota_grows_with_what_needs_it(ground: Ground) -> None:
    """What a quota does not allow is no mistake where the same plan changes the quota, and one where it does not."""
    inventory = ground.apply(text(quota(0)))
    counted = ground.path("resourcequotas", "few")
    eventually(lambda: ground.others.get(counted), lambda live: bool(live["status"].get("used")))
    with pytest.raises(ClusterError, match="exceeded quota: few"):
        ground.plan(ground.rendered(text(quota(0), _SECRET)), inventory=inventory)
    another = {**_SECRET, "metadata": {"name": "two"}}
    with pytest.raises(ClusterError, match="the quota few: count/secrets would be 2 of 1"):
        ground.plan(ground.rendered(text(quota(1), _SECRET, another)), inventory=inventory)
    (plan,) = ground.plan(ground.rendered(text(quota(1), _SECRET)), inventory=inventory)
    assert sorted(told(plan).values()) == [Action.CREATE, Action.UPDATE]
    sets = ground.rendered(text(quota(1)), name="platform"), ground.rendered(text(_SECRET))
    for plan in ground.plan(*sets, inventory=inventory):
        assert [quota.name for quota in plan.changed] == ["few"]
    ground.apply(*sets, inventory=inventory)
    assert ground.others.get(ground.path("secrets", "one"))["metadata"]["name"] == "one"


def test_a_quota_that_the_plan_leaves_as_it_is_counts_too(ground: Ground) -> None:
    """It has room for each of two objects, so that only both together show that it is too small."""
    few, others = (partial(_quota, name) for name in ("few", "others"))
    inventory = ground.apply(text(few(0), others(1)))
    counted = ground.path("resourcequotas")
    eventually(
        lambda: ground.others.get(counted),
        lambda found: all(each["status"].get("used") for each in found["items"]),
    )
    both = _SECRET, {**_SECRET, "metadata": {"name": "two"}}
    with pytest.raises(ClusterError, match="the quota others: count/secrets would be 2 of 1"):
        ground.plan(ground.rendered(text(few(2), others(1), *both)), inventory=inventory)


def _quota(name: str, most: int) -> dict[str, Any]:
    return {**quota(most), "metadata": {"name": name}}
