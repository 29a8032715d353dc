"""Waiting until applied objects are healthy, by watches, and saying what keeps those that are not."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from textwrap import indent
from typing import Final

from orchestrator import clock
from orchestrator.errors import AccessDenied, ClusterError, Interrupted
from orchestrator.plans.objects import ObjectRef, Owner
from orchestrator.processes import Stop
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.cluster.news import Seen
from orchestrator.workloads.cluster.watches import Watch
from orchestrator.workloads.health import Health, Status, assess, immediate
from orchestrator.workloads.health.below import Below
from orchestrator.workloads.health.custom import OwnRule
from orchestrator.workloads.health.dependents import RUN_PODS
from orchestrator.workloads.health.laggards import Explanation
from orchestrator.workloads.health.lean import lean
from orchestrator.workloads.health.rooms import Rooms
from orchestrator.workloads.health.status import failed, progress
from orchestrator.workloads.live import Live

_LOOK_SECONDS: Final = 0.2  # how late a request to stop may be noticed
_LOOK_AT_ALL_SECONDS: Final = 1.0  # how late a rule that depends on time, or a Pod that is stuck
# Of the time, at the most: where thousands are waited for, one look takes a while.
_LOOK_AT_ALL_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told of what: an object that became healthy, and one whose reason for waiting changed."""

    healthy: Callable[[ObjectRef], None]
    waiting: Callable[[ObjectRef, str], None]


def kept_under(rules: Mapping[tuple[str, str], OwnRule]) -> Callable[[Live], Live]:
    """Return what is kept of each object that is followed under a set's own rules, which may read all of theirs."""
    return partial(lean, whole=frozenset(rules))


@contextmanager
def follow(
    cluster: Cluster,
    refs: Sequence[ObjectRef],
    owner: Owner,
    *,
    rules: Mapping[tuple[str, str], OwnRule],
    listener: Listener,
) -> Iterator["Rollout"]:
    """Begin to follow objects; do so before they are applied, so that nothing short-lived is missed.

    ``rules`` are a set's own, by (group, kind).
    """
    watched = [
        ref for ref in refs if (ref.group, ref.kind) in rules or not immediate(ref.group, ref.kind)
    ]
    keep = kept_under(rules)
    with (
        cluster.watch(collections(cluster.kinds(), watched), owner, keep=keep) as watch,
        closing(Below(cluster)) as below,
    ):
        yield Rollout(cluster, watch, below, judge=_Judge(rules=rules), listener=listener)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """By what objects are assessed; ``late_binding`` are storage classes that bind when a Pod comes.

    ``began`` is when it was begun to wait for them.
    """

    rules: Mapping[tuple[str, str], OwnRule]
    late_binding: frozenset[str] = frozenset()
    began: datetime | None = None

    def assess(self, ref: ObjectRef, live: Live) -> Health:
        own = self.rules.get((ref.group, ref.kind))
        return assess(
            live, now=clock.now(), began=self.began, late_binding=self.late_binding, own=own
        )


