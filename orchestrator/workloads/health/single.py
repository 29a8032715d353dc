"""The health of kinds that run nothing themselves."""

from datetime import datetime, timedelta
from typing import Final

from orchestrator.workloads.health.status import (
    CURRENT,
    Health,
    Status,
    condition,
    current_unless,
    failed,
    progress,
)
from orchestrator.workloads.live import Live, mapping

_NO_METRICS_YET: Final = timedelta(seconds=60)  # of Pods that have just started


def claim(live: Live, late_binding: frozenset[str]) -> Health:
    """Return the health of a PersistentVolumeClaim.

    One that binds when a Pod first uses it is current: whether the Pod starts is the Pod's own matter.
    """
    match mapping(live, "status").get("phase"):
        case "Bound":
            return CURRENT
        case "Lost":
            return failed("its volume is lost")
        case _ if mapping(live, "spec").get("storageClassName") in late_binding:
            return Health(status=Status.CURRENT, reason="waits for its first Pod")
        case _:
            return progress("not bound to a volume yet")


def service(live: Live) -> Health:
    """Return the health of a Service: only a load balancer has to become anything."""
    return addressed(live) if mapping(live, "spec").get("type") == "LoadBalancer" else CURRENT


def addressed(live: Live) -> Health:
    """Return the health of what needs an address from a load balancer, such as an Ingress."""
    found = mapping(mapping(live, "status"), "loadBalancer").get("ingress")
    return current_unless("" if found else "no load balancer has given it an address yet")


def namespace(live: Live) -> Health:
    """Return the health of a Namespace."""
    phase = mapping(live, "status").get("phase", "Active")
    return current_unless("" if phase == "Active" else "not active")


def definition(live: Live) -> Health:
    """Return the health of a CustomResourceDefinition."""
    names = condition(live, "NamesAccepted")
    if names and names.is_false:
        return failed(names.text)
    established = condition(live, "Established")
    if established and established.is_true:
        return CURRENT
    return progress((established and established.text) or "not established yet")


def api_service(live: Live) -> Health:
    """Return the health of an APIService."""
    available = condition(live, "Available")
    if available and available.is_true:
        return CURRENT
    return progress((available and available.text) or "not available yet")


def autoscaler(live: Live, now: datetime, began: datetime | None) -> Health:
    """Return the health of a HorizontalPodAutoscaler, for which has been waited since it ``began``.

    That it has no metrics may be what the apply has just mended in what it scales.
    """
    active = condition(live, "ScalingActive")
    if active is None or not active.is_false or not active.reason.startswith("Failed"):
        return CURRENT
    since = active.since and max(active.since, began or active.since)
    new = since is not None and now - since < _NO_METRICS_YET
    return progress(active.text) if new else failed(active.text)


def disruption_budget(live: Live) -> Health:
    """Return the health of a PodDisruptionBudget."""
    seen = "observedGeneration" in mapping(live, "status")
    return current_unless("" if seen else "its controller has not seen it yet")
