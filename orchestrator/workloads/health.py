"""Whether an object has become what it was asked to be: one answer and one sentence per object.

The rules follow kstatus (kubernetes-sigs/cli-utils), the library that most deploy tools share, but where it
calls things current that a deploy must not: a running Job, a failed Pod, a load balancer without address.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from orchestrator.stack.model import Json

Live: TypeAlias = Mapping[str, Json]

_UNSCHEDULABLE_AFTER: Final = timedelta(seconds=15)  # an autoscaler or a moving Pod needs a moment
_STUCK_REASONS: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "ErrImageNeverPull",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)


class Status(StrEnum):
    """What an object's state means for an apply that waits for it."""

    IN_PROGRESS = "in progress"
    CURRENT = "current"
    FAILED = "failed"
    TERMINATING = "terminating"
    NOT_FOUND = "not found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An answer with its reason: a short phrase, empty for what is simply current."""

    status: Status
    reason: str = ""


CURRENT: Final = Health(status=Status.CURRENT)


def assess(
    live: Live | None, *, now: datetime, late_binding: frozenset[str] = frozenset()
) -> Health:
    """Return the health of an object as the API server last showed it; None stands for one that is gone.

    ``now`` is only used for how long a Pod could not be scheduled; ``late_binding`` are the storage classes
    that bind a claim when a Pod first uses it.
    """
    if live is None:
        return Health(status=Status.NOT_FOUND, reason="not found")
    return _general(live) or _by_kind(live, now, late_binding) or _by_ready(live)


def immediate(group: str, kind: str) -> bool:
    """Whether objects of a kind are current as soon as they are stored, so that nothing has to be watched."""
    return (group, kind) in _IMMEDIATE


def _general(live: Live) -> Health | None:
    metadata, status = _map(live, "metadata"), _map(live, "status")
    if metadata.get("deletionTimestamp"):
        return Health(status=Status.TERMINATING, reason="being deleted")
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if isinstance(generation, int) and isinstance(observed, int) and generation != observed:
        return _progress("its controller has not seen the latest change yet")
    if (found := _condition(live, "Reconciling")) and found.is_true:
        return _progress(found.text)
    if (found := _condition(live, "Stalled")) and found.is_true:
        return _failed(found.text)
    return None


def _by_kind(live: Live, now: datetime, late_binding: frozenset[str]) -> Health | None:
    group = str(live.get("apiVersion", "")).rpartition("/")[0]
    kind = str(live.get("kind", ""))
    if immediate(group, kind):
        return CURRENT
    if (group, kind) == ("", "Pod"):
        return _pod(live, now)
    if (group, kind) == ("", "PersistentVolumeClaim"):
        return _claim(live, late_binding)
    rule = _RULES.get((group, kind))
    return rule(live) if rule else None


def _by_ready(live: Live) -> Health:
    ready = _condition(live, "Ready")
    if ready is None or ready.is_true:
        return CURRENT
    return _progress(ready.text or "not ready")


def _deployment(live: Live) -> Health:
    progressing = _condition(live, "Progressing")
    if progressing and progressing.reason == "ProgressDeadlineExceeded":
        return _failed(progressing.text)
    wanted = _number(_map(live, "spec"), "replicas", default=1)
    status = _map(live, "status")
    short = (
        _unobserved(live)
        or _short(status, "updatedReplicas", wanted, "updated")
        or _leftover(status, wanted)
        or _short(status, "readyReplicas", wanted, "ready")
        or _short(status, "availableReplicas", wanted, "available")
    )
    if short:
        return _progress(short)
    return _rolled_out(live, progressing)


def _rolled_out(live: Live, progressing: "_Condition | None") -> Health:
    has_deadline = "progressDeadlineSeconds" in _map(live, "spec")
    if has_deadline and progressing and progressing.reason != "NewReplicaSetAvailable":
        return _progress(progressing.text or "rolling out")
    available = _condition(live, "Available")
    if available is None or not available.is_true:
        return _progress(available.text if available else "not available yet")
    return CURRENT


def _leftover(status: Live, wanted: int) -> str:
    replicas, updated = _number(status, "replicas"), _number(status, "updatedReplicas")
    if replicas > updated:
        return f"{replicas - updated} old replicas still run"
    return f"{replicas} of {wanted} replicas" if replicas != wanted else ""


