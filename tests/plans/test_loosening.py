"""A commit that makes a guard weaker is held by what was applied, until it was applied itself."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import PlanRefused
from orchestrator.plans.digest import digest
from orchestrator.plans.loosening import held_from_before, in_force, loosened
from orchestrator.stack.policies import Guards, Window, Windows
from tests.plans.builders import plan

_WORKDAYS = Window(cron="0 9 * * mon-fri", seconds=8 * 3600)
_MONDAYS = Window(cron="0 9 * * mon", seconds=8 * 3600)
_HOLIDAYS = Window(cron="0 0 20 12 *", seconds=14 * 24 * 3600)
_ALLOWED = Windows(zone="Europe/Berlin", allow=(_WORKDAYS, _MONDAYS), freeze=(_HOLIDAYS,))
_STRICT = Guards(prune=20, at_least=1, destroys=5, approvals=2, windows=_ALLOWED)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"prune": 30}, "guards.prune: 20% → 30%"),
        ({"prune": 20, "at_least": 10}, "guards.prune: 20% → 20%, 10 objects or more"),
        ({"destroys": 6}, "guards.destroys: 5 → 6"),
        ({"destroys": None}, "guards.destroys: 5 → any number"),
        ({"empty": True}, "guards.empty: false → true"),
        ({"approvals": 1}, "guards.approvals: 2 → 1"),
        ({"own_approvals": True}, "guards.own_approvals: false → true"),
        (
            {"windows": Windows()},
            (
                "guards.windows: allow '0 9 * * mon-fri' for 8h, allow '0 9 * * mon' for 8h,"
                " freeze '0 0 20 12 *' for 336h (Europe/Berlin) → at any time"
            ),
        ),
    ],
)
def test_what_lets_more_pass_is_told(now: dict[str, Any], told: str) -> None:
    """Each guard with both values, as people write them."""
    assert [*map(str, loosened(_STRICT, replace(_STRICT, **now)))] == [told]


@pytest.mark.parametrize(
    "now",
    [
        {"prune": 10},
        {"destroys": 0},
        {"approvals": 3},
        {"windows": replace(_ALLOWED, allow=(_MONDAYS,))},
        {"windows": replace(_ALLOWED, freeze=(_HOLIDAYS, _WORKDAYS))},
    ],
)
def test_what_lets_less_pass_holds_at_once(now: dict[str, Any]) -> None:
    """A stricter guard needs no apply before it, and is the only one then."""
    stricter = replace(_STRICT, **now)
    assert loosened(_STRICT, stricter) == ()
    assert in_force(_STRICT, stricter, ()) == (stricter,)


@pytest.mark.parametrize(
    "now",
    [
        replace(_ALLOWED, zone="UTC"),
        replace(_ALLOWED, allow=()),
        replace(_ALLOWED, allow=(*_ALLOWED.allow, _HOLIDAYS)),
        replace(_ALLOWED, freeze=()),
        replace(_ALLOWED, freeze=(replace(_HOLIDAYS, seconds=1.0),)),
    ],
)
def test_windows_are_loosened_when_they_may_be(now: Windows) -> None:
    """What nobody can tell to be as strict counts as looser: another zone or another time."""
    (found,) = loosened(_STRICT, replace(_STRICT, windows=now))
    assert found.guard == "windows"


def test_windows_where_there_were_none() -> None:
    """They can only be stricter, in whatever zone."""
    assert loosened(Guards(), Guards(windows=_ALLOWED)) == ()


def test_both_hold_until_the_looser_ones_were_applied() -> None:
    """Unless somebody names that, or nothing was applied yet: there is nothing to hold to then."""
    loose = replace(_STRICT, approvals=0)
    assert in_force(_STRICT, loose, ()) == (loose, _STRICT)
    assert in_force(_STRICT, loose, ("unapproved",)) == (loose, _STRICT)
    assert in_force(_STRICT, loose, ("guards",)) == (loose,)
    assert in_force(None, loose, ()) == (loose,)


def test_the_number_of_approvals_says_nothing_where_there_were_none() -> None:
    """Whose approvals count is no guard as long as nobody has to approve."""
    assert loosened(Guards(), Guards(own_approvals=True)) == ()


def test_a_refusal_says_whose_guards_it_comes_from() -> None:
    """The way out is to apply the looser guards first, or to name it; what the refusal said itself stays."""
    refusal = PlanRefused("too much", hint="if that is meant, say so", detail="a\nb")
    told = held_from_before(refusal)
    assert told.message == "too much; these guards hold since before this commit"
    assert told.hint.startswith("if that is meant, say so; the commit's own `guards` would")
    assert told.hint.endswith("or pass --acknowledge guards")
    assert told.detail == "a\nb"


def test_loosening_is_a_change_of_its_own() -> None:
    """It is approved with everything else, and a plan of nothing else has something to do."""
    found = loosened(_STRICT, replace(_STRICT, approvals=1))
    alone = plan(loosened=found)
    assert alone.effective
    assert digest(alone) != digest(plan())
    assert digest(alone) != digest(plan(loosened=loosened(_STRICT, replace(_STRICT, approvals=0))))
