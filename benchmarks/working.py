"""What is done with a stack of many objects, by ours and by others: in a fresh sandbox, timed from start to exit."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from benchmarks.kubernetes import await_rest, requests_served
from benchmarks.measuring import Limit, Row
from benchmarks.objects import NAMESPACE, write_objects
from benchmarks.profiling import explain
from benchmarks.running import Command, Usage
from benchmarks.stages import commit, fresh_sandbox, orchestrator
from orchestrator.sandbox import Sandbox

_CHANGED = 10
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


class Work(StrEnum):
    """What is done with the objects, by ours and by kubectl."""

    PLAN = "plan, nothing to do"
    ACCEPTED = "first apply until accepted"
    CHANGED = "apply, 10 changed"
    HEALTHY = "first apply until healthy"


@dataclass(frozen=True, slots=True)
class Samples:
    """What was measured with so many objects: seconds of each work; requests of a plan and peak memory, by round."""

    seconds: defaultdict[Work, list[float]] = field(default_factory=lambda: defaultdict(list))
    requests: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def of(self, work: Work) -> tuple[float, ...]:
        """Return the seconds of each round."""
        return tuple(self.seconds[work])

    def take(self, usages: Mapping[Work, Usage], requests: int) -> None:
        """Keep what the runs of one round took."""
        for work, usage in usages.items():
            self.seconds[work].append(usage.seconds)
        self.requests.append(requests)
        self.megabytes.append(max(usage.megabytes for usage in usages.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
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

    def write(self, *, wait: bool = False, changed: bool = False) -> None:
        """Write and commit the stack; of ``changed`` ones the first ten objects are of a later release."""
        stack = self.objects.parent
        write_objects(self.objects, self.count, changed=_CHANGED if changed else 0)
        waits = "{timeout: 20m}" if wait else "false"
        text = _STACK.format(namespace=NAMESPACE, wait=waits)
        (stack / "stack.yaml").write_text(text, encoding="utf-8")
        (self.checkout / "orchestrator.yaml").write_text(_PROJECT, encoding="utf-8")
        commit(self.checkout, "Bench")

    def rest(self) -> None:
        """Wait until nothing goes on in the sandbox."""
        await_rest(self.sandbox.kubeconfig)

    def ours(self, work: Work) -> Command:
        """Return the run of ours that does a work."""
        arguments = _PLAN if work is Work.PLAN else _APPLY
        return orchestrator(self.checkout, self.sandbox, *arguments)

    def kubectl(self, program: Path, work: Work) -> Command:
        """Return the run of kubectl over the same files that does a work."""
        verb = "diff" if work is Work.PLAN else "apply"
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
def stage_of(directory: Path, count: int) -> Iterator[Stage]:
    """Have a stage of so many objects, in a directory of its own below this one, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        checkout = Path(own) / "checkout"
        checkout.mkdir()
        with fresh_sandbox(Path(own) / "sandbox") as sandbox:
            yield Stage(sandbox=sandbox, checkout=checkout, count=count)


def without_waiting(
    stage: Stage, samples: Samples, command: Callable[[Stage, Work], Command]
) -> None:
    """Measure a first apply, then a plan with nothing to do, then an apply of ten changes, by one program."""
    usages: dict[Work, Usage] = {}
    stage.write()
    usages[Work.ACCEPTED] = command(stage, Work.ACCEPTED).measured()
    stage.rest()
    before = stage.requests
    usages[Work.PLAN] = command(stage, Work.PLAN).measured()
    requests = stage.requests - before
    stage.write(changed=True)
    usages[Work.CHANGED] = command(stage, Work.CHANGED).measured()
    samples.take(usages, requests)


def in_all_ways(directory: Path, count: int, samples: Samples) -> None:
    """Measure what ours does with and without waiting, in two sandboxes."""
    usages: dict[Work, Usage] = {}
    with stage_of(directory, count) as stage:
        stage.write(wait=True)
        usages[Work.HEALTHY] = stage.ours(Work.HEALTHY).measured()
        stage.write()
        stage.rest()
        before = stage.requests
        usages[Work.PLAN] = stage.ours(Work.PLAN).measured()
        requests = stage.requests - before
        stage.write(changed=True)
        usages[Work.CHANGED] = stage.ours(Work.CHANGED).measured()
    with stage_of(directory, count) as stage:
        stage.write()
        usages[Work.ACCEPTED] = stage.ours(Work.ACCEPTED).measured()
    samples.take(usages, requests)


def beside_kubectl(
    ours: Samples,
    raw: Samples,
    directory: Path,
    *,
    count: int,
    of: str = "",
    kubectl: str = "kubectl",
) -> Iterator[Row]:
    """Yield the rows of what kubectl does as well; ``of`` ends their names, ``kubectl`` says which one it is."""
    for work, verb, limit in (
        (Work.PLAN, "diff", Limit(ratio=1 / 8, most=1.0)),
        (Work.ACCEPTED, "apply", Limit(ratio=1 / 10)),
        (Work.CHANGED, "apply", Limit(ratio=1 / 20)),
    ):
        yield Row(
            name=f"{work}, {count:,} objects{of}",
            ours=ours.of(work),
            raw=raw.of(work),
            raw_name=f"{kubectl} {verb} --server-side",
            limit=limit,
            explain=partial(explained, directory, work, count),
        )


def explained(directory: Path, work: Work, count: int) -> tuple[str, ...]:
    """Bring a stage to where a work begins, and return where the time of the work goes."""
    with stage_of(directory, count) as stage:
        stage.write(wait=work is Work.HEALTHY)
        if work in {Work.PLAN, Work.CHANGED}:
            stage.ours(Work.ACCEPTED).run()
            stage.rest()
        if work is Work.CHANGED:
            stage.write(changed=True)
        return explain(stage.ours(work))
