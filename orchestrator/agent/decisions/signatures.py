"""Whether a webhook comes from who knows the secret, and comes for the first time. Pure; times come in as numbers.

Each forge signs in its own way: GitHub and Gitea with an HMAC of the body, GitLab with the secret itself, and whoever
else with an HMAC of a time and the body. A forge's own number of a delivery is not signed, so that it says nothing;
but for GitLab's: who can send anything there knows the secret, and could change the body as well.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from orchestrator.agent.configuration.model import HookKind

MOST_AGE: Final = 300.0
"""How old a time may be that is signed too, and how far ahead, in seconds."""

_MOST_REMEMBERED: Final = 10_000
_GITHUB: Final = "x-hub-signature-256"
_GITEA: Final = "x-gitea-signature"
_GITLAB: Final = "x-gitlab-token"
_GITLAB_EVENT: Final = "x-gitlab-event-uuid"
_GENERIC: Final = "x-signature-256"
_GENERIC_TIME: Final = "x-signature-timestamp"


class Refusal(StrEnum):
    """Why a webhook is not taken."""

    UNSIGNED = "it is not signed"
    FORGED = "its signature is not of this secret"
    STALE = "its time is too long ago, or yet to come"
    REPLAYED = "it came before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook as it came; the names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What came before, oldest first, as far back as it is remembered."""

    marks: Mapping[str, None] = field(default_factory=dict)

    def knows(self, mark: str) -> bool:
        """Whether something with that mark came before."""
        return mark in self.marks

    def with_mark(self, mark: str) -> "Remembered":
        """Return what is remembered once that came too."""
        kept = list(self.marks)[-(_MOST_REMEMBERED - 1) :]
        return Remembered(marks=dict.fromkeys([*kept, mark]))


def judged(
    kind: HookKind, secret: bytes, delivery: Delivery, before: Remembered, *, now: float
) -> Refusal | Remembered:
    """Return what is remembered after a webhook that is taken, or why it is not; ``now`` is the time in seconds.

    An empty secret signs nothing. Comparing takes as long for a signature that is nearly right as for any other.
    """
    given = _given(kind, delivery.headers)
    if not given or not secret:
        return Refusal.UNSIGNED
    expected = _expected(kind, secret, delivery)
    if not hmac.compare_digest(given.encode(errors="surrogateescape"), expected):
        return Refusal.FORGED
    if kind is HookKind.GENERIC and not _recent(delivery.headers[_GENERIC_TIME], now):
        return Refusal.STALE
    mark = _mark(kind, secret, delivery)
    return Refusal.REPLAYED if before.knows(mark) else before.with_mark(mark)


def _given(kind: HookKind, headers: Mapping[str, str]) -> str:
    match kind:
        case HookKind.GITHUB:
            return headers.get(_GITHUB, "").removeprefix("sha256=").lower()
        case HookKind.GITEA:
            return headers.get(_GITEA, "").lower()
        case HookKind.GITLAB:
            return headers.get(_GITLAB, "")
        case HookKind.GENERIC:
            timed = headers.get(_GENERIC_TIME, "").isdecimal()
            return headers.get(_GENERIC, "").removeprefix("sha256=").lower() if timed else ""


def _expected(kind: HookKind, secret: bytes, delivery: Delivery) -> bytes:
    return secret if kind is HookKind.GITLAB else _mark(kind, secret, delivery).encode()


def _signed(kind: HookKind, delivery: Delivery) -> bytes:
    if kind is HookKind.GENERIC:
        return delivery.headers[_GENERIC_TIME].encode() + b"." + delivery.body
    if kind is HookKind.GITLAB:  # which may send the same body twice, and mean it
        number = delivery.headers.get(_GITLAB_EVENT, "")
        return number.encode(errors="surrogateescape") + b"." + delivery.body
    return delivery.body


def _mark(kind: HookKind, secret: bytes, delivery: Delivery) -> str:
    """Return what tells a delivery from any other: no two that mean something have the same content."""
    return hmac.new(secret, _signed(kind, delivery), hashlib.sha256).hexdigest()


def _recent(time: str, now: float) -> bool:
    return abs(now - int(time)) <= MOST_AGE
