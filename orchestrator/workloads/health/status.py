"""The answers about health, and reading an object's own status."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from orchestrator.workloads.live import Live, mapping, mappings, text


class Status(StrEnum):
    """What an object's state means for an apply that waits for it."""

    IN_PROGRESS = "in progress"
    CURRENT = "current"
    FAILED = "failed"
    TERMINATING = "terminating"
    NOT_FOUND = "not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An answer with its reason: a short phrase, empty for what is simply current."""

    status: Status
    reason: str = ""


CURRENT: Final = Health(status=Status.CURRENT)
_UNSEEN: Final = "its controller has not seen the latest change yet"


def progress(reason: str) -> Health:
    """Return that an object is on its way."""
    return Health(status=Status.IN_PROGRESS, reason=reason)


def failed(reason: str) -> Health:
    """Return that an object will not become current by waiting."""
    return Health(status=Status.FAILED, reason=reason)


def current_unless(short: str) -> Health:
    """Return that an object is current, or on its way for the reason given."""
    return progress(short) if short else CURRENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of an object's status; ``overtaken`` says so of one that an earlier generation was judged by."""

    kind: str
    status: str
    reason: str
    message: str
    since: datetime | None
    overtaken: str = ""

    @property
    def is_true(self) -> bool:
        """Whether it holds."""
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        """Whether it is known not to hold."""
        return self.status == "False"

    @property
    def text(self) -> str:
        """Return reason and message as one phrase."""
        return ": ".join(filter(None, (self.reason, self.message)))


def condition(live: Live, kind: str) -> Condition | None:
    """Return a condition of an object, or None when it does not tell."""
    for item in mappings(mapping(live, "status"), "conditions"):
        if item.get("type") == kind:
            return _condition(item, live)
    return None


def conditions(live: Live) -> Iterator[Condition]:
    """Return the conditions of an object in its own order."""
    return (_condition(item, live) for item in mappings(mapping(live, "status"), "conditions"))


def last_condition(live: Live) -> str:
    """Return an object's most recent condition as a phrase, or an empty text."""
    found = [item for item in conditions(live) if item.text]
    latest = max(
        found, key=lambda item: item.since.timestamp() if item.since else 0.0, default=None
    )
    return f"{latest.kind} is {latest.status}: {latest.text}" if latest else ""


def unseen(told: str = "") -> Health:
    """Return that an object's status is about what it was before the latest change, with what shows it."""
    return progress(": ".join(filter(None, (_UNSEEN, told))))


def _condition(item: Live, live: Live) -> Condition:
    return Condition(
        kind=text(item, "type"),
        status=text(item, "status"),
        reason=text(item, "reason"),
        message=text(item, "message"),
        since=time(text(item, "lastTransitionTime")),
        overtaken=_overtaken(item, mapping(live, "metadata").get("generation")),
    )


def _overtaken(item: Live, generation: object) -> str:
    observed = item.get("observedGeneration")
    if not isinstance(observed, int) or not isinstance(generation, int) or observed >= generation:
        return ""
    return f"{text(item, 'type')} is of generation {observed}, not of {generation}"


def time(written: str) -> datetime | None:
    """Return the moment that a status tells, or None when it tells none."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
