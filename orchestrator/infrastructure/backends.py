"""Which state a backend's settings mean, and whether a change of them would leave one behind; pure but for a look.

Terraform compares all settings, and asks for a flag that either copies state or forgets it. What matters is
whether the state is still the same one: a new credential or locking does not move it.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.stack.model import Json

# What locates the state, by backend, as their documentation tells; of any other, all settings count.
_LOCATING: Mapping[str, tuple[str, ...]] = {
    "azurerm": ("storage_account_name", "container_name", "key", "environment"),
    "consul": ("address", "path", "datacenter"),
    "cos": ("region", "bucket", "prefix", "key"),
    "gcs": ("bucket", "prefix"),
    "http": ("address",),
    "kubernetes": ("secret_suffix", "namespace", "host", "config_context"),
    "oss": ("region", "bucket", "prefix", "key"),
    "pg": ("schema_name",),
    "s3": ("bucket", "key", "workspace_key_prefix", "endpoint", "endpoints"),
}


def refuse_to_leave_state(workspace: Workspace) -> None:
    """Raise TerraformError when the stack moved on to another state while the former one holds something.

    A plan against the new, empty one would create everything a second time.
    """
    file = workspace.own_state_file
    if workspace.local_state is None and file.exists() and file.stat().st_size:
        raise TerraformError(
            f"{workspace.unit}: its state would be left behind in {file}",
            hint=f"copy it to the new backend (`state push`, or `init -migrate-state`), then remove {file}",
        )
    kind, settings = _former(workspace)
    if kind in {"", "local"} or _same_state(workspace, kind, settings):
        return
    where = ", ".join(f"{name}={value}" for name, value in sorted(_located(kind, settings).items()))
    raise TerraformError(
        workspace.site.secrets.redact(
            f"{workspace.unit}: its state would be left behind in backend {kind!r} ({where})"
        ),
        hint="copy it to where `state:` now says (`state pull` and `state push`, or `init -migrate-state`), "
        f"then remove {workspace.data}",
    )


def _former(workspace: Workspace) -> tuple[str, Mapping[str, Any]]:
    """Return the backend that the unit's folder was initialised with, as Terraform noted it there."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        noted = json.loads((workspace.data / "terraform.tfstate").read_text())["backend"]
        return str(noted["type"]), noted["config"]
    return "", {}


def _same_state(workspace: Workspace, kind: str, settings: Mapping[str, Any]) -> bool:
    return workspace.state.backend == kind and _located(kind, workspace.state.config) == _located(
        kind, settings
    )


def _located(kind: str, settings: Mapping[str, Json]) -> dict[str, str]:
    """Return what locates the state; settings that are absent and those that are empty are the same."""
    names = _LOCATING.get(kind) or tuple(settings)
    found = {name: _without_empty(settings.get(name)) for name in names}
    return {
        name: json.dumps(value, sort_keys=True)
        for name, value in found.items()
        if value not in (None, "", {})
    }


def _without_empty(value: Json) -> Json:
    if isinstance(value, list) and len(value) == 1:  # a nested block is noted as a list of one
        return _without_empty(value[0])
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner not in (None, "")}
    return value
