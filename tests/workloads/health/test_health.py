# ruff: noqa: E501 - a table of cases reads by its rows

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.workloads.health import Status, assess, immediate
from orchestrator.workloads.health.status import last_condition

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
GROUPS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "APIService": "apiregistration.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "Widget": "example.com/v1",
}


def live(
    kind: str, status: Mapping[str, Any] | None = None, *, generation: int | None = 2, **fields: Any
) -> dict[str, Any]:
    """Return an object of a kind as the server would show it."""
    metadata = {
        "name": "a",
        **({"generation": generation} if generation else {}),
        **fields.pop("metadata", {}),
    }
    return {
        "apiVersion": GROUPS.get(kind, "v1"),
        "kind": kind,
        "metadata": metadata,
        **({"status": dict(status)} if status is not None else {}),
        **fields,
    }


def condition(
    kind: str, status: str, reason: str = "", message: str = "", **fields: Any
) -> dict[str, Any]:
    """Return a condition."""
    return {"type": kind, "status": status, "reason": reason, "message": message, **fields}


def rolled_out(**fields: Any) -> dict[str, Any]:
    """Return the status of a Deployment of two replicas that is done."""
    done = [
        condition("Available", "True"),
        condition("Progressing", "True", "NewReplicaSetAvailable"),
    ]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
    return {"observedGeneration": 2, "conditions": done, **counts, **fields}


def refused_at(moment: str) -> dict[str, Any]:
    """Return the status of what cannot create Pods since that moment."""
    since = f"2026-01-01T{moment}Z"
    failure = condition("ReplicaFailure", "True", "FailedCreate", "quota", lastTransitionTime=since)
    return {"observedGeneration": 2, "conditions": [failure]}


PAUSED = [condition("Available", "True"), condition("Progressing", "Unknown", "DeploymentPaused")]
TWO = {"replicas": 2, "progressDeadlineSeconds": 600}
SET = {"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
       "currentRevision": "a", "updateRevision": "a"}  # fmt: skip
