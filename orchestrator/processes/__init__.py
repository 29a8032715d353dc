"""The only place that starts child processes.

    command      what to run, within which limits, and how it ended
    stop         a request to stop, which signals and callers make
    starting     a new child: its environment, its process group, its streams
    supervising  waiting for it, and the ladder of signals that ends it
    forking      a command of ours, forked from a process that has it loaded
    running      a child whose output is wanted: run, stream
    attached     a child at our own terminal
    daemon       a child that outlives us
    existing     whether any process is there

No shell, an environment that the caller chose, a process group of their own, a time limit, output that is
capped, and a ladder of signals (interrupt once, wait, interrupt again, kill the group), because Terraform
saves its state on the first interrupt and needs time for it.
"""

from orchestrator.processes.attached import attach
from orchestrator.processes.command import Command, Completed, Limits, ProgramMissing
from orchestrator.processes.daemon import Daemon, start_daemon
from orchestrator.processes.existing import exists
from orchestrator.processes.running import run, stream
from orchestrator.processes.stop import Stop

__all__ = [
    "Command",
    "Completed",
    "Daemon",
    "Limits",
    "ProgramMissing",
    "Stop",
    "attach",
    "exists",
    "run",
    "start_daemon",
    "stream",
]
