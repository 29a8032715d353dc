"""Whether the agent is alive, and whether it can do its work: what a supervisor asks."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from orchestrator import clock
from orchestrator.agent.events import Event, Looked
from orchestrator.agent.loop import Loop
from orchestrator.agent.serving import Answer

_LONGEST_SILENCE: Final = 60.0
"""How long the loop may be busy with one thing, in seconds, until it counts as stuck."""


@dataclass(slots=True, kw_only=True)
class Wellbeing:
    """What is known of the loop and of the repositories; a listener of the loop that it is about."""

    loop: Loop
    _errors: dict[str, str] = field(default_factory=dict)

    def listen(self, event: Event) -> None:
        """Remember which repositories answered, last."""
        if isinstance(event, Looked):
            self._errors = {**self._errors, event.repository: event.error}

    def healthy(self) -> Answer:
        """Answer whether the loop goes round."""
        silence = clock.lasting() - self.loop.beat
        if silence > _LONGEST_SILENCE:
            text = f"the loop has not moved for {silence:.0f} seconds\n"
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        return Answer(text="ok\n")

    def ready(self) -> Answer:
        """Answer whether every repository answered when it was asked last."""
        names = self.loop.configuration.repositories
        waiting = [f"{name}: not asked yet" for name in names if name not in self._errors]
        wrong = [f"{name}: does not answer" for name, error in self._errors.items() if error]
        if waiting or wrong:
            text = "".join(f"{line}\n" for line in sorted((*waiting, *wrong)))
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        return Answer(text="ok\n")
