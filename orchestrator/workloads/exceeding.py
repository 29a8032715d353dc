"""What the server says when a quota has no room for something, and whether it has room now. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from orchestrator.workloads.live import Live, mapping
from orchestrator.workloads.quantities import amount

_EXCEEDED: Final = re.compile(
    r"exceeded quota: (?P<quota>[^,\s]+), requested: (?P<requested>\S+), used: (?P<used>\S+), limited: (?P<limited>\S+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """A quota by its name, and of what it is exceeded by: how much more was asked for, is used, and is allowed.

    What cannot be read as an amount is None.
    """

    quota: str
    requested: Mapping[str, Fraction | None]
    used: Mapping[str, Fraction | None]
    limited: Mapping[str, Fraction | None]


def exceeded(text: str) -> Exceeded | None:
    """Return which quota some words of the server say is exceeded, or None where they say nothing of that."""
    found = _EXCEEDED.search(text)
    if found is None:
        return None
    return Exceeded(
        quota=found["quota"],
        requested=_amounts(found["requested"]),
        used=_amounts(found["used"]),
        limited=_amounts(found["limited"]),
    )


def has_room(quota: Live, refused: Exceeded) -> bool:
    """Whether a quota, as it is meant to be now, has room for what it refused."""
    hard = mapping(mapping(quota, "spec"), "hard")
    used = mapping(mapping(quota, "status"), "used")
    return all(
        wanted is not None and _fits(wanted, amount(used.get(name)), amount(hard[name]))
        for name, wanted in refused.requested.items()
        if name in hard
    )


def _fits(wanted: Fraction, used: Fraction | None, hard: Fraction | None) -> bool:
    return hard is not None and (used or 0) + wanted <= hard


def _amounts(text: str) -> dict[str, Fraction | None]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: amount(value) for name, _, value in pairs}
