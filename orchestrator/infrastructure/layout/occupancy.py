"""Working in a unit's directory: alone, with the module's files in place, and with full disks explained."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator import clock
from orchestrator.errors import Interrupted, StorageError, TerraformError
from orchestrator.infrastructure.layout.beginnings import lock_info, never_written
from orchestrator.infrastructure.layout.leftovers import LOCK
from orchestrator.infrastructure.layout.overlay import place
from orchestrator.infrastructure.layout.private import make_private, open_private
from orchestrator.infrastructure.workspace import Site, Workspace
from orchestrator.stack.model import UnitId

DOWNLOAD_SECONDS = 1800.0
"""How long others may take to download what several units need, before that is called a failure."""

_POLL_SECONDS = 0.1
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
_UNSAVED = "errored.tfstate"  # what Terraform leaves when it could not write the state


@contextmanager
def occupied(workspace: Workspace) -> Iterator[None]:
    """Hold the unit's directory for one command, with the module laid out in it.

    Another process of ours on the same unit (a plan beside an apply) is waited for, as long as a locked state
    is. Raises TerraformError when it does not finish.
    """
    with explained_storage(str(workspace.unit)):
        make_private(workspace.home)
        with held(workspace.home / LOCK, workspace.site, workspace.unit):
            place(workspace.module, workspace.home, workspace.generated)
            if workspace.local_state is not None:
                make_private(workspace.local_state.parent)
                _drop_never_written(workspace.local_state)
            unsaved_state(workspace)  # out of the way of the next one
            yield


@contextmanager
def explained_storage(what: str) -> Iterator[None]:
    """Turn a full or read-only disk into a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageError(
            f"{what}: cannot write {error.filename or 'a file'}: {os.strerror(error.errno).lower()}",
            hint="free some space, or check who owns the folder, and run it again",
        ) from error


def unsaved_state(workspace: Workspace) -> Path | None:
    """Return the file with the state that an apply could not save, kept beside the unit; None when there is none."""
    left, kept = workspace.directory / _UNSAVED, workspace.home / _UNSAVED
    if left.exists() and torn_state(workspace) is None:
        left.replace(kept)
        kept.chmod(0o600)
    return kept if kept.exists() else None


def torn_state(workspace: Workspace) -> Path | None:
    """Set aside what an apply left of a state that found no room, and return it; None when there is no such file.

    No backend takes it, so that it would keep the unit from being planned for good.
    """
    left, torn = workspace.directory / _UNSAVED, _torn(workspace)
    if not left.exists() or _is_whole(left):
        return None
    left.replace(torn)
    torn.chmod(0o600)
    return torn


def torn_before(workspace: Workspace) -> Path | None:
    """Return what was set aside of a state that found no room, until somebody removes it; None when nothing was."""
    torn = _torn(workspace)
    return torn if torn.exists() else None


def _torn(workspace: Workspace) -> Path:
    return workspace.home / f"{_UNSAVED}.torn"


def _drop_never_written(file: Path) -> None:
    """Remove an empty state file whose engine died.

    The next one would remove what tells that it only held a lock, and an empty state file alone is a damaged one.
    """
    if never_written(file) and not is_locked(file):
        file.unlink()
        lock_info(file).unlink(missing_ok=True)


def _is_whole(file: Path) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(file.read_bytes()), dict)
    return False


@contextmanager
def held(file: Path, site: Site, unit: UnitId, *, patience: float | None = None) -> Iterator[int]:
    """Hold a lock file by a descriptor; raises TerraformError when it is kept too long from us, or Interrupted.

    ``patience`` is how long it is waited for, in seconds; as long as a locked state, when it is not given.
    """
    deadline = clock.seconds() + (site.lock_timeout if patience is None else patience)
    with open_private(file) as handle:
        while not _try(handle.fileno()):
            if site.stop.wait(_POLL_SECONDS):
                raise Interrupted(
                    f"{unit}: stopped while waiting for another process that works on it"
                )
            if clock.seconds() > deadline:
                raise TerraformError(
                    f"{unit}: another process is working on it",
                    hint="wait until it has finished; `status` says who holds the stack",
                )
        yield handle.fileno()


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(file: Path) -> bool:
    """Return whether another process holds a state file, by the kind of lock that Terraform takes."""
    with suppress(FileNotFoundError), file.open("r+b") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return True
    return False
