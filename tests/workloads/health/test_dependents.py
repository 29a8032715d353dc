"""Which Pods count for an object, and why waiting for it is no use."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.workloads.health.dependents import Dependents
from orchestrator.workloads.health.lean import lean, lean_dependent
from tests.workloads.health.test_health import NOW, live, waiting

STUCK = {"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff", "not found")}
REVISION = "deployment.kubernetes.io/revision"


def owned(kind: str, uid: str, owner: str, **fields: Any) -> dict[str, Any]:
    """Return an object that another one controls."""
    metadata = {
        "uid": uid,
        "name": uid,
        "ownerReferences": [{"uid": owner, "controller": True}, {"uid": "else"}],
        **fields.pop("metadata", {}),
    }
    return live(kind, metadata=metadata, generation=None, **fields)


def controller(kind: str, **fields: Any) -> dict[str, Any]:
    """Return what runs Pods, whose controller has seen it."""
    status = {"observedGeneration": 2, **fields.pop("status", {})}
    metadata = {"uid": "top", **fields.pop("metadata", {})}
    return live(kind, status, metadata=metadata, **fields)


def taken(*objects: dict[str, Any]) -> Dependents:
    """Return what was seen."""
    found = Dependents()
    for item in objects:
        found.take(lean_dependent(item), gone=False)
    return found


def why(found: Dependents, top: dict[str, Any], *, after: float = 0) -> str:
    """Return why waiting is no use."""
    return found.obstacle(lean(top), NOW + timedelta(seconds=after), room=lambda _: True)


TOLD = "Pod {}: container web: ImagePullBackOff: not found"


def test_the_newest_pods_of_a_deployment() -> None:
    """The ReplicaSet that has the Deployment's own revision is the one whose Pods count."""
    sets = [
        owned("ReplicaSet", name, "top", metadata={"annotations": {REVISION: revision}})
        for name, revision in (("old", "1"), ("new", "2"))
    ]
    found = taken(*sets, owned("Pod", "pod-old", "old", status=STUCK))
    top = controller("Deployment", metadata={"annotations": {REVISION: "2"}})
    assert why(found, top) == ""
    found.take(owned("Pod", "pod-new", "new", status=STUCK), gone=False)
    assert why(found, top) == TOLD.format("pod-new")


@pytest.mark.parametrize(
    ("top", "label"),
    [
        (controller("StatefulSet", status={"updateRevision": "b"}), "controller-revision-hash"),
        (
            controller(
                "DaemonSet",
                metadata={"annotations": {"deprecated.daemonset.template.generation": "b"}},
            ),
            "pod-template-generation",
        ),
    ],
    ids=["StatefulSet", "DaemonSet"],
)
def test_the_newest_pods_of_a_set(top: dict[str, Any], label: str) -> None:
    """Pods of a set are told apart by the label that its controller gives them."""
    old = owned("Pod", "old", "top", status=STUCK, metadata={"labels": {label: "a"}})
    new = owned("Pod", "new", "top", status=STUCK, metadata={"labels": {label: "b"}})
    assert why(taken(old), top) == ""
    assert why(taken(old, new), top) == TOLD.format("new")


def test_what_its_controller_has_not_seen() -> None:
    """Before a controller has looked, its Pods are those of what was there before."""
    pod = owned("Pod", "a", "top", status=STUCK)
    assert why(taken(pod), controller("ReplicaSet")) == TOLD.format("a")
    assert why(taken(pod), controller("ReplicaSet", status={"observedGeneration": 1})) == ""
    assert why(taken(pod), live("Job", {}, metadata={"uid": "top"})) == TOLD.format("a")


@pytest.mark.parametrize(
    "pod",
    [
        owned("Pod", "a", "top", status={**STUCK, "phase": "Failed"}),
        owned("Pod", "a", "top", status=STUCK, metadata={"deletionTimestamp": "now"}),
        owned("Pod", "a", "other", status=STUCK),
    ],
    ids=["failed", "deleted", "another's"],
)
def test_pods_that_do_not_count(pod: dict[str, Any]) -> None:
    """A Pod that is replaced, or that belongs to something else, says nothing."""
    assert why(taken(pod), controller("ReplicaSet")) == ""


def test_crashes_of_a_job_are_counted_by_itself() -> None:
    """A Job has a limit of its own for how often its Pods fail."""
    crashed = waiting("CrashLoopBackOff", restartCount=9)
    pod = owned("Pod", "a", "top", status={"phase": "Running", "containerStatuses": crashed})
    assert why(taken(pod), live("Job", {}, metadata={"uid": "top"})) == ""
    assert why(taken(pod), controller("ReplicaSet"))


def test_pods_that_are_gone_are_forgotten() -> None:
    """What was stuck and is deleted is no reason any more."""
    pod = owned("Pod", "a", "top", status=STUCK)
    found = taken(pod)
    found.take(pod, gone=True)
    assert why(found, controller("ReplicaSet")) == ""


def test_refusals_that_last() -> None:
    """That no Pod can be created is no use waiting for after a moment, while Pods are short."""
    event: dict[str, Any] = {
        "involvedObject": {"uid": "top"},
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    found = taken()
    found.take_refusal(event, now=NOW)
    found.take_refusal(event, now=NOW + timedelta(seconds=10))
    short = controller("StatefulSet", status={"replicas": 1}, spec={"replicas": 2})
    assert why(found, short, after=14) == ""
    assert why(found, short, after=15) == "FailedCreate: exceeded quota"
    full = controller("StatefulSet", status={"replicas": 2}, spec={"replicas": 2})
    assert why(found, full, after=15) == ""


def test_templates_are_not_kept() -> None:
    """Of thousands of objects that are followed, what is never read is let go, unless a rule may read it."""
    top = controller(
        "Deployment", spec={"replicas": 1, "template": {}}, metadata={"managedFields": []}
    )
    assert lean(top)["spec"] == {"replicas": 1}
    assert "managedFields" not in lean(top)["metadata"]  # type: ignore[operator]
    assert lean(top, whole=frozenset({("apps", "Deployment")}))["spec"] == top["spec"]
