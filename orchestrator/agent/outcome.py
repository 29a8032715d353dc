"""What a run of the agent that ends by itself ends with."""

from dataclasses import dataclass, field
from typing import Final

from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.events import Ended, Event, Looked, Surveyed, Unreadable
from orchestrator.agent.verdicts import End
from orchestrator.errors import Interrupted

FAILED: Final = 1
WAITS: Final = 3
"""What it ends with when something waits for a person, as ``plan --fail-on`` does."""


@dataclass(slots=True)
class Outcome:
    """How it went with each stack and repository, last."""

    _ends: dict[Key, End] = field(default_factory=dict)

    def listen(self, event: Event) -> None:
        """Remember how something ended."""
        match event:
            case Ended():
                self._ends[event.key] = event.verdict.end
            case Looked() | Surveyed():
                end = End.FAILED if event.error else End.UNCHANGED
                self._ends[Key(repository=event.repository)] = end
            case Unreadable():
                self._ends[event.key] = End.FAILED
            case _:
                return

    def exit_code(self, *, interrupted: bool) -> int:
        """Return 0 when all is as Git wants it, or is suspended; else what is worst of it."""
        ends = set(self._ends.values())
        if interrupted:
            return Interrupted.exit_code
        if ends & {End.FAILED, End.LOCKED, End.INTERRUPTED, End.OVERTAKEN}:
            return FAILED
        return WAITS if ends & {End.HELD, End.DRIFTED} else 0
