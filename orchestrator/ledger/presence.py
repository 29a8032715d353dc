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
# In place of a time of birth: the process is there, and nobody tells us since when.
_HIDDEN = "hidden"


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


def surely_dead(holder: Holder, *, host: str, proc: Path = _PROC) -> bool:
    """Return whether the holder is a process of this very machine that has ended.

    A host's name alone proves nothing: containers and build machines share names. On Linux the running
    kernel and the process namespace have to be the same too; whoever cannot be seen counts as alive.
    ``proc`` is where the kernel tells of processes.
    """
    scope = _scope_here(proc)
    if holder.host != host or _scope(holder.birth) != scope:
        return False
    return birth_of(holder.process, proc) not in {holder.birth, f"{scope}{_HIDDEN}"}


def surely_alive(holder: Holder, *, host: str) -> bool:
    """Return whether the holder is a process of this very machine that is there, running or paused."""
    here = holder.host == host and _scope(holder.birth) == _scope_here() != "/"
    return here and birth_of(holder.process) == holder.birth


def birth_of(process: int, proc: Path = _PROC) -> str:
    """Return a mark that no other process of any machine or time shares; only a scope when it has ended.

    One that is hidden from us, as those of other users may be, is told from one that has ended, and from no other.
    """
    read = (proc / "self").exists()
    started = _start_time(process, proc) if read else _start_time_by_ps(process)
    return f"{_scope_here(proc)}{started}"


def _scope(birth: str) -> str:
    return birth.rpartition("/")[0] + "/"


def _scope_here(proc: Path = _PROC) -> str:
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (proc / "self/ns/pid").readlink()
    except OSError:
        return "/"
    return f"{boot}/{namespace}/"


def _start_time(process: int, proc: Path) -> str:
    with suppress(OSError):
        # The command's name is in parentheses and may itself hold spaces and parentheses.
        fields = (proc / str(process) / "stat").read_text().rpartition(")")[2].split()
        return "" if fields[_STATE] in _ENDED else fields[_START_TIME]
    return _HIDDEN if processes.exists(process) else ""


def _start_time_by_ps(process: int) -> str:
    command = processes.Command(
        argv=("ps", "-o", "lstart=", "-p", str(process)),
        directory=Path("/"),
        environment={"LC_ALL": "C"},
    )
    with suppress(processes.ProgramMissing):
        return " ".join(processes.run(command).stdout.split())
    return ""
