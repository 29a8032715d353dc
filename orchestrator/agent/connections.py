"""The connections of the agent's listener: so many at most, and none for long, as each takes a handle of the agent."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many connections there may be, and after how many seconds one is ended as soon as it is answered."""

    most: int = 200
    seconds: float = 60.0


@dataclass(slots=True, kw_only=True)
class Connections:
    """Makes what serves each connection, and ends it in time; of too many the oldest is ended.

    After twice the seconds one is ended whatever it is at. Whoever is well is answered in a moment, so that he has his
    answer also while somebody else opens as many as he can.
    """

    server: web.Server
    bounds: Bounds
    _since: dict[web.RequestHandler, float] = field(default_factory=dict)

    def __call__(self) -> web.RequestHandler:
        """Return what serves one more connection."""
        self._keep(self.bounds.most - 1)
        return self.server()

    async def look(self) -> None:
        """End what is too old, or too many, for as long as it is not cancelled."""
        seconds = self.bounds.seconds
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, seconds))
            # Those that came at once were not there yet for one another.
            self._keep(self.bounds.most)
            now = asyncio.get_running_loop().time()
            self._since = {each: self._since.get(each, now) for each in self._open()}
            for each, since in self._since.items():
                if now - since > 2 * seconds:
                    _end(each)
                elif now - since > seconds:
                    each.close()

    def _keep(self, most: int) -> None:
        known = self._open()
        for each in known[: max(len(known) - most, 0)]:
            _end(each)

    def _open(self) -> list[web.RequestHandler]:
        """Return those that are open, the oldest first."""
        return [each for each in self.server.connections if each.transport is not None]


def _end(handler: web.RequestHandler) -> None:
    transport = handler.transport
    handler.force_close()
    if transport is not None:
        transport.abort()  # also where the other side takes nothing of what is written
