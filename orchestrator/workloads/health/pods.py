"""The health of a Pod, and why its containers wait."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from orchestrator.workloads.health.status import (
    CURRENT,
    Health,
    Live,
    condition,
    failed,
    mapping,
    mappings,
    progress,
    text,
)

_UNSCHEDULABLE_AFTER: Final = timedelta(seconds=15)  # an autoscaler or a moving Pod needs a moment
_STUCK: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "ErrImageNeverPull",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)


def pod(live: Live, now: datetime) -> Health:
    """Return the health of a Pod."""
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
            return _not_ready(live, now)


def waiting_containers(live: Live) -> Iterator[tuple[str, str]]:
    """Yield each container of a Pod that waits, with reason and message: the stuck ones first."""
    found = []
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in mappings(mapping(live, "status"), key):
            waiting = mapping(mapping(container, "state"), "waiting")
            reason = text(waiting, "reason")
            if reason:
                told = ": ".join(filter(None, (reason, text(waiting, "message"))))
                found.append((reason not in _STUCK, text(container, "name"), told))
    return ((name, told) for _, name, told in sorted(found))


def _not_ready(live: Live, now: datetime) -> Health:
    for name, waiting in waiting_containers(live):
        told = f"container {name}: {waiting}"
        return failed(told) if waiting.partition(":")[0] in _STUCK else progress(told)
    scheduled = condition(live, "PodScheduled")
    if scheduled and scheduled.reason == "Unschedulable":
        long = scheduled.since is not None and now - scheduled.since >= _UNSCHEDULABLE_AFTER
        return failed(scheduled.text) if long else progress(scheduled.text)
    ready = condition(live, "Ready")
    return progress((ready and ready.text) or "starting")


def _exit(live: Live) -> str:
    for container in mappings(mapping(live, "status"), "containerStatuses"):
        ended = mapping(mapping(container, "state"), "terminated")
        if ended.get("exitCode"):
            reason = text(ended, "reason") or "ended"
            return f"container {text(container, 'name')}: {reason}, exit code {ended['exitCode']}"
    return ""
