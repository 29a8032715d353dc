"""What Pods were refused for and is there by now, or has room: their controllers find out when they try again."""

from typing import Final

from orchestrator import clock
from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.lacking import Lack, lack_in
from orchestrator.workloads.exceeding import exceeded, has_room
from orchestrator.workloads.health.status import condition
from orchestrator.workloads.live import Live

_ASK_SECONDS: Final = 2.0
_LATE: Final = "ProgressDeadlineExceeded"  # which says nothing of why


class Rooms:
    """What Pods need and were refused for, looked at when something is about to fail for that."""

    def __init__(self, cluster: Cluster) -> None:
        """Know nothing yet."""
        self._cluster = cluster
        self._known: dict[ObjectRef, tuple[float, Live | None]] = {}

    def again(self, namespace: str, live: Live, reason: str) -> str:
        """Return what is waited for where nothing is known to be in the way of Pods any more, or an empty text.

        ``reason`` is why the object counts as failed. What we may not read is still in the way.
        """
        for told in (reason, _refusal(live) if _LATE in reason else ""):
            if lacks := lack_in(told, namespace):
                return self._over(lacks, told)
        return ""

    def _over(self, lacks: Lack, told: str) -> str:
        (kind,) = lacks.kinds
        ref = ObjectRef(
            group=kind[0],
            version="v1",
            kind=kind[1],
            namespace=lacks.namespace if kind[0] == "" else "",
            name=lacks.name,
        )
        try:
            there = self._look(ref)
        except AccessDenied:
            return ""
        tries = "its controller is to try again to make Pods"
        if not lacks.too_small:
            return f"{ref} is there now: {tries}" if there is not None else ""
        refused = exceeded(told)
        if refused is None or not (there is None or has_room(there, refused)):
            return ""
        return f"{ref} has room now: {tries}"

    def _look(self, ref: ObjectRef) -> Live | None:
        asked_at, found = self._known.get(ref, (float("-inf"), None))
        if clock.seconds() - asked_at > _ASK_SECONDS:
            found = self._cluster.get_many([ref])[ref]
            self._known[ref] = clock.seconds(), found
        return found


def _refusal(live: Live) -> str:
    """Return for what Pods are refused, as the object itself says, beside whatever else it says."""
    found = condition(live, "ReplicaFailure")
    return found.text if found and found.is_true else ""
