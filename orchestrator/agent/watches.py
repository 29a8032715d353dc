"""What the loop knows of a repository that it watches: who asks it, when to ask it next, and what it said last."""

from dataclasses import dataclass

from orchestrator.agent.configuration.model import Retry
from orchestrator.agent.decisions.agenda import NEVER
from orchestrator.agent.decisions.backoff import pause_after, spread
from orchestrator.agent.watching import Asker, Sight


@dataclass(slots=True, kw_only=True)
class Watch:
    """A repository, which is being asked, or will be when that is ``due``; ``again`` as soon as it has answered.

    ``doubted`` is what we know while somebody else may have gone on from a newer revision.
    """

    asker: Asker
    due: float
    asking: bool = False
    again: bool = False
    doubted: bool = False
    failures: int = 0
    sight: Sight | None = None

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
