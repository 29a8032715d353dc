"""The values that a plan shows: JSON, or a mark that stands for what cannot or must not be shown."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from orchestrator.stack.model import Json


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no value: the field is added or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A value known only after an apply; ``sources`` are the references it waits for, sorted, if any.

    Without sources it is a value that the provider or the server will choose.
    """

    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the words that people know from Terraform."""
        waits = f": {', '.join(self.sources)}" if self.sources else ""
        return f"(known after apply{waits})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A secret; the fingerprint makes two secrets comparable and is never shown, stored or sent."""

    fingerprint: str = field(repr=False)

    def __str__(self) -> str:
        """Return the words shown in its place."""
        return "(sensitive)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A value from which a secret was taken out that nobody marked there; the fingerprint is of the whole.

    It tells two values apart that differ in their secrets alone, and is never shown, stored or sent.
    """

    value: Json
    fingerprint: str = field(repr=False)


ABSENT: Final = Absent()

Value: TypeAlias = "Absent | Unknown | Masked | Redacted | Json"


def masked(value: Json) -> Masked:
    """Return the mark that stands for the secret ``value``."""
    return Masked(fingerprint=fingerprint(value))


def fingerprint(value: Json) -> str:
    """Return a hash of a value; one of a short secret gives it away to who tries them all."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
