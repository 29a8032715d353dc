"""Who lives, by what was seen: a record counts from when it was seen to change, by the clock of who looks. Pure.

A replica trusts in its own renewal for shorter (``trusted``) than others wait until they take it for dead, and counts
from before it sent it, where they count from after they saw it. So it has stopped before anybody takes over, as long
as clocks go at about the same pace; what they show does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TRUSTED: Final = 2 / 3
_LOOKS: Final = 5
_FORGOTTEN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a silence makes a replica dead, in seconds, and what follows from that."""

    lease: float = 15.0

    @property
    def trusted(self) -> float:
        """Return how long a replica trusts in its own renewal."""
        return self.lease * _TRUSTED

    @property
    def look(self) -> float:
        """Return how often a replica renews and looks."""
        return self.lease / _LOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A version of a record, and since when it has been seen."""

    version: str
    since: float


Sightings = Mapping[str, Seen]
"""What was seen of each replica's record, by its name."""


def observed(before: Sightings, versions: Mapping[str, str], after: float) -> Sightings:
    """Return what is known once these versions of records were read; ``after`` is a moment after that."""
    return {
        name: seen
        if (seen := before.get(name)) and seen.version == version
        else Seen(version=version, since=after)
        for name, version in versions.items()
    }


def living(sightings: Sightings, before: float, pace: Pace) -> frozenset[str]:
    """Return whose record is not too old; ``before`` is a moment before the records were read."""
    return frozenset(name for name, seen in sightings.items() if before - seen.since < pace.lease)


def forgotten(sightings: Sightings, before: float, pace: Pace) -> frozenset[str]:
    """Return who has been dead for so long that nothing need be known of it."""
    return frozenset(
        name for name, seen in sightings.items() if before - seen.since > _FORGOTTEN * pace.lease
    )
