"""The health of what runs Pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job.

These are judged by their own status. Why their Pods do not come is another matter: see ``dependents``.
"""

from datetime import datetime, timedelta
from typing import Final

from orchestrator.workloads.health.pods import PATIENCE
from orchestrator.workloads.health.status import (
    CURRENT,
    Condition,
    Health,
    Status,
    condition,
    conditions,
    current_unless,
    failed,
    progress,
)
from orchestrator.workloads.live import Live, mapping, number

_GOES_ON_BY: Final = timedelta(seconds=60)


def deployment(live: Live, now: datetime, began: datetime | None) -> Health:
    """Return the health of a Deployment, for which has been waited since it ``began``."""
    progressing = condition(live, "Progressing")
    exceeded = progressing is not None and progressing.reason == "ProgressDeadlineExceeded"
    if progressing and exceeded and not _mended_maybe(progressing, now, began):
        return failed(progressing.text)
    if refused := _refused(live, now, began):
        return refused
    wanted = number(mapping(live, "spec"), "replicas", default=1)
    status = mapping(live, "status")
    if paused(live) and _stands_still(status, wanted):
        return failed("it is paused, and nothing is rolled out before it is resumed")
    short = (
        _unobserved(live)
        or _short(status, "updatedReplicas", wanted, word="updated")
        or _leftover(status, wanted)
        or _short(status, "readyReplicas", wanted, word="ready")
        or _short(status, "availableReplicas", wanted, word="available")
    )
    return progress(short) if short else _rolled_out(live, progressing)


def paused(deployment: Live) -> bool:
    """Whether a Deployment, or its manifest, says that its controller is to roll nothing out."""
    return (
        deployment.get("apiVersion") == "apps/v1"
        and deployment.get("kind") == "Deployment"
        and mapping(deployment, "spec").get("paused") is True
    )


def replica_set(live: Live, now: datetime, began: datetime | None) -> Health:
    """Return the health of a ReplicaSet, for which has been waited since it ``began``."""
    if refused := _refused(live, now, began):
        return refused
    wanted = number(mapping(live, "spec"), "replicas", default=1)
    status = mapping(live, "status")
    return current_unless(
        _unobserved(live)
        or _short(status, "fullyLabeledReplicas", wanted, word="labelled")
        or _short(status, "availableReplicas", wanted, word="available")
        or _short(status, "readyReplicas", wanted, word="ready")
        or _too_many(status, wanted)
    )


def stateful_set(live: Live) -> Health:
    """Return the health of a StatefulSet."""
    spec, status = mapping(live, "spec"), mapping(live, "status")
    strategy = mapping(spec, "updateStrategy")
    if strategy.get("type") == "OnDelete":
        return CURRENT
    wanted = number(spec, "replicas", default=1)
    partition = number(mapping(strategy, "rollingUpdate"), "partition")
    return current_unless(
        _unobserved(live)
        or _short(status, "replicas", wanted, word="created")
        or _short(status, "readyReplicas", wanted, word="ready")
        or _too_many(status, wanted)
        or _revision(status, partition=partition, wanted=wanted)
    )


def daemon_set(live: Live) -> Health:
    """Return the health of a DaemonSet."""
    status = mapping(live, "status")
    wanted = number(status, "desiredNumberScheduled")
    if waiting := _unobserved(live):
        return progress(waiting)
    if mapping(mapping(live, "spec"), "updateStrategy").get("type") == "OnDelete":
        return CURRENT
    return current_unless(
        _short(status, "currentNumberScheduled", wanted, word="scheduled")
        or _short(status, "updatedNumberScheduled", wanted, word="updated")
        or _short(status, "numberAvailable", wanted, word="available")
        or _short(status, "numberReady", wanted, word="ready")
    )


def job(live: Live) -> Health:
    """Return the health of a Job: it is current when it is done, or suspended."""
    for found in conditions(live):
        if found.is_true and found.kind == "Complete":
            return CURRENT
        if found.is_true and found.kind == "Failed":
            return failed(found.text or "the job failed")
    if mapping(live, "spec").get("suspend") is True:
        return Health(status=Status.CURRENT, reason="suspended")
    status = mapping(live, "status")
    names = [name for name in ("active", "succeeded", "failed") if status.get(name)]
    told = ", ".join(f"{status[name]} {name}" for name in names)
    # Between the end of the last Pod and the count of it, a Job says nothing but that it began.
    return progress(
        told or ("its Pods are counted" if "startTime" in status else "not started yet")
    )


def _refused(live: Live, now: datetime, began: datetime | None) -> Health | None:
    """Return what follows when Pods cannot be created: a quota that is used up, a rule of admission.

    During a rollout old Pods that end may make room for new ones, so that this may pass. One of before may be over:
    the condition stays until the controller tries again, or is that of a former revision.
    """
    failure = condition(live, "ReplicaFailure")
    if failure is None or not failure.is_true:
        return None
    if failure.since is None or now - max(failure.since, began or failure.since) < PATIENCE:
        return progress(failure.text)
    return failed(failure.text)


def _mended_maybe(late: Condition, now: datetime, began: datetime | None) -> bool:
    """Whether a Deployment was late before the apply, which may bring what its Pods lacked."""
    return bool(late.since and began and late.since < began and now - began < _GOES_ON_BY)


def _rolled_out(live: Live, progressing: Condition | None) -> Health:
    has_deadline = "progressDeadlineSeconds" in mapping(live, "spec")
    if (
        has_deadline
        and not paused(live)
        and progressing
        and progressing.reason != "NewReplicaSetAvailable"
    ):
        return progress(progressing.text or "rolling out")
    available = condition(live, "Available")
    if available is None or not available.is_true:
        return progress((available and available.text) or "not available yet")
    return CURRENT


def _stands_still(status: Live, wanted: int) -> bool:
    """Whether there are as many Pods as are wanted, and some are old; one that is paused is still scaled."""
    return number(status, "updatedReplicas") < wanted <= number(status, "replicas")


def _leftover(status: Live, wanted: int) -> str:
    replicas, updated = number(status, "replicas"), number(status, "updatedReplicas")
    if replicas > updated:
        return f"{replicas - updated} old replicas still run"
    return _too_many(status, wanted) or _short(status, "replicas", wanted, word="created")


def _too_many(status: Live, wanted: int) -> str:
    replicas = number(status, "replicas")
    return f"{replicas - wanted} replicas too many" if replicas > wanted else ""


def _revision(status: Live, *, partition: int, wanted: int) -> str:
    if partition:
        return _short(status, "updatedReplicas", wanted - partition, word="updated")
    if status.get("currentRevision") != status.get("updateRevision"):
        updated = number(status, "updatedReplicas")
        return f"{updated} of {wanted} replicas are of the new revision"
    return ""


def _unobserved(live: Live) -> str:
    """Right after an apply, a controller that has not looked yet must not read as done."""
    seen = "observedGeneration" in mapping(live, "status")
    return "" if seen else "its controller has not seen it yet"


def _short(status: Live, name: str, wanted: int, *, word: str) -> str:
    count = number(status, name)
    return f"{count} of {wanted} {word}" if count < wanted else ""
