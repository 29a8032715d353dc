"""``terraform init``: when it is needed at all, and running it."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import Interrupted, OrchestratorError, TerraformError
from orchestrator.infrastructure.backends import refuse_to_leave_state
from orchestrator.infrastructure.layout.private import make_private, write_private
from orchestrator.infrastructure.reading.diagnostics import STALE_INITIALISATION, failure
from orchestrator.infrastructure.running.plugin_cache import (
    alone_in_plugin_cache,
    does_not_fit,
    own_plugin_cache,
)
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import (
    FLAG,
    Ended,
    arguments,
    command_of,
    follow,
    listen,
)
from orchestrator.infrastructure.running.unsaved import push_unsaved_state
from orchestrator.infrastructure.workspace import Workspace

_ATTEMPTS_AT_LOCK = 5
_SECONDS_BETWEEN = 0.5
_LOCK_FILE = ".terraform.lock.hcl"


def initialise_on_need(workspace: Workspace, progress: Progress | None = None) -> None:
    """Initialise the workspace, unless it was and still has the same engine, backend and lock file.

    Providers and modules that came since then a plan refuses at once, and is then initialised and done again:
    most edits bring none, and with large providers an initialisation costs a second and more. A state that an
    earlier apply could not save is saved first; raises TerraformError when that is not possible yet.
    """
    if _remembered(workspace) != _key(workspace):
        initialise(workspace, progress)
    push_unsaved_state(workspace)


def initialise(workspace: Workspace, progress: Progress | None = None) -> None:
    """Run ``init``; raises TerraformError, or Interrupted.

    What it downloads is told to ``progress``, since that can take minutes.

    A backend with other settings is taken as it is now (``-reconfigure``): whether that would lose sight of
    state is asked first, and better than Terraform does.
    """
    refuse_to_leave_state(workspace)
    key_file = workspace.data / "initialised"
    make_private(workspace.data)
    key_file.unlink(missing_ok=True)
    with alone_in_plugin_cache(workspace) as keeps:
        ended = _run(workspace, progress, keeps=keeps)
        if ended.code != 0 and _own_lock_is_outdated(workspace, ended):
            (workspace.directory / _LOCK_FILE).unlink()
            ended = _run(workspace, progress, keeps=keeps)
        if ended.code != 0 and does_not_fit(ended):
            ended = _run(workspace, progress, own_plugin_cache(workspace), keeps=keeps)
        if ended.code != 0:
            raise _failed(workspace, ended)
    write_private(key_file, _key(workspace))


def _failed(workspace: Workspace, ended: Ended) -> OrchestratorError:
    if ended.interrupted:
        return Interrupted(f"{workspace.unit}: stopped while initialising; nothing was changed")
    if ended.overran:
        message = f"{workspace.unit}: init was stopped, since {ended.overran}"
        return TerraformError(message, hint=ended.remedy, detail=ended.stderr)
    return failure(workspace.unit, "init", ended.diagnostics, output=ended.stderr)


def followed(
    workspace: Workspace, argv: tuple[str, ...], *, journal: str, progress: Progress
) -> Ended:
    """Run a command with its events, and once more when it found the initialisation to be out of date.

    The events are left in the journal only if this process dies.
    """
    file = workspace.home / journal
    ended = follow(workspace, argv, journal=file, on_message=progress.take)
    if ended.code == 1 and any(one.summary in STALE_INITIALISATION for one in ended.diagnostics):
        initialise(workspace, progress)
        ended = follow(workspace, argv, journal=file, on_message=progress.take)
    for _ in range(_ATTEMPTS_AT_LOCK):
        if not _lock_vanished(ended) or workspace.site.stop.wait(_SECONDS_BETWEEN):
            break
        ended = follow(workspace, argv, journal=file, on_message=progress.take)
    file.unlink(missing_ok=True)
    return ended


def _lock_vanished(ended: Ended) -> bool:
    """Whether a lock went away while the engine read who has it: with S3, it waits no longer then, but gives up."""
    return ended.code == 1 and any(
        one.summary == "Error acquiring the state lock" and "StatusCode: 404" in one.detail
        for one in ended.diagnostics
    )


def _run(
    workspace: Workspace,
    progress: Progress | None,
    variables: Mapping[str, str] | None = None,
    *,
    keeps: tuple[int, ...],
) -> Ended:
    config = workspace.data / "backend.json"
    try:
        write_private(config, json.dumps(workspace.backend_config))
        argv = arguments(
            workspace.site.binary,
            "init",
            input=False,
            no_color=FLAG,
            reconfigure=FLAG,
            lockfile="readonly" if _committed_lock(workspace).exists() else None,
            backend_config=[str(config)],
        )
        on_line = progress.take_line if progress else _pass_over
        journal = workspace.home / "init.txt"
        command = replace(command_of(workspace, argv, variables), keeps=keeps)
        return listen(workspace, command, journal=journal, on_line=on_line)
    finally:
        config.unlink(missing_ok=True)


def _pass_over(_line: str) -> None:
    """Say nothing: there is nobody to say it to."""


def _own_lock_is_outdated(workspace: Workspace, ended: Ended) -> bool:
    """Return whether init failed over the versions that it chose itself, for lack of a committed lock file."""
    own = (workspace.directory / _LOCK_FILE).exists() and not _committed_lock(workspace).exists()
    return own and any("init -upgrade" in diagnostic.detail for diagnostic in ended.diagnostics)


def _committed_lock(workspace: Workspace) -> Path:
    return workspace.module.directory / _LOCK_FILE


def _remembered(workspace: Workspace) -> str:
    with suppress(OSError):
        return (workspace.data / "initialised").read_text()
    return ""


def _key(workspace: Workspace) -> str:
    """Return a digest of what a plan would not notice, or only after seconds: engine, backend, committed lock file.

    Backend settings count, since Terraform keeps those that it was initialised with.
    """
    binary = workspace.site.binary
    lock_file = _committed_lock(workspace)
    parts = (
        binary.product,
        str(binary.version),
        str(workspace.directory),
        workspace.state.backend,
        json.dumps(workspace.backend_config, sort_keys=True),
        lock_file.read_text() if lock_file.exists() else "",
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
