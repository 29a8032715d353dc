"""An agent as benchmarks run it: with a remote, a webhook, and a log that says how far it is."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.memory import megabytes_of, processes_of
from benchmarks.running import ORCHESTRATOR, Command, Failed
from benchmarks.stages import commit
from orchestrator.sandbox import Sandbox

REPOSITORY = "bench"
"""What agents call the repository that they keep."""

_SECRET = "benchmark"
_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 900.0
_GRACE_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an agent is at home, with the checkout that commits come from, and its remote."""

    directory: Path
    sandbox: Sandbox

    @property
    def checkout(self) -> Path:
        """Return where stacks are written."""
        return self.directory / "checkout"

    @property
    def file(self) -> Path:
        """Return the agent's file."""
        return self.directory / "agent.yaml"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the agent."""
        variables = {"ORCHESTRATOR_SANDBOX": str(self.sandbox.directory)}
        argv = (ORCHESTRATOR,)
        return Command(argv=argv, directory=self.directory, variables=variables).environment

    def begin(self, port: int, *, looks: str | None = None) -> None:
        """Commit what there is, and write the agent's file, with the intervals that hold by default.

        ``looks`` is how often workloads are looked at, in place of what holds by default.
        """
        remote = self.directory / "remote.git"
        commit(self.checkout, "Begin")
        self.git("branch", "--force", "main")
        self.git("checkout", "--quiet", "main")
        self.git("clone", "--quiet", "--bare", ".", str(remote))
        self.git("remote", "add", "origin", str(remote))
        (self.directory / "secret").write_text(_SECRET, encoding="utf-8")
        webhook = {"kind": "generic", "secret_file": "secret"}
        told: dict[str, Any] = {
            "version": 1,
            "directory": "agent",
            "listen": f"127.0.0.1:{port}",
            "repositories": {REPOSITORY: {"url": remote.as_uri(), "webhook": webhook}},
        }
        if looks:
            told["defaults"] = {"drift": {"workloads": looks}}
        self.file.write_text(json.dumps(told), encoding="utf-8")

    def push(self) -> str:
        """Commit and push what was changed, and return the commit."""
        commit(self.checkout, "Change")
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """Run Git in the checkout and return what it says."""
        return Command(argv=("git", *arguments), directory=self.checkout).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent that runs."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def told(self) -> list[dict[str, Any]]:
        """Return what it told so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        found = []
        for line in lines:
            with suppress(ValueError):  # its last line may not be whole yet
                found.append(json.loads(line))
        return found

    def await_told(self, enough: Callable[[list[dict[str, Any]]], bool], what: str) -> None:
        """Wait until it told enough; raises Failed when that does not come, or the agent ends."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not enough(self.told()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                message = f"waited for {what}\n{self.log.read_text(encoding='utf-8')[-20_000:]}"
                raise Failed(message)
            time.sleep(_LOOK_SECONDS)

    def call(self) -> None:
        """Send it a webhook, as whoever knows the secret does."""
        now = str(int(time.time()))
        body = str(time.time_ns()).encode()
        signature = hmac.new(_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256)
        headers = {"X-Signature-Timestamp": now, "X-Signature-256": signature.hexdigest()}
        address = f"http://127.0.0.1:{self.port}/hooks/{REPOSITORY}"
        request = urllib.request.Request(address, body, headers)
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310  the same
            pass

    def processor_seconds(self) -> float:
        """Return the processor time of the agent and of all that it ever started.

        The most of some looks: one may miss a process that is there, or one that ends while it is looked for, and none
        counts anything twice.
        """
        return max(sum(map(_seconds_of, processes_of(self.process.pid))) for _ in range(5))

    def parts(self) -> Iterator[str]:
        """Yield what each of its processes takes now: its command, processor time and memory."""
        for each in processes_of(self.process.pid):
            with suppress(OSError):
                words = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
                name = b" ".join(words[1:6]).decode(errors="replace")
                yield f"{_seconds_of(each):8.2f} s {megabytes_of(each):5.0f} MB with its own  {name}"

    def megabytes(self) -> float:
        """Return what the agent and all that it started have resident now, shared pages by their shares.

        The lower of two looks: a child that is about to be a program, and lives in its parent's own memory for the
        millisecond that takes (vfork(2)), counts all of that a second time.
        """
        return min(megabytes_of(self.process.pid) for _ in range(2))


def applied(lines: list[dict[str, Any]], revision: str) -> int:
    """Return of how many stacks a log tells that a revision was applied, and recorded. Pure."""
    ends = (line for line in lines if line.get("event") == "task ended")
    return sum(
        line["end"] == "applied" and line["revision"] == revision[: len(line["revision"])]
        for line in ends
    )


def timeline(lines: list[dict[str, Any]], *, since: float) -> list[str]:
    """Return what was told when, in seconds since a time of day. Pure."""
    return [
        f"{datetime.fromisoformat(line['timestamp']).timestamp() - since:7.3f} s  {line['event']}"
        f" {line.get('task', '')}"
        for line in lines
    ]


@contextmanager
def running(place: Place, port: int) -> Iterator[Agent]:
    """Have an agent at work while the block lasts."""
    log = place.directory / "agent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (ORCHESTRATOR, "agent"),
            cwd=place.directory,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    try:
        yield Agent(process=process, log=log, port=port)
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port on loopback that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _seconds_of(process: int) -> float:
    """Return the processor time of a process and of its children that ended and were waited for (proc(5), stat)."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2]
        return sum(map(int, fields.split()[11:15])) / _TICKS
    return 0.0
