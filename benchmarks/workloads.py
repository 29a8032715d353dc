"""The workload engine beside kubectl and kapp: 1,000 objects in a sandbox of their own, and 10,000 beside 1,000.

All read the same files and talk to the same kind of sandbox, a fresh one for every first apply, one after the
other in every round. kubectl does not wait for anything, so ours does not either where the two are compared; where
ours waits, it is compared with kapp. What is measured in a sandbox that something was applied to, begins for both
once its control plane is at rest: it goes on writing for as long as a rollout takes, and takes the machine from both.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from benchmarks.bare import apply_all
from benchmarks.kapp import find_kapp
from benchmarks.kubectl import find_kubectl
from benchmarks.kubernetes import await_rest, requests_served
from benchmarks.measuring import Bench, Limit, Row, Unit
from benchmarks.objects import NAMESPACE, write_objects
from benchmarks.profiling import explain
from benchmarks.running import Command, Usage, tell
from benchmarks.stages import commit, fresh_sandbox, orchestrator
from orchestrator.sandbox import Sandbox
from orchestrator.settings import Settings

_OBJECTS = 1_000
_MANY = 10_000
_FEW = 30  # to fill caches before anything counts
_CHANGED = 10
_FEW_REQUESTS = 10

_APPLY = ("apply", "bench", "--yes")
_PLAN = ("plan", "bench", "--detailed-exitcode")
_PROJECT = "ledger: {remote: false}\n"
_STACK = """\
version: 1
name: bench
cluster: {{sandbox: true}}
manifests:
  objects: {{path: objects, namespace: {namespace}, wait: {wait}}}
"""


class _Work(StrEnum):
    """What is done with the objects, by ours and by kubectl."""

    PLAN = "plan, nothing to do"
    ACCEPTED = "first apply until accepted"
    CHANGED = "apply, 10 changed"
    HEALTHY = "first apply until healthy"


@dataclass(frozen=True, slots=True)
class _Samples:
    """What was measured with so many objects: seconds of each work; requests of a plan and peak memory, by round."""

    seconds: defaultdict[_Work, list[float]] = field(default_factory=lambda: defaultdict(list))
    requests: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def of(self, work: _Work) -> tuple[float, ...]:
        """Return the seconds of each round."""
        return tuple(self.seconds[work])

    def take(self, usages: Mapping[_Work, Usage], requests: int) -> None:
        """Keep what the runs of one round took."""
        for work, usage in usages.items():
            self.seconds[work].append(usage.seconds)
        self.requests.append(requests)
        self.megabytes.append(max(usage.megabytes for usage in usages.values()))


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of 1,000 objects, then those of 10,000."""
    kubectl, kapp = find_kubectl(Settings.read()), find_kapp(Settings.read())
    few, many, raw, bare = _Samples(), _Samples(), _Samples(), _Samples()
    _ours(bench.directory, _FEW, _Samples())
    _theirs(bench.directory, _FEW, kubectl, _Samples())
    for number in range(1, bench.rounds + 1):
        tell(f"round {number} of {bench.rounds}")
        _ours(bench.directory, _OBJECTS, few)
        _theirs(bench.directory, _OBJECTS, kubectl, raw)
        _waited_for(bench.directory, _OBJECTS, kapp, raw)
        _requests_alone(bench.directory, _OBJECTS, bare)
        _ours(bench.directory, _MANY, many)
    yield from _beside_kubectl(few, raw, bench.directory)
    yield Row(
        name=f"{_Work.ACCEPTED}, {_OBJECTS:,} objects, beside its requests",
        ours=few.of(_Work.ACCEPTED),
        raw=bare.of(_Work.ACCEPTED),
        raw_name="the requests alone, 32 at a time",
        limit=Limit(ratio=2, plus=1.0),
        explain=partial(_explained, bench.directory, _Work.ACCEPTED, _OBJECTS),
    )
    yield Row(
        name=f"{_Work.HEALTHY}, {_OBJECTS:,} objects, beside its requests",
        ours=few.of(_Work.HEALTHY),
        raw=bare.of(_Work.HEALTHY),
        raw_name="the requests alone, and the rollout",
        limit=Limit(ratio=1.2, plus=1.0),
        explain=partial(_explained, bench.directory, _Work.HEALTHY, _OBJECTS),
    )
    yield from _beside_fewer(few, many, bench.directory)


