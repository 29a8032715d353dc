"""What the loop knows of the repositories that it watches: who asks each, when to ask it next, what it said last."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from orchestrator.agent.configuration.model import Configuration, Retry
from orchestrator.agent.decisions.agenda import NEVER
from orchestrator.agent.decisions.backoff import pause_after, spread
from orchestrator.agent.decisions.revisions import Ledgers
from orchestrator.agent.watching import Asker, Sight
from orchestrator.processes import Stop
from orchestrator.settings import Settings


@dataclass(slots=True, kw_only=True)
class Watch:
    """A repository, which is being asked, or will be when that is ``due``; ``again`` as soon as it has answered.

    ``doubted`` is what we know while somebody else may have gone on from a newer revision. ``ledgers`` are those that
    it told of last, be it that it was silent since; None before it told of any.
    """

    asker: Asker
    due: float
    asking: bool = False
    again: bool = False
    doubted: bool = False
    failures: int = 0
    sight: Sight | None = None
    ledgers: Ledgers | None = None

    @property
    def known(self) -> bool:
        """Whether it was asked, and what is known of it may be worked with."""
        return self.sight is not None and not self.doubted

    def ask(self) -> None:
        """Note that it is being asked."""
        self.asking, self.due = True, NEVER

    def told(self, now: float) -> None:
        """Ask at once: it may have moved."""
        self.again = self.asking  # what is being asked may be answered from before
        self.due = now if not self.asking else NEVER

    def doubt(self, now: float) -> None:
        """Work with nothing that is known until it was asked anew."""
        self.doubted = True
        self.told(now)

    def answered(self, sight: Sight, now: float, *, poll: float, retry: Retry, lot: float) -> None:
        """Take in what it said, or that it did not, and when to ask it next."""
        self.asking = False
        self.failures = self.failures + 1 if sight.error else 0
        pause = poll
        if sight.error:
            first = min(retry.first, poll)
            pause = pause_after(self.failures, first=first, most=max(poll, first), lot=lot)
        self.due = now if self.again else now + spread(pause, lot)
        self.doubted = self.doubted and (self.again or bool(sight.error))
        self.again, self.sight = False, sight
        self.ledgers = self.ledgers if sight.error else sight.ledgers


@dataclass(frozen=True, slots=True, kw_only=True)
class Watches:
    """All of them, by the names of the repositories."""

    each: Mapping[str, Watch]

    @property
    def known(self) -> frozenset[str]:
        """Return which ones were asked, and what is known of them may be worked with."""
        return frozenset(name for name, watch in self.each.items() if watch.known)

    @property
    def answered(self) -> bool:
        """Whether all were asked, and none is being asked."""
        return all(watch.sight is not None and not watch.asking for watch in self.each.values())

    @property
    def due(self) -> float:
        """Return when the next one is to be asked."""
        return min((watch.due for watch in self.each.values()), default=NEVER)

    def ask(
        self, askers: Executor, now: float, *, stop: Stop, answer: Callable[[Sight], None]
    ) -> None:
        """Have those asked where they stand whose time has come."""
        for watch in self.each.values():
            if watch.asking or watch.due > now:
                continue
            watch.ask()
            asked = askers.submit(watch.asker.look, stop)
            asked.add_done_callback(lambda done: answer(done.result()))

    def told(self, repository: str, now: float) -> None:
        """Ask one at once, if it is watched: a replica may be told of others."""
        if watch := self.each.get(repository):
            watch.told(now)

    def doubt(self, now: float) -> None:
        """Work with nothing that is known of any until it was asked anew."""
        for watch in self.each.values():
            watch.doubt(now)


def watches_of(configuration: Configuration, settings: Settings, now: float) -> Watches:
    """Return those of an agent that has asked nobody yet."""
    return Watches(
        each={
            repository.name: Watch(
                asker=Asker(configuration=configuration, repository=repository, settings=settings),
                due=now,
            )
            for repository in configuration.repositories.values()
        }
    )
