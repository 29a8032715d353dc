"""Following what runs below the objects that are waited for: one watch per kind and namespace, begun when it is needed.

Most rollouts are over before anything has to be explained, so that nothing is asked for in the first moment.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from orchestrator import clock
from orchestrator.errors import AccessDenied
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.watches import Scope, Watch
from orchestrator.workloads.health.dependents import RUN_PODS, Dependents
from orchestrator.workloads.health.lean import lean_dependent
from orchestrator.workloads.live import Live, mapping, text

_AFTER_SECONDS: Final = 1.0
_AT_LATEST_SECONDS: Final = 10.0
_SAYS_AGAIN_SECONDS: Final = 5.0
# What autoscalers say of a Pod for which they are making a node: that of Kubernetes, and Karpenter.
_NODE_COMES: Final = ("TriggeredScaleUp", "Nominated")
_REFUSALS: Final = "type=Warning,reason=FailedCreate"


class Below:
    """Pods, ReplicaSets and refusals to create Pods of the namespaces in which something is late."""

    def __init__(self, cluster: Cluster) -> None:
        """Follow nothing yet."""
        self.dependents = Dependents()
        self.unseen = ""  # why nothing can be seen here, if so
        self._cluster = cluster
        self._resources = ExitStack()
        self._watch: Watch | None = None
        self._at_latest = clock.seconds() + _AT_LATEST_SECONDS
        self._due = clock.seconds() + _AFTER_SECONDS
        self._nodes: dict[str, tuple[float, frozenset[str]]] = {}

    def look(self, waiting: Iterable[ObjectRef]) -> bool:
        """Take in what happened below the objects that are still waited for; return whether anything did."""
        if self._watch is None and not self.unseen and clock.seconds() >= self._due:
            self._begin(waiting)
        if self._watch is None:
            return False
        changed = False
        try:
            while seen := self._watch.next(0):
                changed = True
                if seen.ref.kind != "Event":
                    self.dependents.take(seen.live, gone=seen.gone)
                elif not seen.gone:
                    self.dependents.take_refusal(seen.live, now=clock.now())
        except AccessDenied as error:
            self._give_up(error)
        return changed

    def put_off(self) -> None:
        """Wait for a moment without news, but not forever: to follow thousands of Pods is work for the server too."""
        self._due = min(clock.seconds() + _AFTER_SECONDS, self._at_latest)

    def obstacle(self, live: Live, began: datetime | None) -> str:
        """Return why waiting for an object is no use, or an empty text; it was begun to wait when it ``began``.

        That no node takes a Pod is nothing of the kind while an autoscaler makes one for it.
        """
        now = clock.now()
        if not self.dependents.obstacle(live, now, room=lambda _: True, began=began):
            return ""
        return self.dependents.obstacle(
            live, now, room=lambda pod: not self._node_comes_for(pod), began=began
        )

    def _node_comes_for(self, pod: Live) -> bool:
        metadata = mapping(pod, "metadata")
        namespace = text(metadata, "namespace")
        asked_at, pods = self._nodes.get(namespace, (float("-inf"), frozenset()))
        if clock.seconds() - asked_at > _SAYS_AGAIN_SECONDS:
            pods = self._pods_with_nodes_to_come(namespace)
            self._nodes[namespace] = clock.seconds(), pods
        return text(metadata, "uid") in pods

    def _pods_with_nodes_to_come(self, namespace: str) -> frozenset[str]:
        resource = self._cluster.kinds().find("", "Event", version="v1")
        if resource is None:
            return frozenset()
        try:
            events = [
                event
                for reason in _NODE_COMES
                for event in self._cluster.list_in(
                    resource, namespace, query={"fieldSelector": f"reason={reason}"}
                )
            ]
        except AccessDenied:
            return frozenset()
        return frozenset(text(mapping(event, "involvedObject"), "uid") for event in events)

    def begin(self, waiting: Iterable[ObjectRef]) -> None:
        """Look now, whether it is time or not: something is to be explained."""
        self._due = clock.seconds()
        self.look(waiting)

    def close(self) -> None:
        """Stop following."""
        self._resources.close()
        self._watch = None

    def _begin(self, waiting: Iterable[ObjectRef]) -> None:
        scopes = self._scopes(
            {ref.namespace for ref in waiting if (ref.group, ref.kind) in RUN_PODS}
        )
        if not scopes:
            return
        try:
            self._watch = self._resources.enter_context(
                self._cluster.watch_scopes(scopes, keep=lean_dependent)
            )
        except AccessDenied as error:
            self._give_up(error)

    def _scopes(self, namespaces: set[str]) -> list[Scope]:
        kinds = self._cluster.kinds()
        found = []
        for group, kind, query in (
            ("", "Pod", {}),
            ("apps", "ReplicaSet", {}),
            ("", "Event", {"fieldSelector": _REFUSALS}),
        ):
            resource = kinds.find(group, kind, version="v1")
            found += [
                Scope(resource=resource, namespace=namespace, query=query)
                for namespace in sorted(namespaces)
                if resource is not None
            ]
        return found

    def _give_up(self, error: AccessDenied) -> None:
        self.close()
        self.unseen = error.message
