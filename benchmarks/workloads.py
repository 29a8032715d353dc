"""The workload engine beside kubectl and kapp: 1,000 objects in a sandbox of their own.

All read the same files and talk to the same kind of sandbox, a fresh one for every first apply, one after the
other in every round. kubectl does not wait for anything, so ours does not either where the two are compared; where
ours waits, it is compared with kapp. What is measured in a sandbox that something was applied to, begins for both
once its control plane is at rest: it goes on writing for as long as a rollout takes, and takes the machine from both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bare import apply_all
from benchmarks.kapp import find_kapp
from benchmarks.kubectl import find_kubectl
from benchmarks.measuring import Bench, Limit, Row, Unit
from benchmarks.objects import NAMESPACE
from benchmarks.running import tell
from benchmarks.working import (
    Samples,
    Work,
    beside_kubectl,
    explained,
    in_all_ways,
    stage_of,
    without_waiting,
)
from orchestrator.settings import Settings

_OBJECTS = 1_000
_FEW = 30  # to fill caches before anything counts
_FEW_REQUESTS = 10


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows beside kubectl and kapp, then those beside the bare requests."""
    kubectl, kapp = find_kubectl(Settings.read()), find_kapp(Settings.read())
    ours, raw, bare = Samples(), Samples(), Samples()
    in_all_ways(bench.directory, _FEW, Samples())
    _theirs(bench.directory, _FEW, kubectl, Samples())
    for number in range(1, bench.rounds + 1):
        tell(f"round {number} of {bench.rounds}")
        in_all_ways(bench.directory, _OBJECTS, ours)
        _theirs(bench.directory, _OBJECTS, kubectl, raw)
        _waited_for(bench.directory, _OBJECTS, kapp, raw)
        _requests_alone(bench.directory, _OBJECTS, bare)
    yield from _beside_kubectl(ours, raw, bench.directory)
    yield Row(
        name=f"{Work.ACCEPTED}, {_OBJECTS:,} objects, beside its requests",
        ours=ours.of(Work.ACCEPTED),
        raw=bare.of(Work.ACCEPTED),
        raw_name="the requests alone, 32 at a time",
        limit=Limit(ratio=2, plus=1.0),
        explain=partial(explained, bench.directory, Work.ACCEPTED, _OBJECTS),
    )
    yield Row(
        name=f"{Work.HEALTHY}, {_OBJECTS:,} objects, beside its requests",
        ours=ours.of(Work.HEALTHY),
        raw=bare.of(Work.HEALTHY),
        raw_name="the requests alone, and the rollout",
        limit=Limit(ratio=1.2, plus=1.0),
        explain=partial(explained, bench.directory, Work.HEALTHY, _OBJECTS),
    )


def _theirs(directory: Path, count: int, kubectl: Path, samples: Samples) -> None:
    with stage_of(directory, count) as stage:
        without_waiting(stage, samples, lambda stage, work: stage.kubectl(kubectl, work))


def _waited_for(directory: Path, count: int, kapp: Path, samples: Samples) -> None:
    with stage_of(directory, count) as stage:
        stage.write()
        samples.seconds[Work.HEALTHY].append(stage.kapp(kapp).measured().seconds)


def _requests_alone(directory: Path, count: int, samples: Samples) -> None:
    with stage_of(directory, count) as stage:
        stage.write()
        alone = apply_all(stage.sandbox.kubeconfig, stage.objects, namespace=NAMESPACE)
    samples.seconds[Work.ACCEPTED].append(alone.accepted)
    samples.seconds[Work.HEALTHY].append(alone.healthy)


def _beside_kubectl(ours: Samples, raw: Samples, directory: Path) -> Iterator[Row]:
    yield from beside_kubectl(ours, raw, directory, count=_OBJECTS)
    yield Row(
        name=f"{Work.HEALTHY}, {_OBJECTS:,} objects",
        ours=ours.of(Work.HEALTHY),
        raw=raw.of(Work.HEALTHY),
        raw_name="kapp deploy",
        limit=Limit(ratio=2 / 3, most=8.0),
        explain=partial(explained, directory, Work.HEALTHY, _OBJECTS),
    )
    yield Row(
        name=f"requests of a {Work.PLAN}, {_OBJECTS:,} objects",
        unit=Unit.REQUESTS,
        ours=tuple(ours.requests),
        raw=tuple(raw.requests),
        raw_name="kubectl diff --server-side",
        limit=Limit(most=_FEW_REQUESTS),
        explain=partial(explained, directory, Work.PLAN, _OBJECTS),
    )
