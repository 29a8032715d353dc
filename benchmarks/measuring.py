"""Samples, limits and rows, and how they are taken: in turns, after a round that does not count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a benchmark is given: how many rounds to take, and an empty directory of its own."""

    rounds: int
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a median may take at most: ``ratio`` times the raw tools' median, plus ``seconds``."""

    seconds: float
    ratio: float = 0.0

    def allowed(self, raw: float) -> float:
        """Return the seconds allowed beside raw tools that take ``raw`` seconds."""
        return self.ratio * raw + self.seconds

    def __str__(self) -> str:
        """Return the limit as a formula."""
        return f"{self.ratio} x raw + {self.seconds} s" if self.ratio else f"{self.seconds} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison; samples are wall-clock seconds.

    ``raw_name`` says what was run instead of ours. ``explain`` tells where the time goes, a line each; it is
    asked only when the limit was missed.
    """

    name: str
    ours: tuple[float, ...]
    raw: tuple[float, ...]
    raw_name: str
    limit: Limit
    explain: Callable[[], tuple[str, ...]]

    @property
    def median(self) -> float:
        """Return the median of ours."""
        return median(self.ours)

    @property
    def raw_median(self) -> float:
        """Return the median of the raw tools."""
        return median(self.raw)

    @property
    def allowed(self) -> float:
        """Return what the limit allows in this run."""
        return self.limit.allowed(self.raw_median)

    @property
    def met(self) -> bool:
        """Whether the limit was kept."""
        return self.median <= self.allowed


def take_turns(rounds: int, *contestants: Callable[[], object]) -> tuple[tuple[float, ...], ...]:
    """Return the samples of each contestant; a busy machine slows all of them alike, since they alternate."""
    samples: tuple[list[float], ...] = tuple([] for _ in contestants)
    for number in range(rounds + 1):
        for contestant, taken in zip(contestants, samples, strict=True):
            began = time.perf_counter()
            contestant()
            if number:  # the first round fills caches
                taken.append(time.perf_counter() - began)
    return tuple(tuple(taken) for taken in samples)
