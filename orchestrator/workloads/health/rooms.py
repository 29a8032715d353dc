"""Quotas that refused Pods and have room for them now: their controllers find out when they try again."""

from typing import Final

from orchestrator import clock
from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.exceeding import Exceeded, exceeded, has_room
from orchestrator.workloads.health.status import condition
from orchestrator.workloads.live import Live

_ASK_SECONDS: Final = 2.0
_LATE: Final = "ProgressDeadlineExceeded"  # which says nothing of why


class Rooms:
    """What quotas have room for, asked for when something is about to fail for them."""

    def __init__(self, cluster: Cluster) -> None:
        """Know nothing yet."""
        self._cluster = cluster
        self._known: dict[ObjectRef, tuple[float, Live | None]] = {}

    def again(self, namespace: str, live: Live, reason: str) -> str:
        """Return what is waited for where only a quota stood in the way that has room now, or an empty text.

        ``reason`` is why the object counts as failed. A quota that we may not read has none.
        """
        refused = exceeded(reason) or (exceeded(_refusal(live)) if _LATE in reason else None)
        if refused is None or not self._has_room(namespace, refused):
            return ""
        return f"the quota {refused.quota} refused Pods and has room now: its controller is to try again"

    def _has_room(self, namespace: str, refused: Exceeded) -> bool:
        ref = ObjectRef(
            group="", version="v1", kind="ResourceQuota", namespace=namespace, name=refused.quota
        )
        asked_at, quota = self._known.get(ref, (float("-inf"), None))
        if clock.seconds() - asked_at > _ASK_SECONDS:
            try:
                quota = self._cluster.get_many([ref])[ref]
            except AccessDenied:
                return False
            self._known[ref] = clock.seconds(), quota
        return quota is None or has_room(quota, refused)


def _refusal(live: Live) -> str:
    """Return for what Pods are refused, as the object itself says, beside whatever else it says."""
    found = condition(live, "ReplicaFailure")
    return found.text if found and found.is_true else ""