def _ours(directory: Path, count: int, samples: _Samples) -> None:
    usages: dict[_Work, Usage] = {}
    with _stage(directory, count) as stage:
        stage.write(wait=True)
        usages[_Work.HEALTHY] = stage.ours(_Work.HEALTHY).measured()
        stage.write(wait=False)
        stage.rest()
        before = stage.requests
        usages[_Work.PLAN] = stage.ours(_Work.PLAN).measured()
        requests = stage.requests - before
        stage.write(wait=False, changed=_CHANGED)
        usages[_Work.CHANGED] = stage.ours(_Work.CHANGED).measured()
    with _stage(directory, count) as stage:
        stage.write(wait=False)
        usages[_Work.ACCEPTED] = stage.ours(_Work.ACCEPTED).measured()
    samples.take(usages, requests)


def _theirs(directory: Path, count: int, kubectl: Path, samples: _Samples) -> None:
    usages: dict[_Work, Usage] = {}
    with _stage(directory, count) as stage:
        stage.write(wait=False)
        usages[_Work.ACCEPTED] = stage.kubectl(kubectl, "apply").measured()
        stage.rest()
        before = stage.requests
        usages[_Work.PLAN] = stage.kubectl(kubectl, "diff").measured()
        requests = stage.requests - before
        stage.write(wait=False, changed=_CHANGED)
        usages[_Work.CHANGED] = stage.kubectl(kubectl, "apply").measured()
    samples.take(usages, requests)


def _waited_for(directory: Path, count: int, kapp: Path, samples: _Samples) -> None:
    with _stage(directory, count) as stage:
        stage.write(wait=False)
        samples.seconds[_Work.HEALTHY].append(stage.kapp(kapp).measured().seconds)


def _requests_alone(directory: Path, count: int, samples: _Samples) -> None:
    with _stage(directory, count) as stage:
        stage.write(wait=False)
        alone = apply_all(stage.sandbox.kubeconfig, stage.objects, namespace=NAMESPACE)
    samples.seconds[_Work.ACCEPTED].append(alone.accepted)
    samples.seconds[_Work.HEALTHY].append(alone.healthy)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """A fresh sandbox, and a repository with a stack of so many objects."""

    sandbox: Sandbox
    checkout: Path
    count: int

    @property
    def requests(self) -> int:
        """Return how many requests about these objects the sandbox has answered so far."""
        return requests_served(self.sandbox.kubeconfig)

    @property
    def objects(self) -> Path:
        """Return the directory of the manifests."""
        return self.checkout / "stacks" / "bench" / "objects"

    def write(self, *, wait: bool, changed: int = 0) -> None:
        """Write and commit the stack; the first ``changed`` objects are of a later release."""
        stack = self.objects.parent
        write_objects(self.objects, self.count, changed=changed)
        waits = "{timeout: 20m}" if wait else "false"
        text = _STACK.format(namespace=NAMESPACE, wait=waits)
        (stack / "stack.yaml").write_text(text, encoding="utf-8")
        (self.checkout / "orchestrator.yaml").write_text(_PROJECT, encoding="utf-8")
        commit(self.checkout, "Bench")

    def rest(self) -> None:
        """Wait until nothing goes on in the sandbox."""
        await_rest(self.sandbox.kubeconfig)

    def ours(self, work: _Work) -> Command:
        """Return the run of ours that does a work."""
        arguments = _PLAN if work is _Work.PLAN else _APPLY
        return orchestrator(self.checkout, self.sandbox, *arguments)

    def kubectl(self, program: Path, verb: str) -> Command:
        """Return a run of kubectl over the same files."""
        cache = str(self.checkout.parent / "kubectl-cache")
        options = ("--kubeconfig", str(self.sandbox.kubeconfig), "--cache-dir", cache)
        files = ("--server-side", "--namespace", NAMESPACE, "--filename", "stacks/bench/objects")
        return Command(argv=(str(program), *options, verb, *files), directory=self.checkout)

    def kapp(self, program: Path) -> Command:
        """Return a first deployment of the same files by kapp, which keeps its own record beside them."""
        where = ("--app", "bench", "--namespace", "default", "--into-ns", NAMESPACE)
        options = ("--kubeconfig", str(self.sandbox.kubeconfig), "--yes")
        argv = (str(program), "deploy", *options, *where, "--file", "stacks/bench/objects")
        return Command(argv=argv, directory=self.checkout)


