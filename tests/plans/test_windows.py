"""Change windows: when a stack may be changed, by cron, in a time zone with hours that clocks skip and repeat."""

from datetime import UTC, datetime

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.objects import Owner
from orchestrator.plans.windows import check_windows, closed
from orchestrator.stack.policies import Window, Windows

_HOUR = 3600.0
_OWNER = Owner(stack="shop", environment="production")
_WORK = Windows(zone="Europe/Berlin", allow=(Window(cron="0 9 * * mon-thu", seconds=7 * _HOUR),))
_NIGHT = Windows(zone="Europe/Berlin", allow=(Window(cron="30 2 * * *", seconds=_HOUR),))
_HOLIDAYS = Window(cron="0 0 20 12 *", seconds=14 * 24 * _HOUR)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _opens(windows: Windows, moment: str) -> str:
    """Return when changes may be applied: now, never, or the next moment in UTC."""
    found = closed(windows, _at(moment))
    if found is None:
        return "now"
    return f"{found.opens.astimezone(UTC):%Y-%m-%d %H:%M}" if found.opens else "never"


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        pytest.param("2026-11-23 07:59:59", "2026-11-23 08:00", id="a second before"),
        pytest.param("2026-11-23 08:00:00", "now", id="when it begins, at nine in Berlin"),
        pytest.param("2026-11-23 14:59:59", "now", id="its last second"),
        pytest.param("2026-11-23 15:00:00", "2026-11-24 08:00", id="when it ends"),
        pytest.param("2026-11-27 09:00:00", "2026-11-30 08:00", id="on a Friday"),
        pytest.param("2026-06-01 07:00:00", "now", id="at nine in summer"),
        pytest.param("2026-06-01 14:00:00", "2026-06-02 07:00", id="at four in summer"),
    ],
)
def test_changes_are_allowed_in_a_window(moment: str, opens: str) -> None:
    """A window begins when a clock in its zone says so, and ends that long after; its end is not in it."""
    assert _opens(_WORK, moment) == opens


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        # On 29 March clocks go from 02:00 to 03:00, which is 01:00 UTC: half past two never comes.
        pytest.param(
            "2026-03-29 00:59:59", "2026-03-29 01:00", id="before the hour that is skipped"
        ),
        pytest.param(
            "2026-03-29 01:00:00", "now", id="a skipped beginning comes when clocks go on"
        ),
        pytest.param("2026-03-29 02:00:00", "2026-03-30 00:30", id="and lasts as long as always"),
        # On 25 October they go from 03:00 back to 02:00, which is 01:00 UTC: half past two comes twice.
        pytest.param(
            "2026-10-25 00:29:59", "2026-10-25 00:30", id="before the first half past two"
        ),
        pytest.param("2026-10-25 00:30:00", "now", id="the first half past two"),
        pytest.param("2026-10-25 01:29:59", "now", id="an hour later clocks say the same"),
        pytest.param("2026-10-25 01:30:00", "2026-10-26 01:30", id="the second one begins nothing"),
    ],
)
def test_clocks_that_change(moment: str, opens: str) -> None:
    """A window begins once a day and lasts as long as it says, also on the two days when clocks change."""
    assert _opens(_NIGHT, moment) == opens


def test_a_freeze_outweighs_what_is_allowed() -> None:
    """Nothing is changed while it lasts, and what opens next is the first allowed moment after it."""
    windows = Windows(zone="Europe/Berlin", allow=_WORK.allow, freeze=(_HOLIDAYS,))

    assert _opens(windows, "2026-12-16 09:00:00") == "now"
    assert _opens(windows, "2026-12-22 09:00:00") == "2027-01-04 08:00"


def test_freezes_that_follow_one_another() -> None:
    """They are one freeze to whoever asks when it is over; where none is in sight, that is said."""
    day = Window(cron="0 0 * * *", seconds=24 * _HOUR)
    morning = Window(cron="0 0 * * *", seconds=6 * _HOUR)
    noon = Window(cron="0 6 * * *", seconds=6 * _HOUR)

    assert _opens(Windows(freeze=(morning, noon)), "2026-06-01 01:00:00") == "2026-06-01 12:00"
    assert _opens(Windows(freeze=(day,)), "2026-06-01 01:00:00") == "never"


def test_without_windows_changes_are_always_allowed() -> None:
    """A stack that says nothing is not restricted, and neither is one between its freezes."""
    assert _opens(Windows(), "2026-06-01 01:00:00") == "now"
    assert _opens(Windows(freeze=(_HOLIDAYS,)), "2026-06-01 01:00:00") == "now"


def test_the_refusal_says_when_it_is_over() -> None:
    """It names why, from when on, in the zone that people think in, and the way out."""
    with pytest.raises(PlanRefused) as refused:
        check_windows(_WORK, _at("2026-11-27 09:00:00"), (), owner=_OWNER)

    assert refused.value.message == (
        "shop/production may not be changed now: this is outside of the times that `guards.windows` allow"
    )
    assert refused.value.hint == (
        "it may be from 2026-11-30 09:00 CET; if it cannot wait, pass --acknowledge window"
    )


def test_what_cannot_wait_is_acknowledged() -> None:
    """The word opens the window for one apply, and no other word does."""
    moment = _at("2026-11-27 09:00:00")

    check_windows(_WORK, moment, {"window"}, owner=_OWNER)
    with pytest.raises(PlanRefused):
        check_windows(_WORK, moment, {"windows", "empty"}, owner=_OWNER)
