"""Points of a run, at which something befalls it: the world around it counts what it does, and strikes.

Nothing of the product knows: the programs that it starts are ours, which count and then become the real ones, its
API server is reached through a gateway, its remote has hooks, and Python tells which files it replaces. A point reads
``git update-ref 2 after``: what is done, the how manyeth of its kind in this run, and whether it is struck
``before`` that is done, ``after`` (the run does not hear of it any more), or ``instead`` of it. ``any 17 before``
is the seventeenth of whatever kind.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.infrastructure.binary import find_binary
from orchestrator.settings import Settings
from orchestrator.stack.model import Terraform
from tests.end_to_end.commands import eventually
from tests.end_to_end.world import World
from tests.forked.server import FIRST
from tests.workloads.servers.faults import Cut, Fault, faulty
from tests.workloads.servers.listening import Asked

KILL = 'kill -KILL "$1"'
"""Ends the run alone; what it started comes to its own end."""

POWER = """kill -KILL "$1"
for process in /proc/[0-9]*; do
  [ "${process#/proc/}" = $$ ] || ! grep -qs "^TMPDIR=$2\\$" -z "$process/environ" || kill -KILL "${process#/proc/}"
done"""
"""Ends the run and all that it started, as a machine does that loses its power."""

_COUNTING = """#!/bin/sh
folder=%(folder)s
skip=; verb=
for word in "$@"; do
  [ -z "$skip" ] || { skip=; continue; }
  case $word in -c|-C) skip=1 ;; -*) ;; *) verb=$word; break ;; esac
done
kind="%(program)s $verb"
exec 9>>"$folder/lock"
flock 9
%(remember)s
n=0; all=0
[ ! -e "$folder/counts/$kind" ] || read -r n < "$folder/counts/$kind"
[ ! -e "$folder/counts/any" ] || read -r all < "$folder/counts/any"
n=$((n + 1)); all=$((all + 1))
echo $n > "$folder/counts/$kind"
echo $all > "$folder/counts/any"
echo "$kind $n" >> "$folder/seen"
exec 9>&-
at=
[ ! -e "$folder/point" ] || read -r at < "$folder/point"
case $at in
"$kind $n before"|"any $all before") "$folder/strike" ;;
"$kind $n instead"|"any $all instead") "$folder/strike"; exit 1 ;;
"$kind $n after"|"any $all after") %(real)s "$@"; code=$?; "$folder/strike"; exit $code ;;
esac
exec %(real)s "$@"
"""
_STRIKE = """#!/bin/sh
read -r process < %(folder)s/process
set -- "$process" %(mark)s
echo struck > %(folder)s/struck
%(act)s
"""
_MODULE = """#!/bin/sh
echo "$1 $2" >> %(folder)s/done
case $1 in create) touch "%(folder)s/made/$2" ;; destroy) rm -f "%(folder)s/made/$2" ;; esac
"""
_FILES = """
import os, subprocess, sys

def listen(event, arguments):
    if event in ("os.rename", "os.remove"):
        file = os.fsdecode(arguments[1 if event == "os.rename" else 0])
        if file.startswith(%(base)r):
            kind = os.path.relpath(file, %(base)r).split(os.sep)[2].removesuffix(".json")
            subprocess.run((%(program)r, kind), check=False)

