"""How long to wait: after a failure, and between two looks. Pure; chance comes in as a number."""

from typing import Final

_JITTER: Final = 0.2


def pause_after(failures: int, *, first: float, most: float, lot: float) -> float:
    """Return how many seconds to wait after so many failures in a row.

    It doubles with each, up to ``most``; a ``lot`` in [0, 1) takes up to half of it away, so that what failed at
    the same time, such as all stacks of a cluster that was away, does not come back at the same time.
    """
    doubled = first * 2.0 ** min(max(failures - 1, 0), 60)
    return min(doubled, most) * (1.0 - lot / 2)


def spread(interval: float, lot: float) -> float:
    """Return an interval, a fifth longer or shorter at most, by a ``lot`` in [0, 1)."""
    return interval * (1.0 - _JITTER + 2 * _JITTER * lot)
