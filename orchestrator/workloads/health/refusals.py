"""Refusals to create Pods, told by events that outlive them by an hour: which of them still hold. Pure.

A controller that was refused tries again, after about as long as it has been refused already, and says nothing
when it succeeds: that a Pod was made is what shows it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.workloads.health.pods import PATIENCE
from orchestrator.workloads.health.status import time
from orchestrator.workloads.live import Live, mapping, text

_LONGEST_PAUSE: Final = timedelta(seconds=1000)  # of controllers that try again


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """That a Pod was refused from ``first`` to ``last``, by the cluster's clock; ``seen`` is when we learned it."""

    seen: datetime
    first: datetime
    last: datetime
    told: str


def refusal(event: Live, *, now: datetime) -> Refusal:
    """Return what an event says that was seen now; one without a time is of this moment."""
    last = told_last(event) or now
    first = time(text(event, "firstTimestamp")) or time(text(event, "eventTime")) or last
    told = f"{text(event, 'reason')}: {text(event, 'message')}"
    return Refusal(seen=now, first=first, last=last, told=told)


def told_last(event: Live) -> datetime | None:
    """Return when what an event says was last seen by whoever tells it, or None where it has no time."""
    series = mapping(event, "series")
    return (
        time(text(series, "lastObservedTime"))
        or time(text(event, "lastTimestamp"))
        or time(text(event, "eventTime"))
    )


def lasting(refusals: Iterable[Refusal], *, made: datetime | None, now: datetime) -> str:
    """Return what has been refused for longer than may pass by itself, and still is, or an empty text.

    ``made`` is when the youngest Pod was made: what was refused before that, or in the same second, is over.
    """
    held = [item for item in refusals if made is None or item.last > made]
    if not held:
        return ""
    latest = max(held, key=lambda item: item.last)
    began = min(item.first if made is None or item.first > made else item.last for item in held)
    pause = min(latest.last - began, _LONGEST_PAUSE)
    tried_again_by = latest.last + pause + PATIENCE
    lasts = now - min(item.seen for item in held) >= PATIENCE
    return latest.told if lasts and now < tried_again_by else ""
