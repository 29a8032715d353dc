"""Watching a lock: what proves that its holder is dead, as far as one process can see it."""

from collections.abc import Callable

from orchestrator import clock
from orchestrator.ledger.holder import GRACE, Hold, Holder
from orchestrator.stack.written.durations import written


class Watch:
    """What one process sees of a lock over time, measured by its own clock alone.

    The moments that holders write are by clocks of other machines, which may be wrong by any amount; so they
    are shown, and prove nothing. What counts is how long the same heartbeat was there to be seen.
    """

    def __init__(
        self, *, is_dead: Callable[[Holder], bool], seconds: Callable[[], float] = clock.lasting
    ) -> None:
        """Begin; ``is_dead`` says of a holder that its process has ended for certain."""
        self._is_dead = is_dead
        self._seconds = seconds
        self._mark = ""
        self._seen = 0.0

    def proof(self, hold: Hold) -> str:
        """Take a look and return what proves that the holder is dead, for the end of a sentence; or nothing."""
        if self._is_dead(hold.holder):
            return "whose process has ended"
        silence = self._silence(hold)
        lease = hold.holder.lease
        if not lease or silence < lease * GRACE:
            return ""
        return (
            f"which gave no heartbeat for {written(round(silence))}; its lease is {written(lease)}"
        )

    def remaining(self, hold: Hold) -> float | None:
        """Return how many seconds of silence are missing to a proof; None for a holder without heartbeats."""
        lease = hold.holder.lease
        return max(0.0, lease * GRACE - self._silence(hold)) if lease else None

    def _silence(self, hold: Hold) -> float:
        if hold.mark != self._mark:
            self._mark, self._seen = hold.mark, self._seconds()
        return self._seconds() - self._seen