def _replica_set(live: Live) -> Health:
    failure = _condition(live, "ReplicaFailure")
    if failure and failure.is_true:
        return _progress(failure.text)
    wanted = _number(_map(live, "spec"), "replicas", default=1)
    status = _map(live, "status")
    short = (
        _unobserved(live)
        or _short(status, "fullyLabeledReplicas", wanted, "labelled")
        or _short(status, "availableReplicas", wanted, "available")
        or _short(status, "readyReplicas", wanted, "ready")
        or (
            f"{_number(status, 'replicas') - wanted} replicas too many"
            if _number(status, "replicas") > wanted
            else ""
        )
    )
    return _progress(short) if short else CURRENT


def _stateful_set(live: Live) -> Health:
    spec, status = _map(live, "spec"), _map(live, "status")
    strategy = _map(spec, "updateStrategy")
    if strategy.get("type") == "OnDelete":
        return CURRENT
    wanted = _number(spec, "replicas", default=1)
    short = (
        _unobserved(live)
        or _short(status, "replicas", wanted, "created")
        or _short(status, "readyReplicas", wanted, "ready")
        or _partition(status, _map(strategy, "rollingUpdate"), wanted)
    )
    return _progress(short) if short else CURRENT


def _partition(status: Live, rolling: Live, wanted: int) -> str:
    partition = _number(rolling, "partition")
    if partition:
        return _short(status, "updatedReplicas", wanted - partition, "updated")
    if _number(status, "currentReplicas") < wanted and "currentReplicas" in status:
        return _short(status, "currentReplicas", wanted, "current")
    if status.get("currentRevision") != status.get("updateRevision"):
        return "the new revision is still rolling out"
    return ""


def _daemon_set(live: Live) -> Health:
    if waiting := _unobserved(live):
        return _progress(waiting)
    if _map(_map(live, "spec"), "updateStrategy").get("type") == "OnDelete":
        return CURRENT
    status = _map(live, "status")
    wanted = _number(status, "desiredNumberScheduled")
    short = (
        _short(status, "currentNumberScheduled", wanted, "scheduled")
        or _short(status, "updatedNumberScheduled", wanted, "updated")
        or _short(status, "numberAvailable", wanted, "available")
        or _short(status, "numberReady", wanted, "ready")
    )
    return _progress(short) if short else CURRENT


def _job(live: Live) -> Health:
    for condition in _conditions(live):
        if condition.is_true and condition.kind == "Complete":
            return CURRENT
        if condition.is_true and condition.kind == "Failed":
            return _failed(condition.text or "the job failed")
        if condition.is_true and condition.kind == "Suspended":
            return Health(status=Status.CURRENT, reason="suspended")
    if _map(live, "spec").get("suspend") is True:
        return Health(status=Status.CURRENT, reason="suspended")
    status = _map(live, "status")
    counts = [
        f"{_number(status, name)} {name}"
        for name in ("active", "succeeded", "failed")
        if status.get(name)
    ]
    return _progress(", ".join(counts) or "not started yet")


def _pod(live: Live, now: datetime) -> Health:
    status = _map(live, "status")
    match status.get("phase"):
        case "Succeeded":
            return CURRENT
        case "Failed":
            return _failed(
                _text(status, "message")
                or _text(status, "reason")
                or _exit(live)
                or "the pod failed"
            )
        case "Running" if (ready := _condition(live, "Ready")) and ready.is_true:
            return CURRENT
        case _:
            return _unready_pod(live, now)


def _unready_pod(live: Live, now: datetime) -> Health:
    for name, waiting in waiting_containers(live):
        text = f"container {name}: {waiting}"
        return _failed(text) if waiting.partition(":")[0] in _STUCK_REASONS else _progress(text)
    scheduled = _condition(live, "PodScheduled")
    if scheduled and scheduled.reason == "Unschedulable":
        long = scheduled.since is not None and now - scheduled.since >= _UNSCHEDULABLE_AFTER
        return _failed(scheduled.text) if long else _progress(scheduled.text)
    ready = _condition(live, "Ready")
    return _progress(ready.text if ready and ready.text else "starting")


def waiting_containers(live: Live) -> Iterator[tuple[str, str]]:
    """Yield each container of a Pod that waits, with its reason and message: the stuck ones first."""
    found = []
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in _maps(_map(live, "status"), key):
            waiting = _map(_map(container, "state"), "waiting")
            reason = _text(waiting, "reason")
            if reason:
                text = ": ".join(filter(None, (reason, _text(waiting, "message"))))
                found.append((reason not in _STUCK_REASONS, _text(container, "name"), text))
    return ((name, text) for _, name, text in sorted(found, key=lambda item: item[0]))


