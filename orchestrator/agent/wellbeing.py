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

_CHANGED: Final = "the agent's file was changed: start it anew"


@dataclass(slots=True, kw_only=True)
class Wellbeing:
    """What is known of the loop and of the repositories; a listener of the loop that it is about."""

    loop: Loop
    _last: dict[str, Looked] = field(default_factory=dict)

    def listen(self, event: Event) -> None:
        """Remember what became of the last question to each repository."""
        if isinstance(event, Looked):
            self._last = {**self._last, event.repository: event}

    def healthy(self) -> Answer:
        """Answer whether the loop goes round."""
        silence = clock.lasting() - self.loop.beat
        if silence > _LONGEST_SILENCE:
            text = f"the loop has not moved for {silence:.0f} seconds\n"
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        return Answer(text="ok\n")

    def ready(self) -> Answer:
        """Answer whether any repository answered when it was asked last, and which ones are in trouble.

        One that does not is no reason to take webhooks of the others from this process, or to hold up a rollout. That
        its file was changed is told here as well.
        """
        last = self._last
        reached = any(each.reached for each in last.values())
        lines = [
            f"{name}: {_trouble(last.get(name))}"
            for name in sorted(self.loop.configuration.repositories)
            if name not in last or last[name].error
        ]
        lines += [_CHANGED] if self.loop.file.changed else []
        text = "".join(f"{line}\n" for line in (["ok", *lines] if reached else lines))
        return Answer(
            status=HTTPStatus.OK if reached else HTTPStatus.SERVICE_UNAVAILABLE, text=text
        )


def _trouble(last: Looked | None) -> str:
    if last is None:
        return "not asked yet"
    return "has no such branch" if last.reached else "does not answer"
