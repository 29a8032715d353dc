"""Waiting until applied objects are healthy, by watches, and saying what keeps those that are not."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from orchestrator import clock
from orchestrator.errors import AccessDenied, ClusterError, Interrupted
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.processes import Stop
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.cluster.watches import Seen, Watch
from orchestrator.workloads.health import CURRENT, Health, Status, assess, immediate
from orchestrator.workloads.health.laggards import explain

Live: TypeAlias = Mapping[str, Json]

_LOOK_SECONDS: Final = (
    0.2  # how late a request to stop or a rule that depends on time may be noticed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told of what: an object that became healthy, and one whose reason for waiting changed."""

    healthy: Callable[[ObjectRef], None]
    waiting: Callable[[ObjectRef, str], None]


@contextmanager
def follow(
    cluster: Cluster, refs: Sequence[ObjectRef], owner: Owner, *, listener: Listener
) -> Iterator["Rollout"]:
    """Begin to follow objects; do so before they are applied, so that nothing short-lived is missed."""
    watched = [ref for ref in refs if not immediate(ref.group, ref.kind)]
    with cluster.watch(collections(cluster.kinds(), watched), owner) as watch:
        yield Rollout(
            cluster, watch, late_binding=_late_binding(cluster, watched), listener=listener
        )


class Rollout:
    """What became of a set of objects since they were applied."""

    def __init__(
        self,
        cluster: Cluster,
        watch: Watch,
        *,
        late_binding: frozenset[str],
        listener: Listener,
    ) -> None:
        """Use ``watch`` for news; ``late_binding`` are storage classes that bind when a Pod comes."""
        self._cluster = cluster
        self._watch = watch
        self._late_binding = late_binding
        self._listener = listener
        self._latest: dict[ObjectRef, Seen] = {}
        self._applied: Mapping[ObjectRef, Live] = {}
        self._unchanged: frozenset[ObjectRef] = frozenset()
        self._health: dict[ObjectRef, Health] = {}

    def wait(
        self,
        applied: Mapping[ObjectRef, Live],
        *,
        unchanged: Collection[ObjectRef],
        timeout: float,
        stop: Stop,
    ) -> None:
        """Wait until all objects are healthy: ``applied`` as the server returned them, and ``unchanged`` ones.

        Raises ClusterError at the first that failed, or after ``timeout`` seconds, and Interrupted.
        """
        deadline = clock.seconds() + timeout
        self._latest = {ref: Seen(ref=ref, live=live) for ref, live in applied.items()}
        self._applied, self._unchanged = applied, frozenset(unchanged)
        self._drain(0)
        while waiting := self._assess_all():
            if stop.requested:
                raise Interrupted("interrupted while waiting for objects to become healthy")
            left = deadline - clock.seconds()
            if left <= 0:
                raise self._late(waiting, timeout)
            self._drain(min(left, _LOOK_SECONDS))

    def _drain(self, timeout: float) -> None:
        seen = self._watch.next(timeout)
        while seen is not None:
            if self._is_news(seen):
                self._latest[seen.ref] = seen
            seen = self._watch.next(0)

    def _is_news(self, seen: Seen) -> bool:
        if seen.ref in self._unchanged:
            return True
        applied = self._applied.get(seen.ref)
        return applied is not None and not _older(seen.live, applied)

    def _assess_all(self) -> list[ObjectRef]:
        waiting = []
        for ref in sorted(self._latest):
            if self._health.get(ref) == CURRENT:
                continue
            health = self._assess(self._latest[ref])
            if health.status is Status.FAILED:
                raise self._failed(ref, health)
            if health.status is Status.CURRENT:
                self._listener.healthy(ref)
                self._health[ref] = CURRENT
                continue
            waiting.append(ref)
            if self._health.get(ref) != health:
                self._listener.waiting(ref, health.reason)
            self._health[ref] = health
        return waiting

    def _assess(self, seen: Seen) -> Health:
        if not seen.gone:
            return assess(seen.live, now=clock.now(), late_binding=self._late_binding)
        if seen.ref.kind == "Job":  # its time to live removed it; what counts is how it ended
            ended = assess(_undeleted(seen.live), now=clock.now())
            if ended.status in {Status.CURRENT, Status.FAILED}:
                return ended
        return Health(status=Status.FAILED, reason="was deleted while it was waited for")

    def _failed(self, ref: ObjectRef, health: Health) -> ClusterError:
        return ClusterError(
            f"{ref} failed: {health.reason}",
            hint="correct it and apply again; what was applied stays",
            detail=explain(self._cluster, ref, self._latest[ref].live),
        )

    def _late(self, waiting: Sequence[ObjectRef], timeout: float) -> ClusterError:
        first, others = waiting[0], len(waiting) - 1
        more = f", and {others} more" if others else ""
        return ClusterError(
            f"not healthy after {timeout:g} s: {first}: {self._health[first].reason}{more}",
            hint="correct it and apply again, or give it more time with 'wait: {timeout: ...}'",
            detail="\n".join(map(self._told, waiting)),
        )

    def _told(self, ref: ObjectRef) -> str:
        lines = (
            f"{ref}: {self._health[ref].reason}",
            explain(self._cluster, ref, self._latest[ref].live),
        )
        return "\n".join(filter(None, lines))


def _older(live: Live, applied: Live) -> bool:
    """Whether this was seen before the apply: another object of that name, or an earlier generation."""
    one, other = _metadata(live), _metadata(applied)
    if one.get("uid") != other.get("uid"):
        return True
    generation, wanted = one.get("generation"), other.get("generation")
    return isinstance(generation, int) and isinstance(wanted, int) and generation < wanted


def _undeleted(live: Live) -> Live:
    metadata = {key: value for key, value in _metadata(live).items() if key != "deletionTimestamp"}
    return {**live, "metadata": metadata}


def _late_binding(cluster: Cluster, refs: Sequence[ObjectRef]) -> frozenset[str]:
    """Return the storage classes whose claims stay pending until a Pod uses them."""
    resource = cluster.kinds().find("storage.k8s.io", "StorageClass")
    if resource is None or not any(ref.kind == "PersistentVolumeClaim" for ref in refs):
        return frozenset()
    try:
        classes = cluster.list_in(resource, "", query={})
    except AccessDenied:
        return frozenset()
    late = (item for item in classes if item.get("volumeBindingMode") == "WaitForFirstConsumer")
    return frozenset(str(_metadata(item).get("name")) for item in late)


def _metadata(live: Live) -> Mapping[str, Json]:
    metadata = live.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
