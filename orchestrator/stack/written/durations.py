"""Durations as people write them: ``90s``, ``5m``, ``1h30m``."""

import re
from typing import Final

DURATION: Final = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
"""The pattern of a duration."""

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return the seconds that a duration means."""
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))


def written(amount: float) -> str:
    """Return seconds as people write them, such as ``1h30m`` or ``0.5s``."""
    minutes, rest = divmod(amount, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((f"{hours}h", hours), (f"{minutes}m", minutes), (f"{rest:g}s", rest))
    return "".join(text for text, number in parts if number) or "0s"
