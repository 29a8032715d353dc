"""Deleting what is not wanted any more: backwards, only what the plan saw, and waiting until it is gone."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from orchestrator import clock
from orchestrator.errors import ClusterError, Interrupted, together
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeBegun, ChangeDone, ChangeRefused, Event, UnitProgress
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.processes import Stop
from orchestrator.workloads.applying.finalizers import findings, reasons
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Superseded, superseded
from orchestrator.workloads.cluster.api import collections
from orchestrator.workloads.cluster.watches import Watch
from orchestrator.workloads.live import Live
from orchestrator.workloads.order import reverse_batches
from orchestrator.workloads.ownership import owner_of, uid_of
from orchestrator.workloads.planning.resting import why_kept

OnEvent: TypeAlias = Callable[[Event], None]

Kept: TypeAlias = Callable[[Live], str]
"""Says why an object is to stay, nothing when it may go."""

_LOOK_SECONDS: Final = 0.2
_ASK_SECONDS: Final = 1.0  # how late the end of what the watch tells of no more
_TELL_AFTER_SECONDS: Final = 5.0


def prune(  # noqa: PLR0913 - what all deletions have in common, and what tells them apart
    cluster: Cluster,
    objects: Sequence[OwnedObject],
    *,
    owner: Owner,
    on_event: OnEvent,
    stop: Stop,
    timeout: float = 300.0,
    kept: Kept = why_kept,
) -> tuple[ObjectRef, ...]:
    """Delete objects in reverse order, each with the uid that it was planned with; return them sorted, all gone.

    Raises Superseded for one that is not as the plan saw it (another one of its name, other labels, a reason
    for which it is ``kept``), which is left, ClusterError naming finalizers when one is not gone after
    ``timeout`` seconds, ClusterUnreachable, AccessDenied, Interrupted.
    """
    for batch in reverse_batches((item.ref, item) for item in objects):
        deletion = _Deletion(cluster, owner, on_event=on_event, stop=stop)
        deletion.run(batch, timeout, kept=kept)
    return tuple(sorted(item.ref for item in objects))


class _Deletion:
    """One batch on its way out."""

    def __init__(self, cluster: Cluster, owner: Owner, *, on_event: OnEvent, stop: Stop) -> None:
        self._cluster = cluster
        self._owner = owner
        self._on_event = on_event
        self._stop = stop
        self._units: dict[ObjectRef, OwnedObject] = {}
        self._left: dict[ObjectRef, Live] = {}
        self._unwatched: set[ObjectRef] = set()
        self._ask_at = 0.0

    def run(self, batch: Sequence[OwnedObject], timeout: float, *, kept: Kept) -> None:
        if self._stop.requested:
            raise Interrupted("interrupted between two batches of deletions")
        self._units = {item.ref: item for item in batch}
        self._left = self._planned_for(kept)
        if not self._left:
            return
        wanted = collections(self._cluster.kinds(), self._left)
        with self._cluster.watch(wanted, self._owner) as watch:
            self._start()
            self._await(watch, timeout)

    def _planned_for(self, kept: Kept) -> dict[ObjectRef, Live]:
        """Return what is still there of the batch; nothing of it goes while anything is not as it was planned."""
        found = self._cluster.get_many(self._units)
        there = {ref: live for ref, live in found.items() if live is not None}
        moved = [error for ref, live in there.items() if (error := self._moved(ref, live, kept))]
        if moved:
            raise together(moved)
        return there

    def _moved(self, ref: ObjectRef, live: Live, kept: Kept) -> Superseded | None:
        if uid_of(live) != self._units[ref].uid:
            return superseded(str(ref), gone=False)
        owner = owner_of(live)
        if owner != self._owner:
            what = f"belongs to {owner}" if owner else "lost our labels"
        elif reason := kept(live):
            what = reason
        else:
            return None
        return Superseded(
            f"{ref} changed since the plan was made, and is left: it {what}",
            hint="plan again, to see what becomes of it",
        )

    def _start(self) -> None:
        for ref in self._left:
            self._on_event(ChangeBegun(unit=self._units[ref].unit, name=str(ref)))
        errors = self._cluster.delete_many({ref: self._units[ref].uid for ref in self._left})
        if len(errors) == len(self._left):  # else nobody says which of them
            for ref in self._left:
                self._on_event(ChangeRefused(unit=self._units[ref].unit, name=str(ref)))
        if errors:
            raise together(errors)
        for ref in self._left:
            self._tell(ref, waiting=True)

    def _await(self, watch: Watch, timeout: float) -> None:
        started = clock.seconds()
        told = False
        self._confirm(self._left)  # what was gone before the watch began is never announced by it
        while self._left:
            if self._stop.requested:
                raise Interrupted("interrupted while waiting for deletions")
            waited = clock.seconds() - started
            if waited > timeout:
                raise self._late(timeout)
            if waited > _TELL_AFTER_SECONDS and not told:
                told = True
                self._tell_why()
            self._drain(watch)

    def _confirm(self, refs: Iterable[ObjectRef]) -> None:
        """Look once at what may be gone."""
        for ref, live in self._cluster.get_many(refs).items():
            if live is None or uid_of(live) != uid_of(self._left[ref]):
                self._gone(ref)
            else:
                self._left[ref] = live

    def _drain(self, watch: Watch) -> None:
        ended: set[ObjectRef] = set()
        seen = watch.next(_LOOK_SECONDS)
        while seen is not None:
            mine = self._left.get(seen.ref)
            if mine is not None and uid_of(seen.live) == uid_of(mine):
                self._left[seen.ref] = seen.live
                (ended.add if seen.gone else ended.discard)(seen.ref)
            seen = watch.next(0)
        self._ask(ended)

    def _ask(self, ended: set[ObjectRef]) -> None:
        """Look at what the watch says has ended: it says so of what lost our labels too, and then no more."""
        self._unwatched |= ended
        now = clock.seconds()
        if self._unwatched and (ended or now >= self._ask_at):
            self._confirm(self._unwatched)
            self._ask_at = now + _ASK_SECONDS

    def _gone(self, ref: ObjectRef) -> None:
        del self._left[ref]
        self._unwatched.discard(ref)
        self._tell(ref, waiting=False)

    def _tell(self, ref: ObjectRef, *, waiting: bool) -> None:
        unit = self._units[ref].unit
        self._on_event(ChangeDone(unit=unit, name=str(ref), action=Action.DELETE, waiting=waiting))

    def _tell_why(self) -> None:
        for ref, live in sorted(self._left.items()):
            text = f"{ref}: still being deleted{_because(live)}"
            self._on_event(UnitProgress(unit=self._units[ref].unit, text=text))

    def _late(self, timeout: float) -> ClusterError:
        first, live = min(self._left.items())
        others = len(self._left) - 1
        more = f", and {others} more" if others else ""
        lines = [f"{ref}{_because(left)}" for ref, left in sorted(self._left.items()) if others]
        return ClusterError(
            f"{first} is not gone after {timeout:g} s{_because(live)}{more}",
            hint="a finalizer is removed by the controller that set it: is that running? If it is gone for good, "
            "take the finalizer out with kubectl edit; what it would have cleaned up stays. The next run goes on from "
            "here; an apply of the same commit needs --retry for that",
            detail="\n".join((*lines, *findings(self._cluster, self._left))),
        )


def _because(live: Live) -> str:
    found = list(reasons(live))
    return f": {'; '.join(found)}" if found else ""
