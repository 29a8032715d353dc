"""A command that is forked is like one that is started, and what it is forked from keeps nothing of it."""

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.agent.children import server_of
from orchestrator.processes import Command, Completed, Limits, Stop
from orchestrator.processes.forking import Forks, NotForked
from orchestrator.settings import Settings

# A parent that ended is there until somebody reaps it; its children have another one at once.
_WAITING = """\
#!/bin/sh
echo "$PPID" > "$0.asked"
while read -r _ _ _ parent _ < "/proc/$$/stat" && [ "$parent" = "$PPID" ]; do sleep 0.05; done
"""
_DIES = """\
import sys
from orchestrator.agent.children import server_of
from orchestrator.processes.forking import Forks
from orchestrator.settings import Settings

forks = Forks(server_of(Settings.read()))
forks.start()
print(forks.process, flush=True)
sys.stdin.read()
"""

_FULL = """\
import errno, os, sys
from orchestrator.cli import forked

real = os.fork

def fork():
    if os.path.exists(sys.argv[1]):
        raise BlockingIOError(errno.EAGAIN, "as at a limit of processes")
    return real()

os.fork = fork
forked.load = lambda: None
forked.main()
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Return what has commands forked."""
    forks = Forks(server_of(Settings.read()))
    forks.start()
    yield forks
    forks.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with a stack."""
    file = tmp_path / "stacks" / "shop" / "stack.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("version: 1\nname: shop\nmodules: {}\nmanifests: {}\n")
    (tmp_path / ".git").mkdir()
    return tmp_path


def _environment(checkout: Path, **more: str) -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(checkout), **more}


def _command(*arguments: str, checkout: Path, **more: str) -> Command:
    return Command(argv=arguments, directory=checkout, environment=_environment(checkout, **more))


def _waiting(checkout: Path) -> Command:
    """Return a command that waits for a program until that ends, which is when the command is gone."""
    program = checkout / "git"
    program.write_text(_WAITING)
    program.chmod(0o755)
    return _command("status", "shop", checkout=checkout, PATH=f"{checkout}:{os.environ['PATH']}")


def _asked(checkout: Path) -> int:
    """Return the process that waits, once it does."""
    said = checkout / "git.asked"
    while not said.exists() or not said.read_text().strip():
        time.sleep(0.02)
    return int(said.read_text())


@contextmanager
def _at_work(forks: Forks, checkout: Path, **more: str) -> Iterator[tuple[Future[Completed], int]]:
    """Have a command wait while the block lasts, however that ends; say how it goes and which process it is."""
    stop = Stop()
    with ThreadPoolExecutor(1) as aside:
        limits = Limits(grace=0.3, second_grace=0.3)
        command = _with(_waiting(checkout), **more)
        running = aside.submit(forks.run, command, limits=limits, stop=stop)
        try:
            yield running, _asked(checkout)
        finally:
            stop.request()


def test_it_says_and_ends_as_one_that_is_started(forks: Forks, checkout: Path) -> None:
    """Its arguments, directory, environment, output and exit code are its own, whatever ran before it."""
    for arguments in (("--version",), ("validate",), ("validate", "shp")):
        command = _command(*arguments, checkout=checkout)
        forked = forks.run(command)
        started = subprocess.run(
            (sys.executable, "-P", "-m", "orchestrator", *arguments),
            cwd=checkout,
            env=command.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (forked.code, forked.stdout, forked.stderr) == (
            started.returncode,
            started.stdout,
            started.stderr,
        )


def test_it_has_limits_and_a_group_of_its_own(forks: Forks, checkout: Path) -> None:
    """One that takes too long is ended, with all that it started, and nothing of it is left."""
    limits = Limits(timeout=1.0, grace=0.3, second_grace=0.3)
    done = forks.run(_waiting(checkout), limits=limits)
    assert done.timed_out
    while Path(f"/proc/{_asked(checkout)}").exists():  # it is reaped a moment later
        time.sleep(0.02)


def test_what_it_is_forked_from_knows_nothing_of_it(forks: Forks, checkout: Path) -> None:
    """No variable of a command, nor of whoever asks, is in that process; it has one thread."""
    secret = "s3cr3t-of-one-command"
    with _at_work(forks, checkout, TOKEN=secret) as (running, waits):
        server = Path("/proc") / str(forks.process)
        assert len([*(server / "task").iterdir()]) == 1
        assert secret.encode() not in (server / "environ").read_bytes()
        assert secret.encode() not in _memory(server)
        os.kill(waits, signal.SIGKILL)
        assert running.result(timeout=30).code == -signal.SIGKILL


def _with(command: Command, **more: str) -> Command:
    return Command(
        argv=command.argv,
        directory=command.directory,
        environment={**command.environment, **more},
    )


def _memory(process: Path) -> bytes:
    """Return what a process has in memory that it may write to."""
    found = []
    with (process / "mem").open("rb", buffering=0) as memory:
        for line in (process / "maps").read_text().splitlines():
            where, rights, *_ = line.split()
            if rights.startswith("rw"):
                first, last = (int(each, 16) for each in where.split("-"))
                memory.seek(first)
                found.append(memory.read(last - first))
    return b"".join(found)


@contextmanager
def _more_files_than_select_takes() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with ExitStack() as files:
        files.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1024):
            files.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield


def test_another_one_forks_when_it_dies(forks: Forks, checkout: Path) -> None:
    """What runs is waited for to its end, whatever else is open, and the next command does not notice."""
    first = forks.process
    with _more_files_than_select_takes(), _at_work(forks, checkout) as (running, waits):
        os.kill(first, signal.SIGKILL)
        assert forks.run(_command("--version", checkout=checkout)).code == 0
        assert forks.process != first
        assert not running.done()
        os.kill(waits, signal.SIGKILL)
        lost: Completed = running.result(timeout=30)
    assert lost.code
    assert not lost.stdout


def test_one_that_cannot_be_forked_ends_no_other(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where there may be no more processes, only the command that is asked for comes to nothing."""
    full = tmp_path_factory.mktemp("full") / "full"
    server = server_of(Settings.read())
    forks = Forks(replace(server, argv=(sys.executable, "-P", "-c", _FULL, str(full))))
    try:
        with _at_work(forks, checkout) as (running, waits):
            first = forks.process
            full.touch()
            with pytest.raises(NotForked):
                forks.run(_command("--version", checkout=checkout))
            full.unlink()
            code = forks.run(_command("--version", checkout=checkout)).code
            same, done = forks.process == first, running.done()
            os.kill(waits, signal.SIGKILL)
            ended = running.result(timeout=30).code
        assert (code, same, done, ended) == (0, True, False, -signal.SIGKILL)
    finally:
        forks.close()


def test_it_ends_with_whoever_asks(tmp_path: Path) -> None:
    """A process that was killed leaves nothing behind that could fork."""
    with subprocess.Popen(
        (sys.executable, "-P", "-c", _DIES),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as asks:
        assert asks.stdout is not None
        server = int(asks.stdout.readline())
        handle = os.pidfd_open(server)
        asks.kill()
    try:
        assert select.select([handle], [], [], 30.0)[0]
    finally:
        os.close(handle)
