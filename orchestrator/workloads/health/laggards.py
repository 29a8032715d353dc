"""Why an object is not healthy, beyond its own status: its Pods, and the warnings that were recorded."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.health.pods import waiting_containers
from orchestrator.workloads.health.status import condition, last_condition, mapping

Live: TypeAlias = Mapping[str, Json]

_MOST_PODS: Final = 3
_MOST_WARNINGS: Final = 5


def explain(cluster: Cluster, ref: ObjectRef, live: Live) -> str:
    """Return lines about one object: its last condition, its Pods that wait, recent warnings about either.

    What cannot be read is left out: an explanation never hides the error that it explains.
    """
    pods = _pods(cluster, ref, live)
    names = [ref.name, *(_name(pod) for pod in pods)]
    lines = [
        *_prefixed("condition", [last_condition(live)]),
        *(line for pod in pods[:_MOST_PODS] for line in _about_pod(pod)),
        *_prefixed("warning", _warnings(cluster, ref.namespace, names)),
    ]
    return "\n".join(f"  {line}" for line in dict.fromkeys(lines))


def _pods(cluster: Cluster, ref: ObjectRef, live: Live) -> list[Live]:
    selector = mapping(mapping(mapping(live, "spec"), "selector"), "matchLabels")
    resource = cluster.kinds().find("", "Pod")
    if not selector or resource is None:
        return []
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    try:
        found = cluster.list_in(resource, ref.namespace, query={"labelSelector": labels})
    except ClusterError:
        return []
    return sorted((pod for pod in found if not _ready(pod)), key=_name)


def _about_pod(pod: Live) -> Iterator[str]:
    waits = [f"container {name}: {reason}" for name, reason in waiting_containers(pod)]
    for text in waits or [last_condition(pod)]:
        yield f"Pod {_name(pod)}: {text or mapping(pod, 'status').get('phase')}"


def _warnings(cluster: Cluster, namespace: str, names: list[str]) -> list[str]:
    resource = cluster.kinds().find("", "Event", version="v1")
    if resource is None or not namespace:
        return []
    try:
        events = cluster.list_in(resource, namespace, query={"fieldSelector": "type=Warning"})
    except ClusterError:
        return []
    about = [event for event in events if mapping(event, "involvedObject").get("name") in names]
    recent = sorted(about, key=_when)[-_MOST_WARNINGS:]
    return [f"{event.get('reason')}: {event.get('message')}" for event in recent]


def _when(event: Live) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _prefixed(word: str, texts: list[str]) -> Iterator[str]:
    return (f"{word}: {text}" for text in texts if text)


def _ready(pod: Live) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.is_true


def _name(live: Live) -> str:
    return str(mapping(live, "metadata").get("name", ""))
