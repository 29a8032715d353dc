"""What an apply could not save: a state that its backend refused is pushed as soon as that answers again."""

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.layout.occupancy import unsaved_state
from orchestrator.infrastructure.reading.diagnostics import failure
from orchestrator.infrastructure.running.run import arguments, capture
from orchestrator.infrastructure.workspace import Workspace

_ATTEMPTS = 3
_SECONDS_BETWEEN = 2.0


def push_unsaved_state(workspace: Workspace) -> bool:
    """Push the state that an earlier apply could not save, if there is one; return whether there was.

    Terraform refuses it when the state moved on since, so nothing is overwritten. Raises TerraformError when
    it cannot be saved now either: planning without it would create everything again.
    """
    kept = unsaved_state(workspace)
    if kept is None:
        return False
    ended = capture(workspace, arguments(workspace.site.binary, "state push", str(kept)))
    if ended.code == 0:
        kept.unlink()
        return True
    engine = " ".join(workspace.site.binary.argv)
    push = f"TF_DATA_DIR={workspace.data} {engine} -chdir={workspace.directory} state push {kept}"
    cause = failure(workspace.unit, "pushing it", ended.diagnostics, output=ended.stderr)
    raise TerraformError(
        f"{workspace.unit}: an apply could not save its state; it is kept in {kept}",
        hint=f"plan again when the backend works: that pushes it; or do it yourself: {push} && rm {kept}",
        detail=f"{cause.message}\n{cause.detail}".strip(),
    )


def push_with_patience(workspace: Workspace) -> bool:
    """Push what the apply that just ended could not save, waiting some seconds for the backend.

    Returns whether there was something, and raises TerraformError as ``push_unsaved_state`` does.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return push_unsaved_state(workspace)
        except TerraformError:
            if workspace.site.stop.wait(_SECONDS_BETWEEN):
                break
    return push_unsaved_state(workspace)
