"""Samples, limits and rows, and how they are taken: in turns, after a round that does not count."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median

_ROUNDS_IN_ANY_CASE = 4  # one of them may be there to warm up


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a benchmark is given: how many rounds to take, and an empty directory of its own."""

    rounds: int
    directory: Path


class Unit(StrEnum):
    """What samples count."""

    SECONDS = "s"
    MEGABYTES = "MB"
    REQUESTS = "requests"
    FAILURES = "failures"
    PERCENT = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a median may be at most: ``ratio`` times the raw tools' median plus ``plus``, and ``most`` in any case.

    At least one of ``ratio`` and ``most`` is given; numbers are in the unit of the row.
    """

    ratio: float | None = None
    plus: float = 0.0
    most: float | None = None

    def allowed(self, raw: float | None) -> float:
        """Return what is allowed beside raw tools whose median is ``raw``."""
        bounds = [] if self.most is None else [self.most]
        if self.ratio is not None and raw is not None:
            bounds.append(self.ratio * raw + self.plus)
        return min(bounds)

    def text(self, unit: Unit) -> str:
        """Return the limit as a formula."""
        parts = []
        if self.ratio is not None:
            more = f" + {self.plus:g} {unit}" if self.plus else ""
            parts.append(f"{_factor(self.ratio)} x raw{more}")
        if self.most is not None:
            parts.append(f"{self.most:g} {unit}")
        return " and ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison; samples are in ``unit``, times by the clock on the wall.

    ``raw_name`` says what was run instead of ours; both it and ``raw`` are empty where there is nothing to
    compare with. ``explain`` tells where the time goes, a line each; it is asked only when the limit was missed.
    """

    name: str
    ours: tuple[float, ...]
    limit: Limit
    explain: Callable[[], tuple[str, ...]]
    raw: tuple[float, ...] = ()
    raw_name: str = ""
    unit: Unit = Unit.SECONDS

    @property
    def median(self) -> float:
        """Return the median of ours."""
        return median(self.ours)

    @property
    def raw_median(self) -> float | None:
        """Return the median of the raw tools, or None where there are none."""
        return median(self.raw) if self.raw else None

    @property
    def ratio(self) -> float | None:
        """Return how many times the raw tools' median ours is; None where they have none, or one of nothing."""
        return self.median / self.raw_median if self.raw_median else None

    @property
    def allowed(self) -> float:
        """Return what the limit allows in this run."""
        return self.limit.allowed(self.raw_median)

    @property
    def met(self) -> bool:
        """Whether the limit was kept."""
        return self.median <= self.allowed


def take_turns(
    rounds: int, *contestants: Callable[[], object], within: float = math.inf
) -> tuple[tuple[float, ...], ...]:
    """Return the samples of each contestant; a busy machine slows all of them alike, since they alternate.

    After ``within`` seconds no further round begins, once there are three.
    """
    samples: tuple[list[float], ...] = tuple([] for _ in contestants)
    for number in rounds_within(within, rounds + 1):
        for contestant, taken in zip(contestants, samples, strict=True):
            began = time.perf_counter()
            contestant()
            if number:  # the first round fills caches
                taken.append(time.perf_counter() - began)
    return tuple(tuple(taken) for taken in samples)


def rounds_within(seconds: float, rounds: int) -> Iterator[int]:
    """Yield the numbers of rounds, until so many seconds have passed; the first four in any case."""
    began = time.perf_counter()
    for number in range(rounds):
        if number < _ROUNDS_IN_ANY_CASE or time.perf_counter() - began < seconds:
            yield number


def _factor(ratio: float) -> str:
    """Return a ratio below one as the fraction that it is promised as."""
    parts = 1 / ratio
    return f"1/{parts:.0f}" if parts > 1.5 and abs(parts - round(parts)) < 1e-9 else f"{ratio:g}"
