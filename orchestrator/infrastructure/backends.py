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
from orchestrator.stack.written.locating import located


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
    where = ", ".join(f"{name}={value}" for name, value in sorted(located(kind, settings).items()))
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
    return workspace.state.backend == kind and located(kind, workspace.state.config) == located(
        kind, settings
    )
