"""The only reader of the clock; everything else is given its times."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def seconds() -> float:
    """Return a monotonic reading in seconds, for durations and deadlines."""
    return time.monotonic()
