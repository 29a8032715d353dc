"""Who holds a locked state and for how long, read from what an engine says of it; pure."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

_FIELD = re.compile(r"^\s*(ID|Operation|Who|Created):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?: \+0000| ?UTC|Z)")
# These backends print what we would have locked it with, since they cannot read what others did.
_HTTP = re.compile(r"already locked: ID=(\S+)")
_POSTGRES = re.compile(
    r"workspace is already locked|already locked for workspace creation", re.IGNORECASE
)
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLock:
    """A lock of a state, as far as its backend tells; ``since`` is None where it does not."""

    id: str = ""
    who: str = ""
    operation: str = ""
    since: datetime | None = None

    def told(self, now: datetime) -> str:
        """Return who has the state, at what and for how long, as the rest of a sentence."""
        if not self.who:
            return "its state is locked by another process"
        doing = f" ({self.operation})" if self.operation else ""
        if self.since is None:
            return f"its state is locked by {self.who}{doing}"
        age = _age((now - self.since).total_seconds())
        return f"its state is locked by {self.who}{doing} since {self.since:%Y-%m-%d %H:%M:%S} UTC, {age}"

    def way_out(self, unit: str) -> str:
        """Return what to do about it."""
        if not self.id:
            return "wait for whoever holds it; the lock goes with that process's connection"
        name = unit.partition(".")[2] or unit
        return (
            "wait for whoever holds it; when that process is dead, free it: "
            f"orchestrator terraform {name} -- force-unlock {self.id}"
        )


def lock_in(text: str) -> StateLock:
    """Return the lock that a message of the engine tells of."""
    if held := _HTTP.search(text):
        return StateLock(id=held[1].rstrip("."))
    fields = dict(_FIELD.findall(text))
    if _POSTGRES.search(text):
        return StateLock()
    return _lock(fields)


def lock_of_file(text: str) -> StateLock:
    """Return the lock that Terraform's file beside a local state tells of."""
    with suppress(ValueError):
        fields = json.loads(text)
        if isinstance(fields, dict):
            return _lock({name: str(value) for name, value in fields.items()})
    return StateLock()


def _lock(fields: Mapping[str, str]) -> StateLock:
    return StateLock(
        id=fields.get("ID", ""),
        who=fields.get("Who", ""),
        operation=fields.get("Operation", "").removeprefix("OperationType").lower(),
        since=_moment(fields.get("Created", "")),
    )


def _moment(text: str) -> datetime | None:
    found = _MOMENT.search(text)
    return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC) if found else None


def _age(seconds: float) -> str:
    """Return how long ago, in the largest unit that fits."""
    whole = max(0, int(seconds))
    name, length = next(
        ((name, length) for name, length in _UNITS if whole >= length), ("second", 1)
    )
    number = whole // length
    return f"{number} {name}{'' if number == 1 else 's'} ago"
