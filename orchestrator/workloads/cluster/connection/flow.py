"""How many requests are under way at once: fewer as soon as the server says that it has too many.

A bounded number is the fastest, too: beyond it, requests only wait in the server instead of here.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from orchestrator import clock

MOST: Final = 24
_ONCE_IN_SECONDS: Final = 0.2  # what was sent together is refused together: that counts once
_CAREFUL_SECONDS: Final = 5.0  # after a refusal, before more are sent again


class Flow:
    """A limit on requests under way; halved when the server asks for less, and let grow while it does not."""

    def __init__(self) -> None:
        """Begin with the most."""
        self._limit = float(MOST)
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._reduced_at = float("-inf")

    @property
    def limit(self) -> int:
        """Return how many requests may be under way now."""
        return int(self._limit)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while a request is under way."""
        while self._running >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._wake()  # the turn may have come at the same moment: somebody else takes it
                raise
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._wake()

    def too_many(self) -> None:
        """Send fewer from now on: the server has said that it has too many requests."""
        if clock.seconds() - self._reduced_at >= _ONCE_IN_SECONDS:
            self._reduced_at = clock.seconds()
            self._limit = max(1.0, self._limit / 2)

    def accepted(self) -> None:
        """Send a little more: the server has answered, and refused nothing for a while."""
        if self._limit < MOST and clock.seconds() - self._reduced_at >= _CAREFUL_SECONDS:
            self._limit = min(float(MOST), self._limit + 1 / self._limit)

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
