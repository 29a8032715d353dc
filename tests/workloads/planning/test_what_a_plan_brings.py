"""Objects that admission refuses for want of others: no mistake where the same plan brings these, or changes them."""

import json
from collections.abc import Iterator
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
    pod = {
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
    (plan,) = ground.plan(ground.rendered(text(quota(1), _SECRET)), inventory=inventory)
    assert sorted(told(plan).values()) == [Action.CREATE, Action.UPDATE]
    ground.apply(text(quota(1), _SECRET), inventory=inventory)
    assert ground.others.get(ground.path("secrets", "one"))["metadata"]["name"] == "one"
