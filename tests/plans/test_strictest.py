"""Guards of two ledgers as one set: nothing passes that either would have stopped."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plans.loosening import loosened
from orchestrator.plans.strictest import strictest_of, tightened, windows_go_together
from orchestrator.stack.policies import Guards, Window, Windows

_MORNINGS = Window(cron="0 9 * * *", seconds=3600.0)
_MONDAYS = Window(cron="0 9 * * mon", seconds=3600.0)
_WINDOWS = st.lists(st.sampled_from([_MORNINGS, _MONDAYS]), unique=True).map(tuple)
_GUARDS = st.builds(
    Guards,
    prune=st.sampled_from([10, 50]),
    at_least=st.sampled_from([1, 10]),
    destroys=st.sampled_from([None, 0, 3]),
    empty=st.booleans(),
    approvals=st.sampled_from([0, 1, 2]),
    own_approvals=st.booleans(),
    windows=st.builds(
        Windows,
        zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        allow=_WINDOWS,
        freeze=_WINDOWS,
    ),
)


@given(older=_GUARDS, newer=_GUARDS)
def test_nothing_passes_that_either_stops(older: Guards, newer: Guards) -> None:
    """Whatever the two are; only windows that cannot be said together are the newer ones, and that can be told."""
    both = strictest_of(older, newer)
    assert loosened(newer, both) == ()
    told = [each.guard for each in loosened(older, both)]
    assert told == [] if windows_go_together(older, newer) else {*told} <= {"windows"}
    assert strictest_of(both, both) == both


@pytest.mark.parametrize(
    "other",
    [
        Windows(zone="Europe/Berlin", allow=(_MORNINGS,)),
        Windows(zone="UTC", allow=(_MONDAYS,)),
    ],
)
def test_windows_that_no_one_set_can_say(other: Windows) -> None:
    """Windows in two time zones, or in which there is no common time as far as one can tell."""
    guards = Guards(windows=Windows(allow=(_MORNINGS,)))
    newer = replace(guards, windows=other)
    assert not windows_go_together(guards, newer)
    assert strictest_of(guards, newer).windows == other


@given(before=_GUARDS, now=_GUARDS)
def test_guards_that_a_run_begins_with_only_tighten(before: Guards, now: Guards) -> None:
    """Nothing is looser than it was, and but for windows all that is stricter holds; the first hold as they are."""
    after = tightened(before, now) or before
    assert loosened(before, after) == ()
    assert {each.guard for each in loosened(now, after)} <= {"windows"}
    assert tightened(after, now) is None
    assert tightened(None, now) == now
