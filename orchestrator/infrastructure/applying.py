"""Applying one module: the saved plan file, and nothing else."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import TerraformError
from orchestrator.infrastructure.layout.occupancy import occupied, refuse_unsaved_state
from orchestrator.infrastructure.planning import discard_plan, locking
from orchestrator.infrastructure.running.initialisation import followed, initialise_on_need
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import FLAG, arguments
from orchestrator.infrastructure.states import asked_outputs, local_snapshot
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.events import Event
from orchestrator.processes import Stop
from orchestrator.stack.scope import Output


def apply_module(
    workspace: Workspace, plan_file: Path, *, on_event: Callable[[Event], None]
) -> Mapping[str, Output]:
    """Execute a saved plan and return the module's outputs; the plan file is removed when that succeeded.

    Raises TerraformError with Terraform's own messages, PlanRefused when the state moved since the plan was
    made, Interrupted, or StorageError.
    """
    with occupied(workspace):
        progress = Progress(workspace.unit, workspace.site.secrets, on_event)
        initialise_on_need(workspace, progress)
        argv = arguments(
            workspace.site.binary,
            "apply",
            str(plan_file),
            json=FLAG,
            input=False,
            **locking(workspace),
        )
        ended = followed(workspace, argv, journal="apply.jsonl", progress=progress)
        if ended.code != 0:
            refuse_unsaved_state(workspace)
            with suppress(
                TerraformError
            ):  # a state that the engine left damaged is not what failed
                local_snapshot(workspace)
            raise progress.failed("apply", ended)
        discard_plan(plan_file)
        state = local_snapshot(workspace)
        if state is not None and state.readable:
            return state.outputs
        told = progress.outputs
        return told if told is not None else asked_outputs(_unhurried(workspace))


def _unhurried(workspace: Workspace) -> Workspace:
    """Return the workspace for what still belongs to a finished apply, also when it was asked to stop meanwhile."""
    return replace(workspace, site=replace(workspace.site, stop=Stop()))