def _exit(live: Live) -> str:
    for container in _maps(_map(live, "status"), "containerStatuses"):
        ended = _map(_map(container, "state"), "terminated")
        if ended.get("exitCode"):
            reason = _text(ended, "reason") or "ended"
            return (
                f"container {_text(container, 'name')}: {reason} with exit code {ended['exitCode']}"
            )
    return ""


def _claim(live: Live, late_binding: frozenset[str]) -> Health:
    match _map(live, "status").get("phase"):
        case "Bound":
            return CURRENT
        case "Lost":
            return _failed("its volume is lost")
        case _ if _map(live, "spec").get("storageClassName") in late_binding:
            return Health(status=Status.CURRENT, reason="waits for its first Pod")
        case phase:
            return _progress(f"{phase or 'not seen yet'}: not bound to a volume yet")


def _service(live: Live) -> Health:
    if _map(live, "spec").get("type") != "LoadBalancer":
        return CURRENT
    return _addressed(live)


def _addressed(live: Live) -> Health:
    if _map(_map(live, "status"), "loadBalancer").get("ingress"):
        return CURRENT
    return _progress("no load balancer has given it an address yet")


def _definition(live: Live) -> Health:
    names = _condition(live, "NamesAccepted")
    if names and names.is_false:
        return _failed(names.text)
    established = _condition(live, "Established")
    if established and established.is_true:
        return CURRENT
    return _progress((established and established.text) or "not established yet")


def _api_service(live: Live) -> Health:
    available = _condition(live, "Available")
    if available and available.is_true:
        return CURRENT
    return _progress((available and available.text) or "not available yet")


def _autoscaler(live: Live) -> Health:
    active = _condition(live, "ScalingActive")
    if active and active.is_false and active.reason.startswith("Failed"):
        return _failed(active.text)
    return CURRENT


def _namespace(live: Live) -> Health:
    return (
        CURRENT
        if _map(live, "status").get("phase", "Active") == "Active"
        else _progress("not active")
    )


def _budget(live: Live) -> Health:
    waiting = _unobserved(live)
    return _progress(waiting) if waiting else CURRENT


_RULES: Final[Mapping[tuple[str, str], Callable[[Live], Health]]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Service"): _service,
    ("", "Namespace"): _namespace,
    ("networking.k8s.io", "Ingress"): _addressed,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("policy", "PodDisruptionBudget"): _budget,
}

_IMMEDIATE: Final = frozenset(
    {
        ("", "ConfigMap"),
        ("", "Endpoints"),
        ("", "LimitRange"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("batch", "CronJob"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "StorageClass"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    kind: str
    status: str
    reason: str
    message: str
    since: datetime | None

    @property
    def is_true(self) -> bool:
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        return self.status == "False"

    @property
    def text(self) -> str:
        return ": ".join(filter(None, (self.reason, self.message)))


def last_condition(live: Live) -> str:
    """Return an object's most recent condition as a phrase, or an empty text."""
    found = [condition for condition in _conditions(live) if condition.text]
    latest = max(found, key=lambda item: (item.since is not None, item.since), default=None)
    return f"{latest.kind}={latest.status} {latest.text}" if latest else ""


def _condition(live: Live, kind: str) -> _Condition | None:
    return next((condition for condition in _conditions(live) if condition.kind == kind), None)


def _conditions(live: Live) -> Iterator[_Condition]:
    for item in _maps(_map(live, "status"), "conditions"):
        yield _Condition(
            kind=_text(item, "type"),
            status=_text(item, "status"),
            reason=_text(item, "reason"),
            message=_text(item, "message"),
            since=_time(_text(item, "lastTransitionTime")),
        )


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _unobserved(live: Live) -> str:
    """Right after an apply a controller that has not looked yet must not read as done."""
    return (
        "" if "observedGeneration" in _map(live, "status") else "its controller has not seen it yet"
    )


def _short(status: Live, name: str, wanted: int, word: str) -> str:
    count = _number(status, name)
    return f"{count} of {wanted} {word}" if count < wanted else ""


def _progress(reason: str) -> Health:
    return Health(status=Status.IN_PROGRESS, reason=reason)


def _failed(reason: str) -> Health:
    return Health(status=Status.FAILED, reason=reason)


def _map(value: Live, name: str) -> Live:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _maps(value: Live, name: str) -> Iterator[Live]:
    found = value.get(name)
    return (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def _text(value: Live, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _number(value: Live, name: str, *, default: int = 0) -> int:
    found = value.get(name, default)
    return found if isinstance(found, int) else default
