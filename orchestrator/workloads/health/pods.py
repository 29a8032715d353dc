"""The health of a Pod, why its containers wait, and when waiting for it is no use.

What no time can mend fails at once. What a cluster may mend by itself (a node that is added or emptied, a Secret
that a controller makes) gets a moment. A container that crashes is restarted a few times before it counts as
broken: many wait for a database by crashing until it is there. A crash from before the apply counts once it happened
again, since the apply may bring what lacked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.workloads.health.status import CURRENT, Health, condition, failed, progress, time
from orchestrator.workloads.live import Live, mapping, mappings, number, text

PATIENCE: Final = timedelta(seconds=15)
"""How long that may last which a cluster may mend by itself."""

_CRASHES: Final = 3  # restarts: with the pauses between them, half a minute
_HOPELESS: Final = frozenset({"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"})
_MAY_COME: Final = frozenset({"CreateContainerConfigError"})
_CRASHED: Final = "CrashLoopBackOff"
_TO_THE_SECOND: Final = timedelta(seconds=2)  # times of a cluster are cut to seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A container that waits: why in one word, that with the message as a phrase, and its restarts."""

    name: str
    reason: str
    told: str
    restarts: int = 0
    ended: datetime | None = None
    """When it ended last."""


def pod(live: Live, now: datetime, began: datetime | None) -> Health:
    """Return the health of a Pod, for which has been waited since it ``began``."""
    status = mapping(live, "status")
    match status.get("phase"):
        case "Succeeded":
            return CURRENT
        case "Failed":
            reason = text(status, "message") or text(status, "reason") or _exit(live)
            return failed(reason or "the pod failed")
        case "Running" if (ready := condition(live, "Ready")) and ready.is_true:
            return CURRENT
        case _:
            broken = obstacle(live, now, began=began)
            return failed(broken) if broken else progress(standing(live) or "starting")


def obstacle(
    live: Live,
    now: datetime,
    *,
    began: datetime | None = None,
    crashes: bool = True,
    room: bool = True,
) -> str:
    """Return why a Pod will not become ready however long one waits, or an empty text.

    What may pass counts from when waiting ``began``, at the earliest: what was applied then may be what mends it.
    Without ``crashes`` a container that ends again and again is left to its controller to judge, and without
    ``room`` it is not asked whether any node takes the Pod.
    """
    for container in waiting_containers(live):
        if (crashes or container.reason != _CRASHED) and _broken(container, live, now, began):
            return f"container {container.name}: {container.told}"
    scheduled = condition(live, "PodScheduled") if room and not _makes_room(live) else None
    if scheduled is None or scheduled.reason != "Unschedulable":
        return ""
    return scheduled.text if _lasts(scheduled.since, now, began) else ""


def standing(live: Live) -> str:
    """Return what a Pod waits for as one phrase, or an empty text."""
    for container in waiting_containers(live):
        return f"container {container.name}: {container.told}"
    for kind in ("PodScheduled", "Ready"):
        found = condition(live, kind)
        if found and not found.is_true and found.text:
            return found.text
    return ""


def waiting_containers(live: Live) -> Iterator[Waiting]:
    """Yield each container of a Pod that waits: those that are stuck first, then by name."""
    found = []
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in mappings(mapping(live, "status"), key):
            waiting = mapping(mapping(container, "state"), "waiting")
            reason = text(waiting, "reason")
            if reason:
                found.append(_waiting(container, waiting))
    stuck = _HOPELESS | _MAY_COME | {_CRASHED}
    return iter(sorted(found, key=lambda item: (item.reason not in stuck, item.name)))


def _waiting(container: Live, waiting: Live) -> Waiting:
    ended = mapping(mapping(container, "lastState"), "terminated")
    told = ": ".join(filter(None, (text(waiting, "reason"), text(waiting, "message"))))
    return Waiting(
        name=text(container, "name"),
        reason=text(waiting, "reason"),
        told=f"{told} ({_ending(ended)})" if ended else told,
        restarts=number(container, "restartCount"),
        ended=time(text(ended, "finishedAt")),
    )


def _broken(container: Waiting, live: Live, now: datetime, began: datetime | None) -> bool:
    if container.reason in _MAY_COME:
        return _lasts(_started(live), now, began)
    if container.reason == _CRASHED:
        return container.restarts >= _CRASHES and not _before(container.ended, began)
    return container.reason in _HOPELESS


def _started(live: Live) -> datetime | None:
    return time(text(mapping(live, "status"), "startTime"))


def _makes_room(live: Live) -> bool:
    """Whether the scheduler evicts others for it."""
    return bool(mapping(live, "status").get("nominatedNodeName"))


def _before(when: datetime | None, began: datetime | None) -> bool:
    return when is not None and began is not None and when < began - _TO_THE_SECOND


def _lasts(since: datetime | None, now: datetime, began: datetime | None) -> bool:
    return since is not None and now - max(since, began or since) >= PATIENCE


def _exit(live: Live) -> str:
    for container in mappings(mapping(live, "status"), "containerStatuses"):
        ended = mapping(mapping(container, "state"), "terminated")
        if ended.get("exitCode"):
            return f"container {text(container, 'name')}: {_ending(ended)}"
    return ""


def _ending(ended: Live) -> str:
    code = f"exit code {number(ended, 'exitCode')}"
    return ", ".join(filter(None, (text(ended, "reason") or "ended", code)))
