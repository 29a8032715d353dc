"""All that tells others outside of what happens: people by channels, forges by statuses of commits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.agent.configuration.model import Configuration
from orchestrator.agent.events import Listener
from orchestrator.agent.notifications.telling import Teller, telling
from orchestrator.agent.statuses.setting import Setter, setting
from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Who tells, each in threads of their own."""

    teller: Teller
    setter: Setter

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Return what has to hear of every event."""
        return (self.teller.listen, self.setter.listen)

    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Return how much was told, by where to and by what came of it."""
        return {**self.teller.deliveries(), **self.setter.deliveries()}


@contextmanager
def telling_outside(configuration: Configuration, settings: Settings) -> Iterator[Outside]:
    """Tell others while the block lasts, and what waits at its end for some seconds."""
    with (
        telling(configuration.name, configuration.channels, settings) as teller,
        setting(configuration) as setter,
    ):
        yield Outside(teller=teller, setter=setter)
