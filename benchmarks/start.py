"""What is run most often has to answer at once: the version, and the check of a stack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.measuring import Bench, Limit, Row, take_turns
from benchmarks.profiling import explain
from benchmarks.running import ORCHESTRATOR, ROOT, Command

_RAW = Command(argv=("terraform", "version"), directory=ROOT)


def rows(bench: Bench) -> Iterator[Row]:
    """Yield a row each for ``--version`` and ``validate``, beside the start of Terraform."""
    yield _row(bench, ("--version",), Limit(most=0.150))
    yield _row(bench, ("validate", "shop"), Limit(most=0.400))


def _row(bench: Bench, arguments: tuple[str, ...], limit: Limit) -> Row:
    command = Command(argv=(ORCHESTRATOR, *arguments), directory=ROOT)
    ours, raw = take_turns(bench.rounds, command.run, _RAW.run)
    return Row(
        name=f"orchestrator {' '.join(arguments)}",
        ours=ours,
        raw=raw,
        raw_name=" ".join(_RAW.argv),
        limit=limit,
        explain=partial(explain, command),
    )
