"""When a stack may be changed: within the windows that it allows, and outside of those that freeze it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import Owner
from orchestrator.stack.policies import Window, Windows

ACKNOWLEDGED_BY: Final = "window"

_GUARDS: Final = "`guards.windows`"

_LARGEST_SHIFT_SECONDS: Final = 3 * 3600.0
_MOST_STEPS: Final = 100  # of windows that follow one another, before there is no end in sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Why a stack may not be changed now, and from when it may be; None when no end is in sight."""

    why: str
    opens: datetime | None

    @property
    def until(self) -> str:
        """Return in words from when it may be changed."""
        if self.opens is None:
            return "no end is in sight"
        return f"it may be from {self.opens:%Y-%m-%d %H:%M %Z}"


def check_windows(
    windows: Windows, now: datetime, acknowledged: Collection[str], *, owner: Owner
) -> None:
    """Refuse a change of a stack at a time at which there are to be none; raises PlanRefused."""
    if ACKNOWLEDGED_BY in acknowledged:
        return
    found = closed(windows, now)
    if found is None:
        return
    raise PlanRefused(
        f"{owner} may not be changed now: {found.why}",
        hint=f"{found.until}; if it cannot wait, pass --acknowledge {ACKNOWLEDGED_BY}",
    )


def closed(windows: Windows, now: datetime, *, by: str = _GUARDS) -> Closed | None:
    """Return why nothing may be changed at a moment, or None when it may; ``by`` says where the windows stand."""
    if not windows.allow and not windows.freeze:
        return None
    from zoneinfo import ZoneInfo

    local = now.astimezone(ZoneInfo(windows.zone))
    if _frozen_until(windows, local) is not None:
        why = f"it is frozen by {by}"
    elif windows.allow and not _open(windows.allow, local):
        why = f"this is outside of the times that {by} allow"
    else:
        return None
    return Closed(why=why, opens=_opening(windows, local))


def _opening(windows: Windows, local: datetime) -> datetime | None:
    """Return the next moment at which changes are allowed and not frozen."""
    moment = local
    for _ in range(_MOST_STEPS):
        frozen = _frozen_until(windows, moment)
        if frozen is not None:
            moment = frozen
        elif windows.allow and not _open(windows.allow, moment):
            moment = min(_next(window, moment) for window in windows.allow)
        else:
            return moment
    return None


def _frozen_until(windows: Windows, local: datetime) -> datetime | None:
    """Return when the last of the windows ends that freeze the stack at a moment, or None."""
    ends = [end for window in windows.freeze if (end := _end(window, local)) is not None]
    return max(ends, key=_absolute, default=None)


def _open(windows: Iterable[Window], local: datetime) -> bool:
    return any(_end(window, local) is not None for window in windows)


def _end(window: Window, local: datetime) -> datetime | None:
    """Return when a window that is open at a moment ends, or None.

    All of its times last equally long, so that the one that began last is the last to end.
    """
    from cronsim import CronSim

    # Cron reads clocks, which run backwards now and then: what reads later may have been before.
    ahead = CronSim(window.cron, _later(local, _LARGEST_SHIFT_SECONDS), reverse=True)
    began = next((each for each in ahead if _absolute(each) <= _absolute(local)), None)
    if began is None:  # it never came before
        return None
    end = _later(began, window.seconds)
    return end if _absolute(end) > _absolute(local) else None


def _next(window: Window, local: datetime) -> datetime:
    from cronsim import CronSim

    behind = CronSim(window.cron, local)
    return next(each for each in behind if _absolute(each) > _absolute(local))


def _later(local: datetime, seconds: float) -> datetime:
    """Return a moment so many seconds later: hours that a clock skips or repeats do not count as they read."""
    return (_absolute(local) + timedelta(seconds=seconds)).astimezone(local.tzinfo)


def _absolute(local: datetime) -> datetime:
    return local.astimezone(UTC)
