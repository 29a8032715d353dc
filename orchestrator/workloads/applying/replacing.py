"""Deleting objects that are made anew: only those that were planned for, and waiting until they are gone."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from orchestrator.plans.events import ChangeDone, Event, UnitProgress
from orchestrator.plans.objects import OwnedObject, Owner
from orchestrator.processes import Stop
from orchestrator.workloads.applying.pruning import prune
from orchestrator.workloads.cluster import Cluster

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
    """Delete objects as ``prune`` does, whatever they say about pruning, and wait until all are gone.

    Raises what that raises; what was deleted until then is created by the next apply.
    """

    def told(event: Event) -> None:  # what is begun is the whole change, of which this is one half
        on_event(_progress(event) if isinstance(event, ChangeDone) else event)

    prune(
        cluster,
        objects,
        owner=owner,
        on_event=told,
        stop=stop,
        timeout=timeout,
        kept=lambda _: "",
    )


def _progress(event: ChangeDone) -> UnitProgress:
    """Return what is told of a deletion that is only half of a change."""
    what = "deleting it, to make it anew" if event.waiting else "deleted"
    return UnitProgress(unit=event.unit, text=f"{event.name}: {what}")
