"""The only reader of the clock; everything else is given its times."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def milliseconds() -> int:
    """Return the present moment in milliseconds since 1970, where two in one second have to be told apart."""
    return time.time_ns() // 1_000_000


def seconds() -> float:
    """Return a monotonic reading in seconds, for durations and deadlines."""
    return time.monotonic()


def lasting() -> float:
    """Return a monotonic reading in seconds that goes on while the machine sleeps, for leases."""
    # Linux stops its monotonic clock in a suspend and has another one; elsewhere that is the one that goes on.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
