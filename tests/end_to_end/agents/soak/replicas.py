"""Replicas of an agent, each a process as it is started in earnest, and what each takes of the machine."""

import json
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from tests.forked.command import ORCHESTRATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a replica takes at a moment: memory in MiB, open files, threads and processes below it."""

    at: float
    memory: float
    handles: int
    threads: int
    processes: int


@dataclass(slots=True, kw_only=True)
class Replica:
    """One of them; ``samples`` are those of the process that runs now."""

    home: Path
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    samples: list[Sample] = field(default_factory=list)

    def tell(self, told: Mapping[str, Any]) -> None:
        """Write its file."""
        self.home.mkdir(parents=True)
        (self.home / "agent.yaml").write_text(yaml.safe_dump(dict(told)), encoding="utf-8")

    def tell_more(self, **more: Any) -> None:
        """Change its file."""
        file = self.home / "agent.yaml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **more}))

    @property
    def log(self) -> Path:
        """Return the file that has all that it said."""
        return self.home / "log"

    def start(self, *arguments: str) -> None:
        """Start it; what it says goes to the end of its log."""
        self.samples = []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (ORCHESTRATOR, "agent", *arguments),
                cwd=self.home,
                env={**self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, number: signal.Signals) -> int:
        """End it by a signal, if it runs; return its code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        return self.await_end(90)

    def await_end(self, seconds: float) -> int:
        """Wait for its end, so long at most; return its code."""
        assert self.process is not None
        code = self.process.wait(timeout=seconds)
        self.process = None
        return code

    def look(self) -> None:
        """Take a sample."""
        if self.process is None or self.process.poll() is not None:
            return
        place = Path("/proc") / str(self.process.pid)
        try:
            status = dict(
                line.split(":", 1) for line in (place / "status").read_text().splitlines()
            )
            sample = Sample(
                at=monotonic(),
                memory=int(status["VmRSS"].split()[0]) / 1024,
                handles=sum(1 for _ in (place / "fd").iterdir()),
                threads=int(status["Threads"]),
                processes=len(below(self.process.pid)),
            )
        except (OSError, KeyError):  # it ends
            return
        self.samples.append(sample)

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return what its log has of a phrase."""
        lines = (line for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [found for found in map(json.loads, lines) if found["event"] == event]


def below(process: int) -> list[int]:
    """Return the processes that one started, with those that they did."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, ahead = [], [process]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return found


def working_in(folder: Path) -> list[str]:
    """Return the command lines of all processes whose working directory is below a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{entry.name} {line}")
        except OSError:
            continue
    return found
