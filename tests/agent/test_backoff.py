"""How long is waited: never too long, later with each failure, and not all at once."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.decisions.backoff import pause_after, spread

LOTS = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), st.floats(0.1, 60), st.floats(60, 3600), LOTS)
def test_a_pause_is_within_its_bounds(failures: int, first: float, most: float, lot: float) -> None:
    """However often something fails, it is tried again, not at once and not later than was said."""
    pause = pause_after(failures, first=first, most=most, lot=lot)
    assert first / 2 <= pause <= most


@given(st.integers(1, 100), LOTS)
def test_a_pause_does_not_shrink(failures: int, lot: float) -> None:
    """With the same lot each further failure waits at least as long."""
    before, after = (
        pause_after(each, first=15, most=900, lot=lot) for each in (failures, failures + 1)
    )
    assert before <= after


def test_a_pause_doubles() -> None:
    """Fifteen seconds, half a minute, a minute."""
    assert [pause_after(each, first=15, most=900, lot=0) for each in (1, 2, 3, 20)] == [
        15,
        30,
        60,
        900,
    ]


@given(st.floats(0.1, 1e5), LOTS)
def test_an_interval_is_spread(interval: float, lot: float) -> None:
    """What is asked at intervals is not asked in step: a fifth sooner or later."""
    assert 0.79 * interval <= spread(interval, lot) <= 1.21 * interval
