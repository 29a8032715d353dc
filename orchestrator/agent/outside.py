"""All that tells others outside of what happens: people by channels, forges by statuses of commits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.events import Began, Event, Listener
from orchestrator.agent.loop import Loop
from orchestrator.agent.notifications.telling import Teller, telling
from orchestrator.agent.statuses.setting import Setter, setting
from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Who tells, each in threads of their own."""

    loop: Loop
    teller: Teller
    setter: Setter

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Return what has to hear of every event."""
        return (self._begin, self.teller.listen, self.setter.listen)

    def _begin(self, event: Event) -> None:
        if isinstance(event, Began):
            self.teller.recall(self.loop.verdicts)
            self.setter.recall(self.loop.verdicts)

    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Return how much was told, by where to and by what came of it."""
        return {**self.teller.deliveries(), **self.setter.deliveries()}


@contextmanager
def telling_outside(loop: Loop, settings: Settings) -> Iterator[Outside]:
    """Tell others of a loop while the block lasts, and what waits at its end for some seconds.

    ``settings`` have the secrets that the loop's own are without.
    """
    told = loop.configuration

    def tells(key: Key) -> bool:  # what is shared changes
        return loop.share.tells(key)

    with (
        telling(told.name, told.channels, settings, tells=tells) as teller,
        setting(told) as setter,
    ):
        yield Outside(loop=loop, teller=teller, setter=setter)