class Rollout:
    """What became of a set of objects since they were applied."""

    def __init__(
        self,
        cluster: Cluster,
        watch: Watch,
        below: Below,
        *,
        judge: _Judge,
        listener: Listener,
    ) -> None:
        """Use ``watch`` for news of the objects, and ``below`` for news of their Pods."""
        self._cluster = cluster
        self._watch = watch
        self._below = below
        self._rooms = Rooms(cluster)
        self._judge = judge
        self._listener = listener
        self._latest: dict[ObjectRef, Seen] = {}
        self._applied: dict[ObjectRef, Live] = {}
        self._unchanged: set[ObjectRef] = set()
        self._waiting: dict[ObjectRef, str] = {}
        self._news: set[ObjectRef] = set()
        self._unwatched: set[ObjectRef] = set()

    def healthy_at_once(self, ref: ObjectRef, applied: Live) -> bool:
        """Whether the answer to an apply says that there is nothing to wait for."""
        return self._judge.assess(ref, applied).status is Status.CURRENT

    def wait(
        self,
        applied: Mapping[ObjectRef, Live],
        *,
        unchanged: Collection[ObjectRef],
        timeouts: Mapping[ObjectRef, float],
        stop: Stop,
    ) -> None:
        """Wait until all objects are healthy: ``applied`` as the server returned them, and ``unchanged`` ones.

        ``timeouts`` are seconds from now on, for each of them. Raises ClusterError when some have failed, or
        after the timeout of one that is late, and Interrupted.
        """
        # Not before all is applied: a claim may come together with its class.
        late_binding = _late_binding(self._cluster, tuple(timeouts))
        self._judge = replace(self._judge, late_binding=late_binding, began=clock.now())
        started = clock.seconds()
        look_at_all = started + _LOOK_AT_ALL_SECONDS
        soonest = min(timeouts.values(), default=0.0)
        self._latest = {ref: Seen(ref=ref, live=live) for ref, live in applied.items()}
        self._applied, self._unchanged = dict(applied), set(unchanged)
        self._drain(0)
        self._waiting = dict.fromkeys(sorted(self._latest), "")
        self._look(list(self._waiting))
        while self._waiting:
            if stop.requested:
                raise Interrupted("interrupted while waiting for objects to become healthy")
            now = clock.seconds()
            if now - started >= soonest:
                self._check_late(now - started, timeouts)
            self._drain(_LOOK_SECONDS)
            if self._news:
                self._below.put_off()
            # Whatever is done at each turn is done for news alone: thousands may be waited for.
            if now < look_at_all:
                self._look(sorted(self._news & self._waiting.keys()))
            else:
                look_at_all = self._look_at_all()

    def _look_at_all(self) -> float:
        """Look at whatever is waited for, and below it; return when to do so again."""
        began = clock.seconds()
        self._below.look(self._waiting)
        self._look(list(self._waiting))
        return began + pause_between_looks(clock.seconds() - began)

    def _drain(self, timeout: float) -> None:
        self._news.clear()
        seen = self._watch.next(timeout)
        while seen is not None:
            if self._is_news(seen):
                self._latest[seen.ref] = seen
                self._news.add(seen.ref)
                (self._unwatched.add if seen.gone else self._unwatched.discard)(seen.ref)
            seen = self._watch.next(0)

    def _is_news(self, seen: Seen) -> bool:
        if seen.ref in self._unchanged:
            return True
        applied = self._applied.get(seen.ref)
        return applied is not None and not _older(seen.live, applied)

    def _look(self, refs: Sequence[ObjectRef]) -> None:
        broken: dict[ObjectRef, str] = {}
        self._ask([ref for ref in refs if ref in self._unwatched and not self._ended(ref)])
        for ref in refs:
            health = self._assess(self._latest[ref])
            if health.status is Status.FAILED:
                broken[ref] = health.reason
            elif health.status is Status.CURRENT:
                self._listener.healthy(ref)
                self._forget(ref)
            elif self._waiting[ref] != health.reason:
                self._listener.waiting(ref, health.reason)
                self._waiting[ref] = health.reason
        if broken:
            raise self._failed(broken)

    def _ask(self, refs: Sequence[ObjectRef]) -> None:
        """Look at what the watch says has ended: it says so of what lost our labels too, and then no more."""
        keep = kept_under(self._judge.rules)
        for ref, live in self._cluster.get_many(refs).items():
            last = self._latest[ref].live
            there = live is not None and _metadata(live).get("uid") == _metadata(last).get("uid")
            self._latest[ref] = Seen(
                ref=ref, live=keep(live) if live is not None and there else last, gone=not there
            )

    def _forget(self, ref: ObjectRef) -> None:
        """Hold no more of an object that nobody waits for: there may be thousands."""
        del self._waiting[ref], self._latest[ref]
        self._applied.pop(ref, None)
        self._unchanged.discard(ref)
        self._unwatched.discard(ref)

    def _assess(self, seen: Seen) -> Health:
        if seen.gone:
            return self._ended(seen.ref) or failed("was deleted while it was waited for")
        health = self._judge.assess(seen.ref, seen.live)
        if (seen.ref.group, seen.ref.kind) not in RUN_PODS:
            return health
        if health.status is Status.IN_PROGRESS:
            broken = self._below.obstacle(seen.live, self._judge.began)
            health = failed(broken) if broken else health
        if health.status is not Status.FAILED:
            return health
        again = self._rooms.again(seen.ref.namespace, seen.live, health.reason)
        return progress(again) if again else health

    def _ended(self, ref: ObjectRef) -> Health | None:
        """Return how a Job ended: its time to live removed it, and what counts is its last state."""
        if ref.kind != "Job":
            return None
        health = self._judge.assess(ref, _undeleted(self._latest[ref].live))
        return health if health.status in {Status.CURRENT, Status.FAILED} else None

    def _check_late(self, waited: float, timeouts: Mapping[ObjectRef, float]) -> None:
        late = {ref: reason for ref, reason in self._waiting.items() if waited >= timeouts[ref]}
        if not late:
            return
        first = next(iter(late))
        raise ClusterError(
            f"not healthy after {timeouts[first]:g} s: {first}: {late[first]}{_more(late)}",
            hint="correct it and apply again, or give it more time with 'wait: {timeout: ...}'",
            detail=self._explained(late),
        )

    def _failed(self, broken: Mapping[ObjectRef, str]) -> ClusterError:
        first = next(iter(broken))
        return ClusterError(
            f"{first} failed: {broken[first]}{_more(broken)}",
            hint="correct it and apply again; what was applied stays",
            detail=self._explained(broken),
        )

    def _explained(self, reasons: Mapping[ObjectRef, str]) -> str:
        """Return what is known of these objects, and of the others that are not healthy."""
        self._below.begin(self._waiting)
        others = {ref: why for ref, why in self._waiting.items() if ref not in reasons}
        told = [self._known(reasons).paragraphs(reasons)]
        if others:
            told.append("not healthy yet either:")
            told += [indent(each, "  ") for each in self._known(others).each(others)]
        return "\n".join(filter(None, told))

    def _known(self, refs: Iterable[ObjectRef]) -> Explanation:
        return Explanation(
            self._cluster, self._below, {ref: self._latest[ref].live for ref in refs}
        )


def pause_between_looks(took: float) -> float:
    """Return how many seconds after a look at all that is waited for, which took so long, the next one begins. Pure."""
    return max(_LOOK_AT_ALL_SECONDS, took / _LOOK_AT_ALL_SHARE)


def _more(reasons: Mapping[ObjectRef, str]) -> str:
    others = len(reasons) - 1
    return f", and {others} more" if others else ""


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
