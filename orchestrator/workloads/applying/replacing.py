"""Deleting objects that are made anew: only those that were planned for, and waiting until they are gone."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from orchestrator.plans.events import ChangeDone, Event, UnitProgress
from orchestrator.plans.objects import OwnedObject, Owner
from orchestrator.processes import Stop
from orchestrator.workloads.applying.pruning import delete
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import superseded
from orchestrator.workloads.ownership import uid_of

OnEvent: TypeAlias = Callable[[Event], None]


def clear_away(
    cluster: Cluster,
    objects: Sequence[OwnedObject],
    *,
    owner: Owner,
    on_event: OnEvent,
    stop: Stop,
    timeout: float,
) -> None:
    """Delete objects in reverse order, each only while it has the uid given, and wait until all are gone.

    What is gone already stays so. Raises Superseded when there is another one of a name, and what ``delete``
    raises; what was deleted until then is created by the next apply.
    """
    found = cluster.get_many(item.ref for item in objects)
    for item in objects:
        live = found[item.ref]
        if live is not None and uid_of(live) != item.uid:
            raise superseded(str(item.ref), gone=False)

    def told(event: Event) -> None:
        on_event(_progress(event) if isinstance(event, ChangeDone) else event)

    delete(cluster, objects, owner=owner, on_event=told, stop=stop, timeout=timeout)


def _progress(event: ChangeDone) -> UnitProgress:
    """Return what is told of a deletion that is only half of a change."""
    what = "deleting it, to make it anew" if event.waiting else "deleted"
    return UnitProgress(unit=event.unit, text=f"{event.name}: {what}")
