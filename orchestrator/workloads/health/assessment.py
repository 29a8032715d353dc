"""The rules in their order: what holds for every object, then its kind's own, then the Ready condition."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from orchestrator.workloads.health import controllers, pods, single
from orchestrator.workloads.health.status import (
    CURRENT,
    Health,
    Status,
    condition,
    failed,
    progress,
    unseen,
)
from orchestrator.workloads.live import Live, mapping, text


def assess(
    live: Live | None,
    *,
    now: datetime,
    began: datetime | None = None,
    late_binding: frozenset[str] = frozenset(),
    own: Callable[[Live], Health | None] | None = None,
) -> Health:
    """Return the health of an object as the API server last showed it; None stands for one that is gone.

    ``now`` is only used for how long something has lasted that may pass, at the longest since waiting ``began``:
    what lasted before may be over as soon as its controller looks. ``late_binding`` are the storage classes that
    bind a claim when a Pod first uses it. ``own`` is asked instead of what is known of the
    object's kind, and may leave it to that.
    """
    if live is None:
        return Health(status=Status.NOT_FOUND, reason="not found")
    known = _general(live) or (own(live) if own else None)
    return known or _by_kind(live, now, late_binding, began=began) or _by_ready(live)


def immediate(group: str, kind: str) -> bool:
    """Whether objects of a kind are current as soon as they are stored, so that nothing has to be watched."""
    return (group, kind) in _IMMEDIATE


def _general(live: Live) -> Health | None:
    metadata, status = mapping(live, "metadata"), mapping(live, "status")
    if metadata.get("deletionTimestamp"):
        return Health(status=Status.TERMINATING, reason="being deleted")
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if isinstance(generation, int) and isinstance(observed, int) and generation != observed:
        return unseen()
    if (found := condition(live, "Reconciling")) and found.is_true:
        return progress(found.text or "reconciling")
    if (found := condition(live, "Stalled")) and found.is_true:
        return unseen(found.overtaken) if found.overtaken else failed(found.text or "stalled")
    return None


def _by_kind(
    live: Live, now: datetime, late_binding: frozenset[str], *, began: datetime | None
) -> Health | None:
    key = (text(live, "apiVersion").rpartition("/")[0], text(live, "kind"))
    if immediate(*key):
        return CURRENT
    match key:
        case ("", "Pod"):
            return pods.pod(live, now, began)
        case ("", "PersistentVolumeClaim"):
            return single.claim(live, late_binding)
        case ("autoscaling", "HorizontalPodAutoscaler"):
            return single.autoscaler(live, now, began)
        case ("apps", "Deployment"):
            return controllers.deployment(live, now, began)
        case ("apps", "ReplicaSet"):
            return controllers.replica_set(live, now, began)
        case _:
            rule = _RULES.get(key)
            return rule(live) if rule else None


def _by_ready(live: Live) -> Health:
    ready = condition(live, "Ready")
    if ready and ready.overtaken:
        return unseen(ready.overtaken)
    if ready is None or ready.is_true:
        return CURRENT
    return progress(ready.text or "not ready")


_RULES: Final[Mapping[tuple[str, str], Callable[[Live], Health]]] = {
    ("apps", "StatefulSet"): controllers.stateful_set,
    ("apps", "DaemonSet"): controllers.daemon_set,
    ("batch", "Job"): controllers.job,
    ("", "Service"): single.service,
    ("", "Namespace"): single.namespace,
    ("networking.k8s.io", "Ingress"): single.addressed,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): single.definition,
    ("apiregistration.k8s.io", "APIService"): single.api_service,
    ("policy", "PodDisruptionBudget"): single.disruption_budget,
}

_IMMEDIATE: Final = frozenset(
    {
        ("", "ConfigMap"),
        ("", "Endpoints"),
        ("", "LimitRange"),
        ("", "PersistentVolume"),
        ("", "ResourceQuota"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("batch", "CronJob"),
        ("coordination.k8s.io", "Lease"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "StorageClass"),
    }
)