sys.addaudithook(listen)
"""
_CHANGES = frozenset({"PATCH", "POST", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The points of the runs of one world; ``module`` is a program for provisioners, whose calls are points too.

    ``module create NAME`` makes a file of the folder ``made``, ``module destroy NAME`` removes it; ``done``
    lists all such calls, so that both tell what infrastructure there is whatever any state says. Runs reach
    the cluster by ``kubeconfig``, others by the ``direct`` one. ``variables`` are those of the world.
    """

    world: World
    folder: Path
    kubeconfig: Path
    direct: Path
    variables: dict[str, str]

    def add_program(self, name: str) -> Path:
        """Return a program that does nothing but be counted, by its first argument: ``NAME ARGUMENT 1``."""
        return _counting(self.folder, name, ("true",))

    def count_files(self, base: Path) -> None:
        """Count what runs replace and remove in a directory of ledgers: ``file head 1``."""
        program = self.add_program("file")
        listening = self.folder / "listen.py"
        words = {"base": f"{base}{os.sep}", "program": str(program)}
        listening.write_text(_FILES % words)
        self.variables[FIRST] = str(listening)

    @property
    def module(self) -> str:
        """Return the program for provisioners."""
        return str(self.folder / "bin" / "module")

    def strike_at(self, point: str, act: str) -> None:
        """Let something befall the next run; ``act`` is a script whose first argument is the run's process."""
        self.clear()
        mark = shlex.quote(self.world.variables["TMPDIR"])
        words = {"folder": shlex.quote(str(self.folder)), "mark": mark, "act": act}
        _program(self.folder / "strike", _STRIKE % words)
        (self.folder / "point").write_text(f"{point}\n")

    def clear(self) -> None:
        """Let nothing befall what comes, and count anew."""
        with self._alone():  # a remote may not have come to rest yet
            counts = [f"counts/{file.name}" for file in (self.folder / "counts").iterdir()]
            for name in ("point", "struck", "seen", "cut", "process", *counts):
                (self.folder / name).unlink(missing_ok=True)

    @property
    def struck(self) -> bool:
        """Whether it has happened."""
        return (self.folder / "struck").exists()

    def seen(self) -> list[str]:
        """Return what was counted since, in its order: ``git push 1``."""
        file = self.folder / "seen"
        return file.read_text().splitlines() if file.exists() else []

    def made(self) -> set[str]:
        """Return the names of the infrastructure that there is."""
        return {file.name for file in (self.folder / "made").iterdir()}

    def done(self) -> list[str]:
        """Return what provisioners did, in its order: ``create NAME``."""
        file = self.folder / "done"
        return file.read_text().splitlines() if file.exists() else []

    def running(self) -> list[int]:
        """Return the processes that runs started and that are there."""
        return started_by(self.world)

    def await_end(self) -> None:
        """Wait until nothing that a run started is there any more."""
        eventually(lambda: not self.running(), "the end of all that was started")

    def befalls(self, asked: Asked) -> Fault:
        """Return what befalls a request to the API server."""
        if (self.folder / "cut").exists():
            return Cut.BEFORE
        if asked.method not in _CHANGES or "dryRun" in asked.query:
            return None
        kind = asked.path.split("/")[-1 if asked.method == "POST" else -2]
        here = self._counted(f"api {asked.method} {kind}")
        for moment, fault in (("before", None), ("instead", Cut.BEFORE), ("after", Cut.AFTER)):
            if self._point() in {f"{name} {moment}" for name in here}:
                subprocess.run((self.folder / "strike",), check=True)
                return fault
        return None

    def _point(self) -> str:
        file = self.folder / "point"
        return file.read_text().strip() if file.exists() else ""

    def _counted(self, kind: str) -> tuple[str, str]:
        """Count something, and return the names that it has now."""
        with self._alone():
            names = f"{kind} {self._next(kind)}", f"any {self._next('any')}"
            with (self.folder / "seen").open("a") as seen:
                seen.write(f"{names[0]}\n")
            return names

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep all others from counting."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _next(self, kind: str) -> int:
        file = self.folder / "counts" / kind
        number = int(file.read_text()) + 1 if file.exists() else 1
        file.write_text(f"{number}\n")
        return number


@contextmanager
def points_of(world: World, folder: Path, kubeconfig: Path) -> Iterator[Points]:
    """Count what the runs of a world do, from here on; ``kubeconfig`` is the one of its cluster."""
    for name in ("bin", "counts", "made"):
        (folder / name).mkdir(parents=True)
    _write_programs(folder)
    path = f"{folder / 'bin'}:{world.variables['PATH']}"
    variables = {**world.variables, "PATH": path}
    points = Points(
        world=replace(world, variables=variables),
        folder=folder,
        kubeconfig=folder / "kubeconfig",
        direct=kubeconfig,
        variables=variables,
    )
    with faulty(world.cluster, points.befalls) as gateway:
        points.kubeconfig.write_text(through(kubeconfig, gateway.address))
        yield points


def started_by(world: World) -> list[int]:
    """Return the processes that runs of a world started and that are there."""
    mark = f"TMPDIR={world.variables['TMPDIR']}".encode()
    return [
        int(entry.name)
        for entry in os.scandir("/proc")
        if entry.name.isdigit() and mark in _environment(Path(entry.path))
    ]


def end_all(world: World) -> None:
    """Kill what runs of a world started, as a machine does that loses its power."""
    for process in started_by(world):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    eventually(lambda: not started_by(world), "the end of all that was started")


def _write_programs(folder: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    engine = find_binary(Terraform(), Settings.read(), folder).argv
    made = _program(folder / "made.sh", _MODULE % {"folder": shlex.quote(str(folder))})
    _counting(folder, "git", (git,), of_runs=True)
    _counting(folder, "terraform", engine, of_runs=True)
    _counting(folder, "module", (str(made),))


def _counting(folder: Path, name: str, real: tuple[str, ...], *, of_runs: bool = False) -> Path:
    """Write a program that is counted and becomes the real one; runs themselves start those that are ``of_runs``."""
    remember = '[ -s "$folder/process" ] || echo $PPID > "$folder/process"' if of_runs else ""
    words = {"folder": shlex.quote(str(folder)), "program": name, "remember": remember}
    return _program(folder / "bin" / name, _COUNTING % {**words, "real": shlex.join(real)})


def _program(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


def through(kubeconfig: Path, address: str) -> str:
    """Return the kubeconfig of a sandbox with another address, that of a gateway without TLS."""
    document = json.loads(kubeconfig.read_text())
    document["clusters"][0]["cluster"] = {"server": address}
    return json.dumps(document)


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []
