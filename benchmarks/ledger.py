"""What the ledger costs an apply: on a remote that is far away, and after ten thousand entries."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.far_remote import far_remote
from benchmarks.measuring import Bench, Limit, Row, take_turns
from benchmarks.profiling import explain
from benchmarks.running import Command, tell
from benchmarks.stages import commit, fresh_sandbox, orchestrator
from orchestrator.ledger.archive import decode_archive, encode_archive
from orchestrator.ledger.entry import Entry
from orchestrator.sandbox import Sandbox

_MODULES, _SETS = 2, 18
_LATENCY_SECONDS = 0.2
_ENTRIES = 10_000
_A_WHILE_SECONDS = 0.05
_STACK = """\
version: 1
name: {name}
cluster: {{sandbox: true}}
modules:
{modules}
manifests:
{sets}
"""
_MODULE = """\
variable "text" { type = string }

resource "terraform_data" "this" {
  input = var.text
}
"""
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {stack}-{name}}}
data: {{release: "{release}"}}
"""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield two rows: Git's part of an apply whose remote is far away, and an apply after many entries."""
    with fresh_sandbox(bench.directory / "sandbox") as sandbox:
        yield _far_away(bench, sandbox)
        yield _after_many(bench, sandbox)


def _far_away(bench: Bench, sandbox: Sandbox) -> Row:
    remotes = bench.directory / "remotes"
    project = _Project(directory=bench.directory / "far", name="far", sandbox=sandbox)
    project.write("first")
    Command(argv=("git", "clone", "-q", "--bare", ".", str(remotes / "far.git")),
            directory=project.directory).run()  # fmt: skip
    samples = []
    with far_remote(remotes, seconds=_LATENCY_SECONDS) as address:
        project.git("remote", "add", "origin", f"{address}/far.git")
        project.apply.run()
        for number in range(bench.rounds):
            project.write(f"round-{number}")
            samples.append(_seconds_of_git(project.apply, bench.directory / "trace"))
    units = _MODULES + _SETS
    return Row(
        name=f"Git's part of an apply of {units} units, {_LATENCY_SECONDS * 1000:.0f} ms from the remote",
        ours=tuple(samples),
        limit=Limit(most=5.0),
        explain=lambda: tuple(_commands_of_git(bench.directory / "trace")),
    )


def _after_many(bench: Bench, sandbox: Sandbox) -> Row:
    fresh = _Project(directory=bench.directory / "fresh", name="fresh", sandbox=sandbox)
    grown = _Project(directory=bench.directory / "grown", name="grown", sandbox=sandbox)
    for project in (fresh, grown):
        project.write("first")
        remote = bench.directory / f"{project.name}.git"
        project.git("clone", "-q", "--bare", ".", str(remote))
        project.git("remote", "add", "origin", remote.as_uri())
        project.apply.run()
    tell(f"making {_ENTRIES} entries")
    _grow(grown, bench.directory)
    rounds = iter(range(1_000_000))

    def applied(project: _Project) -> None:
        project.write(f"round-{next(rounds)}")
        project.apply.run()

    ours, raw = take_turns(bench.rounds, partial(applied, grown), partial(applied, fresh))
    return Row(
        name=f"orchestrator apply, {_MODULES + _SETS} units changed, after {_ENTRIES:,} entries",
        ours=ours,
        raw=raw,
        raw_name="the same after as many entries as rounds",
        limit=Limit(ratio=1.1),
        explain=partial(_explained, grown),
    )


def _explained(project: _Project) -> tuple[str, ...]:
    project.write("explained")
    return explain(project.apply)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """A repository with one stack of modules and manifest sets."""

    directory: Path
    name: str
    sandbox: Sandbox

    @property
    def apply(self) -> Command:
        """Return a run that applies the stack."""
        return orchestrator(self.directory, self.sandbox, "apply", self.name, "--yes")

    def git(self, *arguments: str) -> str:
        """Run Git in the repository."""
        return Command(argv=("git", *arguments), directory=self.directory).run()

    def write(self, release: str) -> None:
        """Commit the stack with another value in each of its units."""
        folder = self.directory / "stacks" / self.name
        names = [f"set{number:02d}" for number in range(_SETS)]
        modules = [
            f"  m{number}: {{source: ./module, inputs: {{text: {release}}}}}"
            for number in range(_MODULES)
        ]
        sets = [f"  {name}: {{path: {name}, namespace: default}}" for name in names]
        (folder / "module").mkdir(parents=True, exist_ok=True)
        (folder / "module" / "main.tf").write_text(_MODULE, encoding="utf-8")
        stack = _STACK.format(name=self.name, modules="\n".join(modules), sets="\n".join(sets))
        (folder / "stack.yaml").write_text(stack, encoding="utf-8")
        for name in names:
            (folder / name).mkdir(exist_ok=True)
            text = _CONFIG_MAP.format(stack=self.name, name=name, release=release)
            (folder / name / "config.yaml").write_text(text, encoding="utf-8")
        commit(self.directory, release)


def _seconds_of_git(command: Command, trace: Path) -> float:
    """Run a command and return the seconds of all Git commands that it started, one after the other."""
    trace.unlink(missing_ok=True)
    replace(command, variables={**command.variables, "GIT_TRACE2_EVENT": str(trace)}).run()
    return math.fsum(event["t_abs"] for event in _events(trace) if event["event"] == "exit")


def _commands_of_git(trace: Path) -> Iterator[str]:
    """Yield each Git command of the last run that took a while, with its seconds."""
    argv = {event["sid"]: event["argv"] for event in _events(trace) if event["event"] == "start"}
    for event in _events(trace):
        if event["event"] == "exit" and event["t_abs"] > _A_WHILE_SECONDS:
            yield f"{event['t_abs']:7.3f} s  {' '.join(argv[event['sid']])[:120]}"


def _events(trace: Path) -> Iterator[dict[str, Any]]:
    """Yield what Git told of the commands that were started by ours, not by others of its own."""
    for line in trace.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if "/" not in event["sid"]:
            yield event


def _grow(project: _Project, directory: Path) -> None:
    """Give a project's ledger a long history that ends where it ends."""
    file = directory / "grown.ledger"
    run = partial(orchestrator, project.directory, project.sandbox, "ledger")
    run("export", project.name, str(file)).run()
    archive = decode_archive(file.read_bytes())
    rounds = -(-_ENTRIES // len(archive.entries))
    entries = tuple(_linked(archive.entries * rounds))
    file.write_bytes(encode_archive(replace(archive, entries=entries)))
    ref = f"refs/orchestrator/{project.name}/default"
    project.git("push", "-q", "origin", f":{ref}")
    for each in (ref, f"refs/orchestrator-remote/origin/{project.name}/default"):
        project.git("update-ref", "-d", each)
    run("import", str(file)).run()


def _linked(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield entries as ones of their own, each following the one before by a second, the last one at its time."""
    before = ""
    for left, entry in zip(reversed(range(len(entries))), entries, strict=True):
        at = entries[-1].at - timedelta(seconds=left)
        following = replace(entry, id=uuid.uuid4().hex, previous=before, at=at)
        before = following.id
        yield following