@contextmanager
def _stage(directory: Path, count: int) -> Iterator[_Stage]:
    with tempfile.TemporaryDirectory(dir=directory) as own:
        checkout = Path(own) / "checkout"
        checkout.mkdir()
        with fresh_sandbox(Path(own) / "sandbox") as sandbox:
            yield _Stage(sandbox=sandbox, checkout=checkout, count=count)


def _beside_kubectl(ours: _Samples, raw: _Samples, directory: Path) -> Iterator[Row]:
    for work, verb, limit in (
        (_Work.PLAN, "diff", Limit(ratio=1 / 8, most=1.0)),
        (_Work.ACCEPTED, "apply", Limit(ratio=1 / 10)),
        (_Work.CHANGED, "apply", Limit(ratio=1 / 20)),
    ):
        yield Row(
            name=f"{work}, {_OBJECTS:,} objects",
            ours=ours.of(work),
            raw=raw.of(work),
            raw_name=f"kubectl {verb} --server-side",
            limit=limit,
            explain=partial(_explained, directory, work, _OBJECTS),
        )
    yield Row(
        name=f"{_Work.HEALTHY}, {_OBJECTS:,} objects",
        ours=ours.of(_Work.HEALTHY),
        raw=raw.of(_Work.HEALTHY),
        raw_name="kapp deploy",
        limit=Limit(ratio=2 / 3, most=8.0),
        explain=partial(_explained, directory, _Work.HEALTHY, _OBJECTS),
    )
    yield Row(
        name=f"requests of a {_Work.PLAN}, {_OBJECTS:,} objects",
        unit=Unit.REQUESTS,
        ours=tuple(ours.requests),
        raw=tuple(raw.requests),
        raw_name="kubectl diff --server-side",
        limit=Limit(most=_FEW_REQUESTS),
        explain=partial(_explained, directory, _Work.PLAN, _OBJECTS),
    )


def _beside_fewer(few: _Samples, many: _Samples, directory: Path) -> Iterator[Row]:
    for work in _Work:
        yield Row(
            name=f"{work}, {_MANY:,} objects",
            ours=many.of(work),
            raw=few.of(work),
            raw_name=f"the same, {_OBJECTS:,} objects",
            limit=Limit(ratio=12),
            explain=partial(_explained, directory, work, _MANY),
        )
    yield Row(
        name=f"peak memory of any of these, {_MANY:,} objects",
        unit=Unit.MEGABYTES,
        ours=tuple(many.megabytes),
        limit=Limit(most=400.0),
        explain=partial(_explained, directory, _Work.HEALTHY, _MANY),
    )


def _explained(directory: Path, work: _Work, count: int) -> tuple[str, ...]:
    """Bring a stage to where a work begins, and return where the time of the work goes."""
    with _stage(directory, count) as stage:
        stage.write(wait=work is _Work.HEALTHY)
        if work in {_Work.PLAN, _Work.CHANGED}:
            stage.ours(_Work.ACCEPTED).run()
            stage.rest()
        if work is _Work.CHANGED:
            stage.write(wait=False, changed=_CHANGED)
        return explain(stage.ours(work))
