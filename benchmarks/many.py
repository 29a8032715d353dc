"""The workload engine at 10,000 objects beside 1,000: what grows, and how much memory it takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.measuring import Bench, Limit, Row, Unit
from benchmarks.running import tell
from benchmarks.working import Samples, Work, explained, in_all_ways

_FEWER = 1_000
_MANY = 10_000
_FEW = 30  # to fill caches before anything counts


def rows(bench: Bench) -> Iterator[Row]:
    """Yield what each work takes with ten times as many objects, and the memory of the worst of them."""
    fewer, many = Samples(), Samples()
    in_all_ways(bench.directory, _FEW, Samples())
    for number in range(1, bench.rounds + 1):
        tell(f"round {number} of {bench.rounds}")
        in_all_ways(bench.directory, _FEWER, fewer)
        in_all_ways(bench.directory, _MANY, many)
    for work in Work:
        yield Row(
            name=f"{work}, {_MANY:,} objects",
            ours=many.of(work),
            raw=fewer.of(work),
            raw_name=f"the same, {_FEWER:,} objects",
            limit=Limit(ratio=12),
            explain=partial(explained, bench.directory, work, _MANY),
        )
    yield Row(
        name=f"peak memory of any of these, {_MANY:,} objects",
        unit=Unit.MEGABYTES,
        ours=tuple(many.megabytes),
        limit=Limit(most=400.0),
        explain=partial(explained, bench.directory, Work.HEALTHY, _MANY),
    )
