"""Counting while the loop runs, and answering Prometheus: a listener, and a route."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator import __version__, clock
from orchestrator.agent.events import Began, Event
from orchestrator.agent.loop import Loop
from orchestrator.agent.metrics.exposition import CONTENT_TYPE, Exposition
from orchestrator.agent.metrics.figures import Figures, counted, owned, recalled
from orchestrator.agent.metrics.samples import Glance, Sample, samples
from orchestrator.agent.replicas.share import own
from orchestrator.agent.serving import Answer

Deliveries = Mapping[tuple[str, str], int]


def _nothing() -> Deliveries:
    return {}


@dataclass(kw_only=True)
class Gathering:
    """What a loop's events came to so far. The loop's thread replaces it as a whole, the server's reads it.

    ``deliveries`` returns how much was told outside, by where to and by what came of it.
    """

    loop: Loop
    deliveries: Callable[[], Deliveries] = _nothing
    _figures: Figures = field(default_factory=Figures)

    def listen(self, event: Event) -> None:
        """Count an event."""
        now = clock.now().timestamp()
        figures = counted(self._figures, event, now)
        if isinstance(event, Began):
            figures = recalled(figures, self.loop.verdicts, now)
        self._figures = owned(figures, self.loop.share.goes_on)

    def answer(self) -> Answer:
        """Return all metrics as text."""
        return Answer(text=self._exposition.text(), kind=CONTENT_TYPE)

    @cached_property
    def _exposition(self) -> Exposition:
        return Exposition(self._samples)

    def _samples(self) -> tuple[Sample, ...]:
        loop = self.loop
        glance = Glance(
            name=loop.configuration.name,
            version=__version__,
            workers=loop.configuration.workers,
            agenda=own(loop.agenda, loop.share),
            at=clock.lasting(),
            beat=loop.beat,
            now=clock.now().timestamp(),
            changed=loop.file.changed,
            deliveries=self.deliveries(),
        )
        return samples(owned(self._figures, loop.share.goes_on), glance)
