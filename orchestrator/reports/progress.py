"""Progress as it happens: plain lines for pipes and CI; `terminal.py` has the live tree."""

from collections.abc import Callable
from typing import assert_never

from orchestrator.plans.events import (
    ChangeBegun,
    ChangeDone,
    ChangeRefused,
    Event,
    Notice,
    Outcome,
    PhaseStarted,
    UnitFinished,
    UnitProgress,
    UnitStarted,
)
from orchestrator.plans.report import past


def plain(write: Callable[[str], None]) -> Callable[[Event], None]:
    """Return a listener that writes one line for each event worth one; quiet inside planning."""

    def listen(event: Event) -> None:
        line = plain_line(event)
        if line:
            write(line)

    return listen


def plain_line(event: Event) -> str:
    """Return the line for an event, or an empty text where there is nothing to say."""
    match event:
        case PhaseStarted():
            return f"{event.phase}:" if event.units else ""
        case UnitStarted():
            return f"  {event.unit}: {event.activity}"
        case UnitProgress():
            return f"  {event.unit}: {event.text}"
        case ChangeBegun() | ChangeRefused():
            return ""
        case ChangeDone():
            doing = "waiting for" if event.waiting else past(event.action)
            return f"  {event.unit}: {doing} {event.name}"
        case UnitFinished():
            return f"  {event.unit}: {_ended(event)}"
        case Notice():
            return event.text
        case _:
            assert_never(event)


def _ended(event: UnitFinished) -> str:
    detail = f": {event.detail}" if event.detail else ""
    if event.outcome is Outcome.SKIPPED:
        return f"skipped{detail}"
    return f"{event.outcome.value} in {event.seconds:.1f} s{detail}"
