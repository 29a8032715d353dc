"""How often the same complaint is logged that anybody who reaches the port can bring about. Pure; times in seconds."""

from dataclasses import dataclass
from typing import Final

_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """When a complaint was logged last, and how many came since that were not."""

    at: float
    unsaid: int = 0


def complained(before: Quiet | None, now: float) -> tuple[Quiet, int | None]:
    """Return what is remembered after a complaint, and how many were left out before it; None leaves it out too."""
    if before is not None and now - before.at < _PAUSE:
        return Quiet(at=before.at, unsaid=before.unsaid + 1), None
    return Quiet(at=now), before.unsaid if before else 0
