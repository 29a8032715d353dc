"""How long a server that is in trouble is asked again, and what people are told meanwhile."""

from collections.abc import Callable
from typing import Final

from orchestrator import clock

PATIENCE_SECONDS: Final = 60.0
"""How long a server that answered before may be away or busy: a restart of a control plane takes less."""

BEHIND_SECONDS: Final = 30.0
"""The same for what stands behind a server, such as a webhook, each of whose silences takes seconds itself."""

_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_TELL_AFTER_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 10.0  # without a failure: the next one is another outage


class Trouble:
    """What one request went through: for how long it has failed, and when it is sent again."""

    def __init__(self) -> None:
        """Begin without any."""
        self._since = clock.seconds()
        self._delay = _FIRST_DELAY

    def left(self, patience: float = PATIENCE_SECONDS) -> float:
        """Return the seconds for which it may still be sent again, zero or less when that is over."""
        return patience - (clock.seconds() - self._since)

    def pause(self, asked_for: float = 0.0) -> float:
        """Return the seconds to wait now: twice as long each time, as long as the server asks, within limits."""
        pause = min(max(asked_for, self._delay), max(self.left(), 0.0))
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        return pause


class Outage:
    """A time in which requests to one server fail; people are told once, if it is more than a moment."""

    def __init__(self, title: str, tell: Callable[[str], None]) -> None:
        """Name the server by ``title``; ``tell`` is called from the thread that sends."""
        self._title = title
        self._tell = tell
        self._since = self._last = float("-inf")
        self._told = False

    def goes_on(self, problem: str) -> None:
        """Say that a request failed in a way that may pass."""
        now = clock.seconds()
        if now - self._last > _QUIET_SECONDS:
            self._since, self._told = now, False
        self._last = now
        if not self._told and now - self._since >= _TELL_AFTER_SECONDS:
            self._told = True
            self._tell(f"{self._title}: {problem}; trying again for up to {PATIENCE_SECONDS:.0f} s")
