"""The edge to the process table: who this process is, and whether a lock's holder is dead for certain."""

import uuid
from contextlib import suppress
from pathlib import Path

from orchestrator import clock, processes
from orchestrator.ledger.holder import Holder
from orchestrator.settings import Settings

_PROC = Path("/proc")
_STATE, _START_TIME = 0, 19  # positions behind the command's name in /proc/PID/stat, see proc(5)
_ENDED = {"Z", "X", "x"}


def this_process(settings: Settings, *, user: str, command: str, lease: float = 0.0) -> Holder:
    """Return this process as a holder, from now on; ``lease`` is how long it is one without a heartbeat."""
    return Holder(
        token=uuid.uuid4().hex,
        user=user or settings.user,
        host=settings.host,
        process=settings.process,
        birth=birth_of(settings.process),
        command=command,
        since=clock.now(),
        ci_run=settings.ci_run,
        lease=lease,
        account=f"{settings.user}@{settings.host}",
    )


def surely_dead(holder: Holder, *, host: str) -> bool:
    """Return whether the holder is a process of this very machine that has ended.

    A host's name alone proves nothing: containers and build machines share names. On Linux the running
    kernel and the process namespace have to be the same too; whoever cannot be seen counts as alive.
    """
    if holder.host != host or _scope(holder.birth) != _scope_here():
        return False
    return birth_of(holder.process) != holder.birth


def surely_alive(holder: Holder, *, host: str) -> bool:
    """Return whether the holder is a process of this very machine that is there, running or paused."""
    here = holder.host == host and _scope(holder.birth) == _scope_here() != "/"
    return here and birth_of(holder.process) == holder.birth


def birth_of(process: int) -> str:
    """Return a mark that no other process of any machine or time shares; only a scope when it has ended."""
    started = _start_time(process) if (_PROC / "self").exists() else _start_time_by_ps(process)
    return f"{_scope_here()}{started}"


def _scope(birth: str) -> str:
    return birth.rpartition("/")[0] + "/"


def _scope_here() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return "/"
    return f"{boot}/{namespace}/"


def _start_time(process: int) -> str:
    with suppress(OSError):
        # The command's name is in parentheses and may itself hold spaces and parentheses.
        fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        return "" if fields[_STATE] in _ENDED else fields[_START_TIME]
    return ""


def _start_time_by_ps(process: int) -> str:
    command = processes.Command(
        argv=("ps", "-o", "lstart=", "-p", str(process)),
        directory=Path("/"),
        environment={"LC_ALL": "C"},
    )
    with suppress(processes.ProgramMissing):
        return " ".join(processes.run(command).stdout.split())
    return ""
