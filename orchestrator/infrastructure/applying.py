"""Applying one module: the saved plan file, and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.errors import OrchestratorError, StorageError, TerraformError
from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.layout.beginnings import noting_first
from orchestrator.infrastructure.layout.occupancy import occupied, torn_state
from orchestrator.infrastructure.outputs import with_nulls
from orchestrator.infrastructure.planning import (
    discard_plan,
    learn_inputs,
    locking,
    scratch,
    write_variables,
)
from orchestrator.infrastructure.reading.state import Snapshot
from orchestrator.infrastructure.running.initialisation import followed, initialise_on_need
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import FLAG, Ended, arguments
from orchestrator.infrastructure.running.unsaved import push_with_patience
from orchestrator.infrastructure.states import asked_outputs, local_snapshot, pulled_snapshot
from orchestrator.infrastructure.workspace import Workspace
from orchestrator.plans.events import Event
from orchestrator.processes import Stop
from orchestrator.stack.model import Json
from orchestrator.stack.scope import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of applying a module: its outputs, and the stamp of its state, empty where that is not known."""

    outputs: Mapping[str, Output]
    state_stamp: str = ""


def apply_module(
    workspace: Workspace,
    plan_file: Path,
    *,
    inputs: Mapping[str, Json] | None = None,
    on_event: Callable[[Event], None],
) -> Applied:
    """Execute a saved plan and return what came of it; the plan file is removed when that succeeded.

    ``inputs`` are those that it was made with: a plan file has none that is ephemeral, so that they are given again.
    Raises TerraformError with Terraform's own messages, PlanRefused when the state moved since the plan was
    made, Interrupted, or StorageError.
    """
    with occupied(workspace):
        listener = noting_first(workspace, on_event)
        progress = Progress(workspace.unit, workspace.site.secrets, listener)
        initialise_on_need(workspace, progress)
        learn_inputs(workspace, inputs or {})
        with _given_again(workspace, inputs or {}) as variables:
            argv = arguments(
                workspace.site.binary,
                "apply",
                str(plan_file),
                json=FLAG,
                input=False,
                var_file=variables,
                **locking(workspace),
            )
            ended = followed(workspace, argv, journal="apply.jsonl", progress=progress)
        if ended.code != 0:
            if torn := torn_state(workspace):
                raise _lost(workspace, torn, progress, ended)
            if push_with_patience(_unhurried(workspace)):
                raise _saved_late(workspace, progress.failed("apply", ended))
            # A state that the engine left damaged is not what failed.
            with suppress(TerraformError):
                local_snapshot(workspace)
            raise progress.failed("apply", ended)
        discard_plan(plan_file)
        return _applied(_unhurried(workspace), progress.outputs)


@contextmanager
def _given_again(workspace: Workspace, inputs: Mapping[str, Json]) -> Iterator[list[str]]:
    """Yield a file with the inputs that no plan file has, or none where there are no such."""
    variables = declared(workspace.module.directory, "").variables
    missing = {
        name: value
        for name, value in inputs.items()
        if name in variables and variables[name].ephemeral
    }
    if not missing:
        yield []
        return
    with scratch(workspace) as folder:
        yield [str(write_variables(folder, missing))]


def _lost(workspace: Workspace, torn: Path, progress: Progress, ended: Ended) -> StorageError:
    done = ", ".join(progress.done) or "nothing that is known"
    return StorageError(
        f"{workspace.unit}: the disk is full, and what this apply changed is in no state: {done}",
        hint="free some space; before you apply again, see whether something of it exists that would then be"
        f" made twice, and import or delete it; what could be written is in {torn}",
        detail=progress.failed("apply", ended).detail,
    )


def _saved_late(workspace: Workspace, cause: OrchestratorError) -> TerraformError:
    return TerraformError(
        f"{workspace.unit}: the backend refused the state of the apply; it is saved by now",
        hint="plan again: nothing that was made is lost, and the plan shows what is left to do",
        detail=cause.detail,
    )


def _applied(workspace: Workspace, told: Mapping[str, Output] | None) -> Applied:
    state = local_snapshot(workspace) or _pulled(workspace)
    stamp = state.stamp if state else ""
    if state is not None and state.empty:  # after a destruction: nothing is null, all is gone
        return Applied(outputs={}, state_stamp=stamp)
    if state is not None and state.readable:
        outputs = state.outputs
    else:
        outputs = asked_outputs(workspace) if told is None else told
    return Applied(outputs=with_nulls(workspace, outputs), state_stamp=stamp)


def _pulled(workspace: Workspace) -> Snapshot | None:
    """Return the state from its backend, None if that does not answer any more: the apply succeeded all the same."""
    with suppress(TerraformError):
        return pulled_snapshot(workspace)
    return None


def _unhurried(workspace: Workspace) -> Workspace:
    """Return the workspace for what still belongs to a finished apply, also when it was asked to stop meanwhile."""
    return replace(workspace, site=replace(workspace.site, stop=Stop()))
