"""The workload engine beside the kubectl that this machine has, where that is of another version than the sandbox.

kubectl 1.33 takes five times as long as 1.35 for the same objects, and is what many machines still have. Every first
apply has a fresh sandbox; neither waits.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.kubectl import installed_kubectl
from benchmarks.measuring import Bench, Row
from benchmarks.running import tell
from benchmarks.working import Samples, Stage, beside_kubectl, stage_of, without_waiting
from orchestrator.settings import Settings

_OBJECTS = 1_000
_FEW = 30  # to fill caches before anything counts


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of 1,000 objects; raises NotHere where this machine has no kubectl of another version."""
    program, version = installed_kubectl(Settings.read())
    programs = (Stage.ours, lambda stage, work: stage.kubectl(program, work))
    ours, raw = Samples(), Samples()
    for number in range(bench.rounds + 1):
        tell(f"round {number} of {bench.rounds}")
        for samples, command in zip((ours, raw), programs, strict=True):
            with stage_of(bench.directory, _OBJECTS if number else _FEW) as stage:
                without_waiting(stage, samples if number else Samples(), command)
    yield from beside_kubectl(
        ours,
        raw,
        bench.directory,
        count=_OBJECTS,
        of=", beside an older kubectl",
        kubectl=f"kubectl {version}",
    )
