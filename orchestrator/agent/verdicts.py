"""What a child says when it ends: what came of a task, in the one JSON document that it writes."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Final

_LONGEST: Final = 2_000
_LEFT_OUT: Final = "\n…\n"


class End(StrEnum):
    """How a task ended."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DESTROYED = "destroyed"
    DRIFTED = "drifted"
    HELD = "held"
    SUSPENDED = "suspended"
    LOCKED = "locked"
    OVERTAKEN = "overtaken"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Waits(StrEnum):
    """What a plan that is held waits for."""

    APPROVAL = "approval"
    WINDOW = "window"
    PERSON = "person"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a task ended, and what there is to tell of it; all texts are redacted.

    ``message`` says it in a sentence, ``hint`` what to do, ``detail`` more. ``revision`` is what was applied or tried,
    ``digest`` the plan's, ``entry`` the ledger's. ``done`` counts in words what was done, or would be. ``drift`` is how
    many things others had changed, ``restores`` the revision that was gone back to. ``waits`` says what a plan that is
    held waits for, and ``again`` in how many seconds to look again, where that is known.
    """

    end: End
    message: str = ""
    hint: str = ""
    detail: str = ""
    revision: str = ""
    digest: str = ""
    entry: str = ""
    done: str = ""
    drift: int = 0
    restores: str = ""
    waits: Waits | None = None
    again: float | None = None

    @property
    def well(self) -> bool:
        """Whether the stack is as Git wants it now, as far as the agent may bring that about."""
        return self.end in {End.APPLIED, End.UNCHANGED, End.DESTROYED, End.DRIFTED}

    def redacted(self, redact: Callable[[str], str]) -> "Verdict":
        """Return it with its sentences redacted, and a detail within bounds where that says more than the message."""
        message, detail = redact(self.message), redact(self.detail).strip()
        return replace(
            self,
            message=message,
            hint=redact(self.hint),
            detail="" if detail in message else bounded(detail),
            done=redact(self.done),
        )


def bounded(text: str) -> str:
    """Return a text with its middle left out where it is long: how it begins and how it ends tell the most."""
    if len(text) <= _LONGEST:
        return text
    half = (_LONGEST - len(_LEFT_OUT)) // 2
    return f"{text[:half]}{_LEFT_OUT}{text[-half:]}"


def encode(verdict: Verdict) -> str:
    """Return a verdict as a line of JSON."""
    return json.dumps({"format": 1, **asdict(verdict)}, sort_keys=True) + "\n"


def decode(text: str) -> Verdict | None:
    """Return the verdict that a text holds, None when it holds none."""
    try:
        found = json.loads(text)
        known = {field.name: found[field.name] for field in fields(Verdict)}
        waits = Waits(known.pop("waits")) if known["waits"] else known.pop("waits")
        return Verdict(**{**known, "end": End(known["end"]), "waits": waits})
    except (ValueError, TypeError, KeyError):
        return None
