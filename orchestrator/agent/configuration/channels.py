"""Who is told what, as the agent's file has it: plain frozen data. Times are in seconds."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias


class About(StrEnum):
    """What a notification is about."""

    FAILURE = "failure"
    RECOVERY = "recovery"
    DRIFT = "drift"
    APPROVAL = "approval"
    HELD = "held"
    ROLLBACK = "rollback"
    APPLIED = "applied"


class Severity(StrEnum):
    """How much somebody has to do with it."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Return its place, the least first."""
        return list(Severity).index(self)


class Security(StrEnum):
    """How a mail server is spoken to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Where a secret is, that is read each time: a file, or a variable of the environment."""

    file: Path | None = None
    variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """An incoming webhook of Slack, or of what takes the same."""

    url: Hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whoever takes JSON that is signed with a secret."""

    url: Hidden
    secret: Hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail server, and between whom it carries."""

    host: str
    port: int
    security: Security
    sender: str
    receivers: tuple[str, ...]
    username: str = ""
    password: Hidden | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events of Kubernetes in a namespace, about an object of it; ``context`` is of a kubeconfig, or empty."""

    namespace: str
    kind: str
    name: str
    context: str = ""


Target: TypeAlias = Slack | Webhook | Mail | Events


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where is told what: of the stacks that fit ``stacks``, what is of one of ``about`` and severe enough.

    What still stands is told again after ``repeat`` seconds, None for never; ``most`` is how much is told in an hour.
    """

    name: str
    target: Target
    about: frozenset[About]
    severity: Severity = Severity.INFO
    stacks: tuple[str, ...] = ("*",)
    repeat: float | None = 24 * 3600.0
    most: int = 60
