"""Reading the state of a unit: from the file where it is one, else through Terraform."""

import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator import clock
from orchestrator.errors import Interrupted, TerraformError
from orchestrator.infrastructure.layout.beginnings import backup, lock_info, never_written
from orchestrator.infrastructure.layout.occupancy import is_locked, occupied
from orchestrator.infrastructure.outputs import with_nulls
from orchestrator.infrastructure.reading.diagnostics import failure
from orchestrator.infrastructure.reading.locks import lock_of_file
from orchestrator.infrastructure.reading.state import (
    NOTHING,
    Snapshot,
    read_outputs_block,
    read_state,
)
from orchestrator.infrastructure.running.initialisation import initialise_on_need
from orchestrator.infrastructure.running.run import FLAG, arguments, capture
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.scope import Output

_ATTEMPTS = 3
_SECONDS_BETWEEN = 0.1


def read_outputs(workspace: Workspace) -> Mapping[str, Output]:
    """Return the outputs that were applied, none where nothing is, without planning anything.

    Raises TerraformError.
    """
    snapshot = local_snapshot(workspace)
    if snapshot is not None and snapshot.readable:
        return {} if snapshot.empty else with_nulls(workspace, snapshot.outputs)
    with occupied(workspace):
        initialise_on_need(workspace)
        outputs = asked_outputs(workspace)
        applied = outputs or not pulled_snapshot(workspace).empty
        return with_nulls(workspace, outputs) if applied else {}


def state_stamp(workspace: Workspace) -> str:
    """Return ``lineage:serial`` of the state as it is now, empty when there is none; raises TerraformError."""
    return current_snapshot(workspace).stamp


def holds_anything(workspace: Workspace) -> bool:
    """Whether there is a state, and anything in it; raises TerraformError."""
    return not current_snapshot(workspace).empty


def current_snapshot(workspace: Workspace) -> Snapshot:
    """Return the state as it is now, wherever it is, its secrets learnt; raises TerraformError."""
    snapshot = local_snapshot(workspace)
    if snapshot is not None:
        return snapshot
    with occupied(workspace):
        initialise_on_need(workspace)
        return pulled_snapshot(workspace)


def pulled_snapshot(workspace: Workspace) -> Snapshot:
    """Return what ``state pull`` tells, its secrets learnt; the directory is occupied and initialised."""
    argv = arguments(workspace.site.binary, "state pull")
    content = captured(workspace, argv, doing="reading the state")
    if not content.strip():
        return NOTHING
    snapshot = read_state(content.encode())
    learn(workspace, snapshot)
    return snapshot


def local_snapshot(workspace: Workspace) -> Snapshot | None:
    """Return the state in our own directory, its secrets learnt; None when the state is kept elsewhere.

    Raises TerraformError for a damaged file. An empty one is refused too, since Terraform would take it for
    an empty state and create everything again.
    """
    if workspace.local_state is None:
        return None
    try:
        snapshot = _settled(workspace, workspace.local_state)
    except FileNotFoundError:
        return NOTHING
    learn(workspace, snapshot)
    return snapshot


def _settled(workspace: Workspace, file: Path) -> Snapshot:
    """Read a state file that may be in the middle of being written: Terraform does that in place.

    It also makes an empty one when it locks the state of something new, so that an empty file is waited for
    as long as another process holds it.
    """
    deadline = clock.seconds() + workspace.site.lock_timeout
    attempts = _ATTEMPTS
    while attempts or (is_locked(file) and clock.seconds() < deadline):
        with suppress(ValueError, KeyError, TypeError):
            return read_state(file.read_bytes())
        attempts -= bool(attempts)
        if workspace.site.stop.wait(_SECONDS_BETWEEN):
            break
    content = file.read_bytes()
    try:
        return read_state(content)
    except (ValueError, KeyError, TypeError) as error:
        if is_locked(file):
            raise _locked(workspace, file) from error
        if not content and never_written(file):
            return NOTHING
        raise _damaged(workspace, file, empty=not content.strip()) from error


def planned_snapshot(workspace: Workspace, plan_file: Path) -> Snapshot:
    """Return the state that a plan was made against, its secrets learnt; raises TerraformError, or Interrupted.

    The plan file itself has it, which spares a process that costs seconds with large providers. What such a file holds
    is not documented, and OpenTofu may encrypt it: then the engine is asked for the state. So it is where a backend may
    have written an empty state first: the plan file has the outputs in it that are known already.
    """
    saved = _saved_snapshot(workspace, plan_file)
    return pulled_snapshot(workspace) if saved is None or saved.first else saved


def _saved_snapshot(workspace: Workspace, plan_file: Path) -> Snapshot | None:
    with suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        with zipfile.ZipFile(plan_file) as archive:
            snapshot = read_state(archive.read("tfstate"))
        learn(workspace, snapshot)
        return snapshot if snapshot.readable else None
    return None


def learn(workspace: Workspace, snapshot: Snapshot) -> None:
    """Learn what a state marks as sensitive."""
    for secret in snapshot.secrets:
        workspace.site.secrets.learn(secret)


def asked_outputs(workspace: Workspace) -> Mapping[str, Output]:
    """Return the outputs that ``output -json`` tells, their secrets learnt."""
    text = captured(
        workspace,
        arguments(workspace.site.binary, "output", json=FLAG, no_color=FLAG),
        doing="reading the outputs",
    )
    outputs = read_outputs_block(json.loads(text))
    for output in outputs.values():
        if output.sensitive:
            workspace.site.secrets.learn(output.value)
    return outputs


def captured(workspace: Workspace, argv: tuple[str, ...], *, doing: str) -> str:
    """Run a command and return what it prints; raises TerraformError, or Interrupted."""
    ended = capture(workspace, argv)
    if ended.capped:
        megabytes = workspace.site.limits.output // 1024**2
        message = f"{workspace.unit}: {doing} was given up, since it is more than {megabytes} MB"
        raise TerraformError(
            message, hint="split the module: no plan of that size can be looked at"
        )
    if ended.code == 0:
        return ended.stdout
    if ended.interrupted:
        raise Interrupted(f"{workspace.unit}: stopped while {doing}; nothing was changed")
    if ended.overran:
        message = f"{workspace.unit}: {doing} was stopped, since {ended.overran}"
        raise TerraformError(message, hint=ended.remedy, detail=ended.stderr)
    raise failure(workspace.unit, doing, ended.diagnostics, output=ended.stderr)


def _locked(workspace: Workspace, file: Path) -> TerraformError:
    told = ""
    with suppress(OSError):
        told = lock_info(file).read_text(encoding="utf-8")
    return TerraformError(
        f"{workspace.unit}: {lock_of_file(told).told(clock.now())}",
        hint="wait until that has finished",
        detail=told,
    )


def _damaged(workspace: Workspace, file: Path, *, empty: bool) -> TerraformError:
    kept = backup(file)
    way = f"restore it from {kept}" if kept.exists() else "restore it from a copy"
    return TerraformError(
        f"{workspace.unit}: the state file {file} is {'empty' if empty else 'damaged'}",
        hint=f"{way}; delete it only if nothing of this module exists any more",
    )
