"""How a stack stands at a commit, as a forge shows it beside the commit. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.agent import events
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.verdicts import End, Verdict, Waits
from orchestrator.forges.forge import State, Status

_MOST_REMEMBERED: Final = 5_000
_WAITS: Final = {
    Waits.APPROVAL: "waits for an approval",
    Waits.WINDOW: "waits for its window",
    Waits.PERSON: "waits for a person",
    Waits.COMMIT: "failed, and waits for a newer commit",
}
_PENDING: Final = {
    End.SUSPENDED: "suspended",
    End.LOCKED: "waits, since somebody else has the stack",
    End.INTERRUPTED: "interrupted, to be gone on with",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A status of a commit."""

    repository: str
    commit: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Which standing of each name is shown, so that none is set twice."""

    standings: Mapping[tuple[str, str], Standing] = field(default_factory=dict)


def standing(shown: Shown, event: events.Event) -> tuple[Shown, Standing | None]:
    """Return what is shown after an event, and what is to be set for that, None for nothing."""
    found = _standing(event)
    if found is None or not found.commit:
        return shown, None
    place = (found.repository, found.status.name)
    before = shown.standings.get(place)
    again = isinstance(event, events.Started) and before and before.commit == found.commit
    if again or before == found:
        return shown, None
    others = [each for each in shown.standings.items() if each[0] != place]
    return replace(shown, standings=dict([*others, (place, found)][-_MOST_REMEMBERED:])), found


def _standing(event: events.Event) -> Standing | None:
    match event:
        case events.Started() if event.task is Task.RECONCILE:
            return _at(event.key, event.revision, State.PENDING, "being brought about")
        case events.Unreadable():
            return _at(event.key, event.revision, State.FAILURE, event.error)
        case events.Ended() if event.task is not Task.DESTROY:
            state, said = _ended(event.verdict)
            return _at(event.key, event.verdict.revision, state, said)
        case _:
            return None


def _ended(verdict: Verdict) -> tuple[State, str]:
    match verdict.end:
        case End.APPLIED | End.UNCHANGED | End.DESTROYED:
            return State.SUCCESS, "applied"
        case End.DRIFTED:
            return State.SUCCESS, "applied, and has drifted since"
        case End.HELD:
            failed = verdict.waits is Waits.COMMIT
            said = _WAITS[verdict.waits or Waits.PERSON]
            return State.FAILURE if failed else State.PENDING, said
        case End.OVERTAKEN:
            return State.FAILURE, "overtaken by a newer commit"
        case End.FAILED:
            return State.FAILURE, verdict.message or "failed"
        case other:
            return State.PENDING, _PENDING[other]


def _at(key: Key, commit: str, state: State, said: str) -> Standing:
    stack = f"{key.stack}/{key.environment}" if key.environment else key.stack
    status = Status(name=f"orchestrator-agent: {stack}", state=state, description=said)
    return Standing(repository=key.repository, commit=commit, status=status)
