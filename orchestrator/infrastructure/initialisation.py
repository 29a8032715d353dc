"""``terraform init``: when it is needed at all, and running it."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import Interrupted
from orchestrator.infrastructure.private import make_private, write_private
from orchestrator.infrastructure.reading.diagnostics import failure
from orchestrator.infrastructure.run import FLAG, Ended, arguments, capture
from orchestrator.infrastructure.workspace import Workspace

_LOCK_FILE = ".terraform.lock.hcl"
_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json", _LOCK_FILE)


def initialise_on_need(workspace: Workspace) -> None:
    """Initialise the workspace, unless nothing that matters for it changed since the last time.

    What this overlooks (a new provider inside a nested module) a plan refuses, and is then done again.
    """
    if _remembered(workspace) != _key(workspace):
        initialise(workspace)


def initialise(workspace: Workspace) -> None:
    """Run ``init``; raises TerraformError, or Interrupted."""
    key_file = workspace.data / "initialised"
    make_private(workspace.data)
    key_file.unlink(missing_ok=True)
    ended = _run(workspace)
    if ended.code != 0:
        if ended.interrupted:
            raise Interrupted(f"{workspace.unit}: stopped while initialising; nothing was changed")
        raise failure(
            workspace.unit,
            "init",
            ended.diagnostics,
            output=workspace.site.secrets.redact(ended.stderr),
        )
    write_private(key_file, _key(workspace))


def _run(workspace: Workspace) -> Ended:
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
        return capture(workspace, argv)
    finally:
        config.unlink(missing_ok=True)


def _committed_lock(workspace: Workspace) -> Path:
    return workspace.module.directory / _LOCK_FILE


def _remembered(workspace: Workspace) -> str:
    with suppress(OSError):
        return (workspace.data / "initialised").read_text()
    return ""


def _key(workspace: Workspace) -> str:
    """Return a digest of what initialisation depends on; backend settings count, since Terraform keeps them."""
    binary = workspace.site.binary
    digest = hashlib.sha256()
    parts = [binary.product, str(binary.version), str(workspace.directory), workspace.state.backend]
    parts.append(json.dumps(workspace.backend_config, sort_keys=True))
    for file in sorted(workspace.directory.iterdir()):
        if file.name.endswith(_CONFIGURATION):
            parts += [file.name, file.read_bytes().hex()]
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()
