"""Terraform's lock on a state that a dead run left: found by asking for it, released when it is surely that run's."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from orchestrator import clock
from orchestrator.footprint import folders_of_processes
from orchestrator.infrastructure.layout.occupancy import occupied
from orchestrator.infrastructure.reading.locks import StateLock, lock_in
from orchestrator.infrastructure.running.initialisation import initialise_on_need
from orchestrator.infrastructure.running.run import FLAG, arguments, capture
from orchestrator.infrastructure.workspace import Workspace

_LOCKED = "error acquiring the state lock"
_NOWHERE = "terraform_data.orchestrator_looks_for_a_lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A run that is proven dead: who Terraform took it for (``user@host``), and when it may have locked a state.

    Both moments are by the clock of its own machine, as the one in Terraform's lock is.
    """

    account: str
    since: datetime
    until: datetime

    def locked(self, lock: StateLock) -> bool:
        """Return whether a lock of a state is this run's: of its account, and taken while it lasted."""
        return (
            bool(lock.id)
            and lock.who == self.account
            and lock.since is not None
            and self.since <= lock.since <= self.until
        )


def release_state_lock(workspace: Workspace, former: Former) -> str:
    """Release the lock of a unit's state if a dead run left it, and return a sentence; empty when there is none.

    A lock of anybody else, or one that a Terraform still works under, is left and told. A state in our own
    directory needs nothing: the system releases that lock with its process. Raises TerraformError, Interrupted.
    """
    if workspace.local_state is not None:
        return ""
    with occupied(workspace):
        initialise_on_need(workspace)
        lock = _found(workspace)
        if lock is None:
            return ""
        told = f"{workspace.unit}: {lock.told(clock.now())}"
        if not former.locked(lock):
            return (
                f"{told}, which is not known to be the dead run's; {lock.way_out(workspace.unit)}"
            )
        if process := _at_work(workspace):
            return f"{told}; Terraform of that run still works here (process {process})"
        return f"{told}; {_released(workspace, lock)}"


def _found(workspace: Workspace) -> StateLock | None:
    """Return the lock that a command of Terraform meets which locks a state and changes nothing."""
    argv = arguments(
        workspace.site.binary,
        "taint",
        _NOWHERE,
        allow_missing=FLAG,
        lock_timeout="0s",
        no_color=FLAG,
    )
    ended = capture(workspace, argv)
    said = "\n".join(f"{one.summary}\n{one.detail}" for one in ended.diagnostics)
    return lock_in(said) if ended.code != 0 and _LOCKED in said.lower() else None


def _released(workspace: Workspace, lock: StateLock) -> str:
    argv = arguments(workspace.site.binary, "force-unlock", lock.id, force=FLAG, no_color=FLAG)
    ended = capture(workspace, argv)
    return "released it" if ended.code == 0 else f"could not release it: {ended.stderr}"


def _at_work(workspace: Workspace) -> int:
    """Return a process of this machine that works in the unit's directory of any clone; 0 when there is none."""
    place = f"/{workspace.directory.relative_to(workspace.site.folder.parent)}"
    for process in folders_of_processes():
        with suppress(OSError):  # of somebody else, or ended meanwhile
            if str((process / "cwd").readlink()).endswith(place):
                return int(process.name)
    return 0
