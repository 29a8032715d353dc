"""Why objects are not healthy, beyond their own status: their Pods, and the warnings that were recorded."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from orchestrator import clock
from orchestrator.errors import ClusterError
from orchestrator.plans.objects import ObjectRef
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.health.below import Below
from orchestrator.workloads.health.dependents import RUN_PODS, ready
from orchestrator.workloads.health.pods import waiting_containers
from orchestrator.workloads.health.refusals import told_last
from orchestrator.workloads.health.status import last_condition
from orchestrator.workloads.live import Live, mapping, text

_MOST_OBJECTS: Final = 10
_MOST_PODS: Final = 3
_MOST_WARNINGS: Final = 5
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_A_MINUTE: Final = timedelta(minutes=1)
_Named: TypeAlias = tuple[str, str, str]  # kind, name, uid


class Explanation:
    """What is known about some objects that are late or failed, the warnings asked for once."""

    def __init__(self, cluster: Cluster, below: Below, laggards: Mapping[ObjectRef, Live]) -> None:
        """Ask for the warnings of the namespaces of the laggards, as many as are explained.

        What cannot be read is left out: an explanation never hides the error that it explains.
        """
        self._below = below
        self._laggards = dict(sorted(laggards.items())[:_MOST_OBJECTS])
        self._left_out = len(laggards) - len(self._laggards)
        namespaces = sorted({ref.namespace for ref in self._laggards})
        self._warnings = {name: _warnings(cluster, name) for name in namespaces}

    def about(self, ref: ObjectRef) -> str:
        """Return indented lines: the last condition, the Pods that wait, recent warnings about either."""
        live = self._laggards[ref]
        pods = [pod for pod in self._below.dependents.pods(live) if not ready(pod)]
        about = {*map(_named, (live, *pods))}
        lines = [
            *_prefixed("condition", [last_condition(live)]),
            *(line for pod in pods[:_MOST_PODS] for line in _about_pod(pod)),
            *_prefixed("warning", self._recent(ref.namespace, about)),
        ]
        if self._below.unseen and (ref.group, ref.kind) in RUN_PODS:
            lines.append(f"its Pods could not be looked at: {self._below.unseen}")
        return "\n".join(f"  {line}" for line in dict.fromkeys(lines))

    def paragraphs(self, reasons: Mapping[ObjectRef, str]) -> str:
        """Return what is known about each laggard, where there are several below a line with its reason."""
        if len(self._laggards) == 1 and not self._left_out:
            return self.about(next(iter(self._laggards)))
        return "\n".join(self.each(reasons))

    def each(self, reasons: Mapping[ObjectRef, str]) -> Iterator[str]:
        """Yield a paragraph for each laggard: its reason, and below it what is known; then how many are left out."""
        for ref in self._laggards:
            yield "\n".join(filter(None, (f"{ref}: {reasons[ref]}", self.about(ref))))
        if self._left_out:
            yield f"and {self._left_out} more"

    def _recent(self, namespace: str, about: set[_Named]) -> list[str]:
        found = [item for item in self._warnings.get(namespace, ()) if concerns(item, about)]
        recent = sorted(found, key=lambda item: told_last(item) or _LONG_AGO)[-_MOST_WARNINGS:]
        return [warning(item, now=clock.now()) for item in recent]


def concerns(event: Live, about: Collection[_Named]) -> bool:
    """Whether an event is about one of some objects, each its kind, name and uid: another one had the name before."""
    told = mapping(event, "involvedObject")
    return any(
        (text(told, "kind"), text(told, "name")) == (kind, name) and text(told, "uid") in {"", uid}
        for kind, name, uid in about
    )


def warning(event: Live, *, now: datetime) -> str:
    """Return what an event says, and how long ago when that is a minute or more: it may be over."""
    told = f"{event.get('reason')}: {event.get('message')}"
    last = told_last(event)
    minutes = (now - last) // _A_MINUTE if last else 0
    return f"{told} ({minutes} min ago)" if minutes > 0 else told


def _about_pod(pod: Live) -> Iterator[str]:
    waits = [f"container {item.name}: {item.told}" for item in waiting_containers(pod)]
    for told in waits or [last_condition(pod)]:
        yield f"Pod {_name(pod)}: {told or mapping(pod, 'status').get('phase')}"


def _warnings(cluster: Cluster, namespace: str) -> list[Live]:
    resource = cluster.kinds().find("", "Event", version="v1")
    if resource is None or not namespace:
        return []
    try:
        return cluster.list_in(resource, namespace, query={"fieldSelector": "type=Warning"})
    except ClusterError:
        return []


def _prefixed(word: str, texts: Iterable[str]) -> Iterator[str]:
    return (f"{word}: {told}" for told in texts if told)


def _named(live: Live) -> _Named:
    return text(live, "kind"), _name(live), text(mapping(live, "metadata"), "uid")


def _name(live: Live) -> str:
    return text(mapping(live, "metadata"), "name")