DAEMONS = {"observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
           "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3}  # fmt: skip
READY = {
    "observedGeneration": 2,
    "replicas": 1,
    "fullyLabeledReplicas": 1,
    "availableReplicas": 1,
    "readyReplicas": 1,
}


def waiting(reason: str, message: str = "", **fields: Any) -> list[dict[str, Any]]:
    """Return the status of a container that waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return [{"name": "web", "state": state, **fields}]


CASES: list[tuple[str, dict[str, Any], Status, str]] = [
    # any object
    ("deleting", live("Widget", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), Status.TERMINATING, "deleted"),
    ("stale", live("Widget", {"observedGeneration": 1}), Status.IN_PROGRESS, "not seen the latest"),
    ("reconciling", live("Widget", {"conditions": [condition("Reconciling", "True", "Busy")]}), Status.IN_PROGRESS, "Busy"),
    ("stalled", live("Widget", {"conditions": [condition("Stalled", "True", "Broken", "no quota")]}), Status.FAILED, "Broken: no quota"),
    ("ready", live("Widget", {"conditions": [condition("Ready", "True")]}), Status.CURRENT, ""),
    ("not ready", live("Widget", {"conditions": [condition("Ready", "False", "Wait")]}), Status.IN_PROGRESS, "Wait"),
    ("ready unknown", live("Widget", {"conditions": [condition("Ready", "Unknown")]}), Status.IN_PROGRESS, "not ready"),
    ("ready before the latest change", live("Widget", {"conditions": [condition("Ready", "True", observedGeneration=1)]}), Status.IN_PROGRESS, "not seen the latest change yet: Ready is of generation 1, not of 2"),
    ("ready since the latest change", live("Widget", {"conditions": [condition("Ready", "True", observedGeneration=2)]}), Status.CURRENT, ""),
    ("ready of a generation that nobody counts", live("Widget", {"conditions": [condition("Ready", "True", observedGeneration=1)]}, generation=None), Status.CURRENT, ""),
    ("not ready before the latest change", live("Widget", {"conditions": [condition("Ready", "False", "Old", observedGeneration=1)]}), Status.IN_PROGRESS, "Ready is of generation 1"),
    ("stalled before the latest change", live("Widget", {"conditions": [condition("Stalled", "True", "Broken", observedGeneration=1)]}), Status.IN_PROGRESS, "Stalled is of generation 1, not of 2"),
    ("stalled since the latest change", live("Widget", {"conditions": [condition("Stalled", "True", "Broken", observedGeneration=2)]}), Status.FAILED, "Broken"),
    ("another condition before the latest change", live("Widget", {"conditions": [condition("Ready", "True", observedGeneration=2), condition("Synced", "True", observedGeneration=1)]}), Status.CURRENT, ""),
    ("without status", live("Widget"), Status.CURRENT, ""),
    ("odd status", live("Widget", {"conditions": "none", "observedGeneration": "x"}), Status.CURRENT, ""),
    # Deployment
    ("deployment done", live("Deployment", rolled_out(), spec=TWO), Status.CURRENT, ""),
    ("deployment default replicas", live("Deployment", rolled_out(replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1), spec={}), Status.CURRENT, ""),
    ("deployment unseen", live("Deployment", spec=TWO), Status.IN_PROGRESS, "has not seen it"),
    ("deployment to zero", live("Deployment", {"observedGeneration": 2, "conditions": [condition("Available", "True")]}, spec={"replicas": 0}), Status.CURRENT, ""),
    ("deployment updating", live("Deployment", rolled_out(updatedReplicas=1), spec=TWO), Status.IN_PROGRESS, "1 of 2 updated"),
    ("deployment leftover", live("Deployment", rolled_out(replicas=3), spec=TWO), Status.IN_PROGRESS, "1 old replicas still run"),
    ("deployment scaling down", live("Deployment", rolled_out(replicas=3, updatedReplicas=3), spec=TWO), Status.IN_PROGRESS, "1 replicas too many"),
    ("deployment not ready", live("Deployment", rolled_out(readyReplicas=1), spec=TWO), Status.IN_PROGRESS, "1 of 2 ready"),
    ("deployment not available", live("Deployment", rolled_out(availableReplicas=0), spec=TWO), Status.IN_PROGRESS, "0 of 2 available"),
    ("deployment deadline", live("Deployment", rolled_out(conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded", "late")]), spec=TWO), Status.FAILED, "late"),
    ("deployment progressing", live("Deployment", rolled_out(conditions=[condition("Available", "True"), condition("Progressing", "True", "ReplicaSetUpdated")]), spec=TWO), Status.IN_PROGRESS, "ReplicaSetUpdated"),
    ("deployment unavailable", live("Deployment", rolled_out(conditions=[condition("Available", "False", "MinimumReplicasUnavailable")]), spec={"replicas": 2}), Status.IN_PROGRESS, "MinimumReplicasUnavailable"),
    ("deployment paused with old Pods", live("Deployment", rolled_out(updatedReplicas=0, conditions=PAUSED), spec={"replicas": 2, "paused": True}), Status.FAILED, "it is paused, and nothing is rolled out"),
    ("deployment paused and scaled", live("Deployment", rolled_out(replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1, conditions=PAUSED), spec={"replicas": 2, "paused": True}), Status.IN_PROGRESS, "1 of 2 updated"),
    ("deployment paused when it was done", live("Deployment", rolled_out(conditions=PAUSED), spec={"replicas": 2, "paused": True, "progressDeadlineSeconds": 600}), Status.CURRENT, ""),
    ("deployment refused now", live("Deployment", refused_at("11:59:50"), spec=TWO), Status.IN_PROGRESS, "FailedCreate: quota"),
    ("deployment refused long", live("Deployment", refused_at("11:59:45"), spec=TWO), Status.FAILED, "FailedCreate: quota"),
    # ReplicaSet
    ("replica set done", live("ReplicaSet", READY, spec={}), Status.CURRENT, ""),
    ("replica set failure", live("ReplicaSet", {**READY, "conditions": [condition("ReplicaFailure", "True", "FailedCreate", "quota")]}, spec={}), Status.IN_PROGRESS, "quota"),
    ("replica set refused long", live("ReplicaSet", refused_at("11:59:45"), spec={}), Status.FAILED, "quota"),
    ("replica set labels", live("ReplicaSet", {**READY, "fullyLabeledReplicas": 0}, spec={}), Status.IN_PROGRESS, "0 of 1 labelled"),
    ("replica set too many", live("ReplicaSet", {**READY, "replicas": 2}, spec={}), Status.IN_PROGRESS, "1 replicas too many"),
    # StatefulSet
    ("stateful set done", live("StatefulSet", SET, spec={"replicas": 2}), Status.CURRENT, ""),
    ("stateful set on delete", live("StatefulSet", {"observedGeneration": 2}, spec={"replicas": 2, "updateStrategy": {"type": "OnDelete"}}), Status.CURRENT, ""),
    ("stateful set creating", live("StatefulSet", {**SET, "replicas": 1}, spec={"replicas": 2}), Status.IN_PROGRESS, "1 of 2 created"),
    ("stateful set not ready", live("StatefulSet", {**SET, "readyReplicas": 0}, spec={"replicas": 2}), Status.IN_PROGRESS, "0 of 2 ready"),
    ("stateful set revision", live("StatefulSet", {**SET, "updateRevision": "b", "updatedReplicas": 1}, spec={"replicas": 2}), Status.IN_PROGRESS, "1 of 2 replicas are of the new revision"),
    ("stateful set partition", live("StatefulSet", {**SET, "updateRevision": "b", "updatedReplicas": 1}, spec={"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}), Status.CURRENT, ""),
    ("stateful set partition short", live("StatefulSet", {**SET, "updateRevision": "b", "updatedReplicas": 0}, spec={"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}), Status.IN_PROGRESS, "0 of 1 updated"),
    # DaemonSet
    ("daemon set done", live("DaemonSet", DAEMONS, spec={}), Status.CURRENT, ""),
    ("daemon set unseen", live("DaemonSet", {"desiredNumberScheduled": 0}, spec={}), Status.IN_PROGRESS, "has not seen it"),
    ("daemon set nowhere", live("DaemonSet", {"observedGeneration": 2}, spec={}), Status.CURRENT, ""),
    ("daemon set updating", live("DaemonSet", {**DAEMONS, "updatedNumberScheduled": 1}, spec={}), Status.IN_PROGRESS, "1 of 3 updated"),
    ("daemon set not ready", live("DaemonSet", {**DAEMONS, "numberReady": 2}, spec={}), Status.IN_PROGRESS, "2 of 3 ready"),
    ("daemon set on delete", live("DaemonSet", {**DAEMONS, "updatedNumberScheduled": 1}, spec={"updateStrategy": {"type": "OnDelete"}}), Status.CURRENT, ""),
    # Job
    ("job complete", live("Job", {"conditions": [condition("Complete", "True")]}), Status.CURRENT, ""),
    ("job failed", live("Job", {"conditions": [condition("Failed", "True", "BackoffLimitExceeded", "too often")]}), Status.FAILED, "too often"),
    ("job running", live("Job", {"active": 1, "failed": 2}), Status.IN_PROGRESS, "1 active, 2 failed"),
    ("job unstarted", live("Job"), Status.IN_PROGRESS, "not started yet"),
    (
        "job with an end that is not counted yet",
        live("Job", status={"startTime": "2026-11-22T12:00:00Z"}),
        Status.IN_PROGRESS,
        "its Pods are counted",
    ),
    ("job suspended", live("Job", spec={"suspend": True}), Status.CURRENT, "suspended"),
    # Pod
    ("pod done", live("Pod", {"phase": "Succeeded"}), Status.CURRENT, ""),
    ("pod running", live("Pod", {"phase": "Running", "conditions": [condition("Ready", "True")]}), Status.CURRENT, ""),
    ("pod failed", live("Pod", {"phase": "Failed", "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}), Status.FAILED, "container web: Error, exit code 3"),
    ("pod evicted", live("Pod", {"phase": "Failed", "message": "no memory"}), Status.FAILED, "no memory"),
    ("pod crashing", live("Pod", {"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff", "back-off", restartCount=3)}), Status.FAILED, "container web: CrashLoopBackOff: back-off"),
    ("pod crashed at first", live("Pod", {"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff", "back-off", restartCount=2)}), Status.IN_PROGRESS, "container web: CrashLoopBackOff: back-off"),
    ("pod that ended", live("Pod", {"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff", restartCount=3, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})}), Status.FAILED, "CrashLoopBackOff (OOMKilled, exit code 137)"),
    ("pod of no image", live("Pod", {"phase": "Pending", "containerStatuses": waiting("InvalidImageName", "no such name")}), Status.FAILED, "InvalidImageName: no such name"),
    ("pod of an absent image", live("Pod", {"phase": "Pending", "containerStatuses": waiting("ErrImageNeverPull")}), Status.FAILED, "ErrImageNeverPull"),
    ("pod that fails to pull once", live("Pod", {"phase": "Pending", "containerStatuses": waiting("ErrImagePull")}), Status.IN_PROGRESS, "ErrImagePull"),
    ("pod without secret now", live("Pod", {"phase": "Pending", "startTime": "2026-01-01T11:59:50Z", "containerStatuses": waiting("CreateContainerConfigError", "no secret")}), Status.IN_PROGRESS, "no secret"),
    ("pod without secret long", live("Pod", {"phase": "Pending", "startTime": "2026-01-01T11:59:45Z", "containerStatuses": waiting("CreateContainerConfigError", "no secret")}), Status.FAILED, "no secret"),
    ("pod that is made room for", live("Pod", {"phase": "Pending", "nominatedNodeName": "one", "conditions": [condition("PodScheduled", "False", "Unschedulable", "no node", lastTransitionTime="2026-01-01T11:00:00Z")]}), Status.IN_PROGRESS, "no node"),
    ("pod held back", live("Pod", {"phase": "Pending", "conditions": [condition("PodScheduled", "False", "SchedulingGated", "waits", lastTransitionTime="2026-01-01T11:00:00Z")]}), Status.IN_PROGRESS, "waits"),
    ("pod without image", live("Pod", {"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff")}), Status.FAILED, "ImagePullBackOff"),
    ("pod stuck in init", live("Pod", {"phase": "Pending", "containerStatuses": waiting("PodInitializing"), "initContainerStatuses": waiting("CrashLoopBackOff", restartCount=5)}), Status.FAILED, "CrashLoopBackOff"),
    ("pod pulling", live("Pod", {"phase": "Pending", "containerStatuses": waiting("ContainerCreating")}), Status.IN_PROGRESS, "ContainerCreating"),
    ("pod starting", live("Pod", {"phase": "Pending"}), Status.IN_PROGRESS, "starting"),
    ("pod unschedulable now", live("Pod", {"phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable", "no node", lastTransitionTime="2026-01-01T11:59:50Z")]}), Status.IN_PROGRESS, "no node"),
    ("pod unschedulable long", live("Pod", {"phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable", "no node", lastTransitionTime="2026-01-01T11:59:45Z")]}), Status.FAILED, "no node"),
    # single objects
    ("claim bound", live("PersistentVolumeClaim", {"phase": "Bound"}), Status.CURRENT, ""),
    ("claim lost", live("PersistentVolumeClaim", {"phase": "Lost"}), Status.FAILED, "lost"),
    ("claim pending", live("PersistentVolumeClaim", {"phase": "Pending"}, spec={"storageClassName": "fast"}), Status.IN_PROGRESS, "not bound"),
    ("claim late", live("PersistentVolumeClaim", {"phase": "Pending"}, spec={"storageClassName": "late"}), Status.CURRENT, "waits for its first Pod"),
    ("service", live("Service", {"loadBalancer": {}}, spec={"type": "ClusterIP"}), Status.CURRENT, ""),
    ("balancer without address", live("Service", {"loadBalancer": {}}, spec={"type": "LoadBalancer"}), Status.IN_PROGRESS, "address"),
    ("balancer", live("Service", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, spec={"type": "LoadBalancer"}), Status.CURRENT, ""),
    ("ingress without address", live("Ingress", {"loadBalancer": {}}), Status.IN_PROGRESS, "address"),
    ("namespace", live("Namespace", {"phase": "Active"}), Status.CURRENT, ""),
    ("definition", live("CustomResourceDefinition", {"conditions": [condition("Established", "True")]}), Status.CURRENT, ""),
    ("definition unestablished", live("CustomResourceDefinition"), Status.IN_PROGRESS, "not established yet"),
    ("definition refused", live("CustomResourceDefinition", {"conditions": [condition("NamesAccepted", "False", "Conflict", "taken")]}), Status.FAILED, "taken"),
    ("api service", live("APIService", {"conditions": [condition("Available", "True")]}), Status.CURRENT, ""),
    ("api service away", live("APIService", {"conditions": [condition("Available", "False", "ServiceNotFound")]}), Status.IN_PROGRESS, "ServiceNotFound"),
    ("autoscaler", live("HorizontalPodAutoscaler", {"conditions": [condition("ScalingActive", "False", "ScalingDisabled")]}), Status.CURRENT, ""),
    ("autoscaler failed", live("HorizontalPodAutoscaler", {"conditions": [condition("ScalingActive", "False", "FailedGetScale", "no scale")]}), Status.FAILED, "no scale"),
    ("autoscaler without metrics yet", live("HorizontalPodAutoscaler", {"conditions": [condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics", lastTransitionTime="2026-01-01T11:59:30Z")]}), Status.IN_PROGRESS, "no metrics"),
    ("budget unseen", live("PodDisruptionBudget"), Status.IN_PROGRESS, "has not seen it"),
    ("config", live("ConfigMap", generation=None), Status.CURRENT, ""),
    ("cron job", live("CronJob"), Status.CURRENT, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "status", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rule(value: dict[str, Any], status: Status, reason: str) -> None:
    """Each kind has one answer for each of its states, with a reason that a person understands."""
    health = assess(value, now=NOW, late_binding=frozenset({"late"}))
    assert health.status is status
    assert reason in health.reason
    assert bool(reason) == bool(health.reason)


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet"])
def test_a_refusal_of_before_has_to_last_while_it_is_waited_for(kind: str) -> None:
    """A condition of an earlier apply may be over as soon as the controller looks; it counts from then on."""
    value = live(kind, refused_at("11:00:00"), spec=TWO)
    for waited, status in ((14, Status.IN_PROGRESS), (15, Status.FAILED)):
        health = assess(value, now=NOW, began=NOW - timedelta(seconds=waited))
        assert (health.status, health.reason) == (status, "FailedCreate: quota")
    late = live(kind, refused_at("11:59:50"), spec=TWO)
    assert assess(late, now=NOW, began=NOW - timedelta(hours=1)).status is Status.IN_PROGRESS


_BEFORE = {"lastTransitionTime": "2026-01-01T11:00:00Z"}
_OLD_TROUBLE = {
    "too late": (
        live(
            "Deployment",
            rolled_out(
                readyReplicas=0,
                conditions=[
                    condition("Progressing", "False", "ProgressDeadlineExceeded", "late", **_BEFORE)
                ],
            ),
            spec=TWO,
        ),
        60,
    ),
    "no metrics": (
        live(
            "HorizontalPodAutoscaler",
            {
                "conditions": [
                    condition("ScalingActive", "False", "FailedGetScale", "no", **_BEFORE)
                ]
            },
        ),
        60,
    ),
    "no node": (
        live(
            "Pod",
            {
                "phase": "Pending",
                "conditions": [
                    condition("PodScheduled", "False", "Unschedulable", "no node", **_BEFORE)
                ],
            },
        ),
        15,
    ),
    "no Secret": (
        live(
            "Pod",
            {
                "phase": "Pending",
                "startTime": _BEFORE["lastTransitionTime"],
                "containerStatuses": waiting("CreateContainerConfigError", "no secret"),
            },
        ),
        15,
    ),
}


@pytest.mark.parametrize(("value", "seconds"), _OLD_TROUBLE.values(), ids=_OLD_TROUBLE)
def test_what_an_apply_may_have_mended_is_no_failure_at_once(
    value: dict[str, Any], seconds: int
) -> None:
    """What was so before, and may pass, has to last while it is waited for: the Secret that lacked comes with it."""
    for waited, status in ((seconds - 1, Status.IN_PROGRESS), (seconds, Status.FAILED)):
        began = NOW - timedelta(seconds=waited)
        assert assess(value, now=NOW, began=began).status is status
    assert assess(value, now=NOW).status is Status.FAILED
    assert assess(value, now=NOW, began=NOW - timedelta(hours=2)).status is Status.FAILED


def test_a_crash_of_before_is_no_failure_until_the_next() -> None:
    """What crashed before the apply may have lacked what that brings: it counts once it crashed after all that."""
    began = NOW - timedelta(minutes=4)

    def crashed(at: str) -> Status:
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at}}
        stuck = waiting("CrashLoopBackOff", restartCount=40, lastState=ended)
        value = live("Pod", {"phase": "Running", "containerStatuses": stuck})
        return assess(value, now=NOW, began=began).status

    assert crashed((began - timedelta(seconds=3)).isoformat()) is Status.IN_PROGRESS
    assert crashed(began.replace(microsecond=0).isoformat()) is Status.FAILED


def test_what_is_gone_is_not_found() -> None:
    """An object that does not exist is neither healthy nor failed."""
    assert assess(None, now=NOW).status is Status.NOT_FOUND


def test_stored_is_enough_for_some_kinds() -> None:
    """Kinds that nothing acts on need no watch."""
    assert immediate("", "ConfigMap")
    assert not immediate("apps", "Deployment")
    assert not immediate("example.com", "ConfigMap")


def test_the_most_recent_condition_explains() -> None:
    """An explanation quotes what changed last."""
    conditions = [
        condition("Old", "True", "A", lastTransitionTime="2026-01-01T00:00:00Z"),
        condition("New", "False", "B", "why", lastTransitionTime="2026-01-02T00:00:00Z"),
        condition("Silent", "True", lastTransitionTime="2026-01-03T00:00:00Z"),
    ]
    assert last_condition(live("Widget", {"conditions": conditions})) == "New is False: B: why"
    assert last_condition(live("Widget")) == ""
