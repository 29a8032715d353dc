"""What a run of the agent that ends by itself ends with."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from orchestrator.agent.events import Event, Looked
from orchestrator.agent.verdicts import End
from orchestrator.errors import Interrupted

FAILED: Final = 1
WAITS: Final = 3
"""What it ends with when something waits for a person, as ``plan --fail-on`` does."""

_BAD: Final = frozenset({End.FAILED, End.LOCKED, End.INTERRUPTED, End.OVERTAKEN})
_WAITING: Final = frozenset({End.HELD, End.DRIFTED})


@dataclass(slots=True)
class Outcome:
    """Which repositories did not answer when they were asked last."""

    _silent: dict[str, bool] = field(default_factory=dict)

    def listen(self, event: Event) -> None:
        """Remember whether a repository answered."""
        if isinstance(event, Looked):
            self._silent[event.repository] = bool(event.error)

    def exit_code(self, ends: Collection[End], *, interrupted: bool) -> int:
        """Return 0 when all is as Git wants it, or is suspended; else what is worst.

        ``ends`` are the last ones of all stacks and repositories, also of those that were not due.
        """
        if interrupted:
            return Interrupted.exit_code
        if any(self._silent.values()) or not _BAD.isdisjoint(ends):
            return FAILED
        return WAITS if not _WAITING.isdisjoint(ends) else 0
