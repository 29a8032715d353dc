"""Planning one module: a saved plan file, and what it says as data."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from orchestrator.errors import Interrupted, TerraformError
from orchestrator.infrastructure.declarations import declared
from orchestrator.infrastructure.layout.leftovers import SCRATCH, sweep_plans, sweep_scratch
from orchestrator.infrastructure.layout.occupancy import occupied, unsaved_state
from orchestrator.infrastructure.layout.private import make_private, write_private
from orchestrator.infrastructure.outputs import shapes, with_nulls
from orchestrator.infrastructure.reading.diagnostics import Diagnostic, in_order, sentence
from orchestrator.infrastructure.reading.fields import Document, Hides
from orchestrator.infrastructure.reading.plan import Reading, check_format, find_secrets, read_plan
from orchestrator.infrastructure.reading.shapes import Shape
from orchestrator.infrastructure.running.initialisation import followed, initialise_on_need
from orchestrator.infrastructure.running.progress import Progress
from orchestrator.infrastructure.running.run import FLAG, Ended, arguments
from orchestrator.infrastructure.states import (
    asked_outputs,
    captured,
    local_snapshot,
    planned_snapshot,
    pulled_snapshot,
)
from orchestrator.infrastructure.workspace import INPUTS_FILE, Workspace
from orchestrator.plans.change import Change
from orchestrator.plans.events import Event
from orchestrator.stack.expressions import Tree, leaves
from orchestrator.stack.model import Json
from orchestrator.stack.scope import Output

_NO_CHANGES, _CHANGES = 0, 2  # what `plan -detailed-exitcode` ends with, beside 1 for an error


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlan:
    """What Terraform would do to one module.

    ``unchanged`` counts the resources that stay, where that is known; ``outputs`` are the values as planned,
    with those not known yet marked. ``plan_file`` is None when there is nothing to do. ``state_stamp`` names
    the state that the plan was made against; ``drift`` is what others changed since the last apply.
    """

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    outputs: Mapping[str, Output]
    plan_file: Path | None = None
    warnings: tuple[str, ...] = ()
    state_stamp: str = ""
    drift: tuple[Change, ...] = ()


def plan_module(
    workspace: Workspace,
    inputs: Mapping[str, Json],
    *,
    destroy: bool = False,
    on_event: Callable[[Event], None],
) -> ModulePlan:
    """Plan a module, or its destruction, and keep the plan file when there is something to do.

    Raises TerraformError with Terraform's own messages, Interrupted, or StorageError.
    """
    with occupied(workspace):
        state = local_snapshot(workspace)
        if destroy and state is not None and state.empty and unsaved_state(workspace) is None:
            return ModulePlan(outputs={}, state_stamp=state.stamp)
        inputs = {**_untold(workspace, inputs), **inputs} if destroy else inputs
        learn_inputs(workspace, inputs)
        met = state is not None and state.readable
        progress = Progress(workspace.unit, workspace.site.secrets, on_event, keys=met)
        initialise_on_need(workspace, progress)
        with _variables(workspace, inputs) as variables, _new_plan_file(workspace) as plan_file:
            argv = _arguments(workspace, plan_file, variables, destroy=destroy)
            ended = followed(workspace, argv, journal="plan.jsonl", progress=progress)
            if ended.code not in {_NO_CHANGES, _CHANGES}:
                raise progress.failed("plan", ended if met else _with_secrets_met(workspace, ended))
            plan = _read(workspace, plan_file, ended, progress)
            return replace(plan, outputs={}) if destroy else plan


def _with_secrets_met(workspace: Workspace, ended: Ended) -> Ended:
    """Return how a plan failed, the secrets learnt of the state that it read from its backend.

    A state that cannot be read now could not be read by the plan either. Who interrupts is told no details: there is
    no time to look what is secret of them.
    """
    if ended.interrupted:
        return replace(ended, diagnostics=(), stderr="")
    with suppress(TerraformError, Interrupted, ValueError, KeyError, TypeError):
        pulled_snapshot(workspace)
    return ended


def reopen_plan(workspace: Workspace, content: bytes | None, *, state_stamp: str) -> ModulePlan:
    """Return a plan again from what was kept of its plan file; None is one that had nothing to do.

    ``state_stamp`` names the state that it was made against. Raises TerraformError.
    """
    with occupied(workspace):
        initialise_on_need(workspace)
        if content is None:
            outputs = with_nulls(workspace, asked_outputs(workspace))
            return ModulePlan(outputs=outputs, state_stamp=state_stamp)
        with _new_plan_file(workspace) as plan_file:
            plan_file.write_bytes(content)
            planned_snapshot(workspace, plan_file)  # learns its secrets
            reading = shown(workspace, plan_file)
        return ModulePlan(
            changes=reading.changes,
            unchanged=reading.unchanged,
            outputs=with_nulls(workspace, reading.outputs),
            plan_file=plan_file,
            warnings=tuple(map(workspace.site.secrets.redact, reading.failed_checks)),
            state_stamp=state_stamp,
            drift=reading.drift,
        )


def discard_plan(plan_file: Path) -> None:
    """Remove a plan file that will not be applied; it holds secrets in clear text."""
    plan_file.unlink(missing_ok=True)


def locking(workspace: Workspace) -> dict[str, str]:
    """Return the options with which a command waits for a locked state."""
    return {"lock_timeout": f"{workspace.site.lock_timeout}s"}


def learn_inputs(workspace: Workspace, inputs: Mapping[str, Json]) -> None:
    """Learn what the module itself calls sensitive, before Terraform can quote it in a message."""
    passed = workspace.site.settings.environment
    for name, variable in declared(workspace.module.directory, "").variables.items():
        if variable.sensitive:
            workspace.site.secrets.learn(inputs.get(name))
            workspace.site.secrets.learn(passed.get(f"TF_VAR_{name}"))


def _untold(workspace: Workspace, inputs: Mapping[str, Json]) -> dict[str, Json]:
    """Return a null for each input that nobody can tell any more: Terraform destroys nothing without them."""
    given = {*inputs, *(name.removeprefix("TF_VAR_") for name in workspace.site.passes)}
    variables = declared(workspace.module.directory, "").variables
    return {name: None for name, one in variables.items() if one.required and name not in given}


def _arguments(
    workspace: Workspace, plan_file: Path, variables: Path, *, destroy: bool
) -> tuple[str, ...]:
    return arguments(
        workspace.site.binary,
        "plan",
        json=FLAG,
        input=False,
        detailed_exitcode=FLAG,
        destroy=FLAG if destroy else None,
        out=str(plan_file),
        refresh=None if workspace.site.refresh else False,
        var_file=[str(variables)],
        **locking(workspace),
    )


def _read(workspace: Workspace, plan_file: Path, ended: Ended, progress: Progress) -> ModulePlan:
    before = planned_snapshot(workspace, plan_file)
    told = [one for one in in_order(ended.diagnostics) if one.warning and not one.undecided]
    if ended.code == _NO_CHANGES:
        discard_plan(plan_file)
        return ModulePlan(
            outputs=with_nulls(workspace, before.outputs),
            warnings=tuple(map(sentence, told)),
            state_stamp=before.stamp,
            drift=progress.drift,
        )
    reading = shown(workspace, plan_file)
    return ModulePlan(
        changes=reading.changes,
        unchanged=reading.unchanged,
        outputs=with_nulls(workspace, reading.outputs),
        plan_file=plan_file,
        warnings=warnings_of(workspace, reading, told),
        state_stamp=before.stamp,
        drift=reading.drift,
    )


def warnings_of(
    workspace: Workspace, reading: Reading, told: Iterable[Diagnostic]
) -> tuple[str, ...]:
    """Return what a plan warns of, each once: checks that fail, and what the stream told beside them."""
    redact = workspace.site.secrets.redact  # knows more than it did when the warnings came
    failed = tuple(map(redact, reading.failed_checks))
    known = (one.redacted(redact) for one in told)
    return (*failed, *(sentence(one) for one in known if not _told_by(failed, one)))


def _told_by(failed_checks: tuple[str, ...], warning: Diagnostic) -> bool:
    """Whether a failed check of the plan document says all that a warning of the stream does."""
    message = " ".join(warning.detail.split())
    return warning.of_a_check and any(message in told for told in failed_checks)


ReadPlan = Callable[[Document, Hides, Callable[[str], Shape]], Reading]


def shown(workspace: Workspace, plan_file: Path, read: ReadPlan = read_plan) -> Reading:
    """Return what a plan file says, its secrets learnt; raises TerraformError, or Interrupted."""
    argv = arguments(workspace.site.binary, "show", str(plan_file), json=FLAG, no_color=FLAG)
    document: dict[str, Any] = json.loads(captured(workspace, argv, doing="reading the plan"))
    secrets = workspace.site.secrets
    try:
        check_format(document)
        for secret in find_secrets(document):
            secrets.learn(secret)
        return read(document, lambda value: _hides(workspace, value), shapes(workspace))
    except (ValueError, KeyError) as error:
        raise TerraformError(
            f"{workspace.unit}: the plan cannot be used: {error}",
            hint=f"{workspace.site.binary} may be too new; choose another version with `terraform: {{version: …}}`",
        ) from error


def _hides(workspace: Workspace, value: Json) -> bool:
    if workspace.confided and not workspace.confided.isdisjoint(leaves(cast(Tree, value))):
        return True
    secrets = workspace.site.secrets
    if isinstance(value, int | float) and not isinstance(value, bool):
        return secrets.redact(str(value)) != str(value)
    return secrets.redact_json(value) != value


@contextmanager
def _variables(workspace: Workspace, inputs: Mapping[str, Json]) -> Iterator[Path]:
    with scratch(workspace) as folder:
        yield write_variables(folder, inputs)


@contextmanager
def scratch(workspace: Workspace) -> Iterator[Path]:
    """Yield a folder for files with values, that only its owner may enter and that is gone afterwards."""
    sweep_scratch(workspace.home)  # of a process that was killed: we are alone here
    with tempfile.TemporaryDirectory(dir=workspace.home, prefix=SCRATCH) as folder:
        yield Path(folder)


def write_variables(folder: Path, inputs: Mapping[str, Json]) -> Path:
    """Write inputs as Terraform takes them, one on each line, and return the file."""
    file = folder / INPUTS_FILE
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in inputs.items())
    write_private(file, "{\n" + ",\n".join(lines) + "\n}\n")
    return file


@contextmanager
def _new_plan_file(workspace: Workspace) -> Iterator[Path]:
    """Yield a name for a plan file, and remove the file if planning fails.

    Plans that nobody came back for, such as those of a killed process, go after a day.
    """
    sweep_plans(workspace.plans)
    descriptor, name = tempfile.mkstemp(dir=make_private(workspace.plans), suffix=".tfplan")
    os.close(descriptor)
    plan_file = Path(name)
    try:
        yield plan_file
    except BaseException:
        discard_plan(plan_file)
        raise
