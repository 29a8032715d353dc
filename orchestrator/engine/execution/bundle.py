"""A saved plan: one file that `apply` executes just as it was shown, here or on another machine, or refuses.

It holds a description of what the plan was made from, and the plan file of every module that has something to
do. The workloads are planned again when it is opened; since the digest covers every value, they are executed
only when that comes out the same.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.execution.archive import (
    Archive,
    Description,
    MadeFrom,
    packed,
    unpacked,
    write,
)
from orchestrator.engine.execution.sealing import (
    Ask,
    check_recipients,
    given_passphrase,
    is_sealed,
    seal,
    unseal,
)
from orchestrator.engine.execution.verification import only_noted_since
from orchestrator.engine.planning.infrastructure import resolve_inputs
from orchestrator.engine.planning.plan import Planned, make_plan
from orchestrator.engine.planning.planned import PlannedModule, outputs_of
from orchestrator.engine.planning.selection import Selection
from orchestrator.engine.session import Session, Surroundings, session_at
from orchestrator.errors import InvalidStack, PlanRefused, UsageError
from orchestrator.infrastructure.modules import (
    ModulePlan,
    Workspace,
    reopen_plan,
    state_stamp,
    workers,
)
from orchestrator.infrastructure.traces import adopt_lock, lock_text, trace_of
from orchestrator.plans.digest import exact_digest
from orchestrator.plans.plan import Plan
from orchestrator.repository.repository import Repository, open_repository
from orchestrator.stack.model import UnitId

_AGAIN = "plan again, and look at what changed"
_OUT_OF_SIGHT = "below .orchestrator/, which Git ignores, or outside of the repository"


def check_target(file: Path, *, shown: str, recipients: Sequence[str]) -> None:
    """Refuse to save a plan where no file can be or for what is nobody, before it is made; raises UsageError."""
    check_recipients(recipients)
    if not file.parent.is_dir():
        message = f"there is no directory to save the plan {shown!r} in"
        raise UsageError(message, hint="make it first, or choose another place")


def save(planned: Planned, file: Path, *, recipients: Sequence[str], ask: Ask) -> bool:
    """Write a plan to a file that only its owner can read; return whether Git notices that file.

    With ``recipients`` it is encrypted. Raises StorageError, and UsageError for a plan of uncommitted files
    that would be one of them itself.
    """
    noticed = planned.session.repository.notices(file)
    if noticed and planned.session.revision.dirty:
        message = "the plan would be one of the uncommitted files that it is made from"
        raise UsageError(message, hint=f"save it {_OUT_OF_SIGHT}")
    content = packed(_archived(planned))
    if recipients:
        around = planned.session.surroundings
        content = seal(
            content, recipients, lambda: given_passphrase(around.settings, around.secrets, ask)
        )
    write(file, content)
    return noticed


def saved_to(shown: str, *, noticed: bool, encrypted: bool) -> str:
    """Return what a person is told about a plan that was saved."""
    kept = "encrypted" if encrypted else "readable only by you: it may hold secrets"
    advice = f"Git would take it into a commit: better save plans {_OUT_OF_SIGHT}."
    return f"Saved to {shown}, {kept}.\n{advice}" if noticed else f"Saved to {shown}, {kept}."


def open_bundle(
    surroundings: Surroundings, file: Path, resources: ExitStack, *, ask: Ask
) -> Planned:
    """Open a saved plan for execution; ``ask`` asks for the passphrase of an encrypted one.

    Raises UsageError for a file that is none or cannot be decrypted, PlanRefused when it can no longer be
    executed as it was shown.
    """
    archive = unpacked(_content(surroundings, file, ask), shown=str(file))
    description = archive.description
    repository = open_repository(surroundings.directory)
    session = _session(surroundings, repository, description)
    selection = Selection(only=tuple(description.only), destroy=description.destroy)
    planned = make_plan(session, selection, resources, saved=_Saved(archive=archive).module)
    if not only_noted_since(planned.store, description.head, planned.ledger.head):
        raise PlanRefused("the stack was applied since this plan was made", hint=_AGAIN)
    _check_cluster(planned, description)
    _check_other_states(planned, description)
    _check_inputs(planned, description)
    if exact_digest(planned.plan) != description.digest:
        moved = (
            ", ".join(_moved(planned.plan, description.effects)) or "values of the changes shown"
        )
        raise PlanRefused(f"the world moved since this plan was made: {moved}", hint=_AGAIN)
    return planned


def _content(surroundings: Surroundings, file: Path, ask: Ask) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if not is_sealed(content):
        return content
    return unseal(
        content,
        shown=str(file),
        settings=surroundings.settings,
        secrets=surroundings.secrets,
        ask=ask,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """The modules' part of a saved plan."""

    archive: Archive

    def module(self, unit: UnitId, workspace: Workspace) -> ModulePlan | None:
        """Return a module as it was planned, None for one that was not, or waits; raises PlanRefused when it moved."""
        made_from = self.archive.description.modules.get(unit)
        if made_from is None:
            return None
        binary = workspace.site.binary
        if f"{binary.product} {binary.version}" != made_from.engine:
            message = f"the plan of {unit} was made by {made_from.engine}, and {binary} is here"
            raise PlanRefused(message, hint="a plan file works with the very version that made it")
        plan_file = self.archive.plan_files.get(unit)
        adopt_lock(workspace, self.archive.lock_files.get(unit, ""))
        _check_origin(unit, workspace, made_from, acts=plan_file is not None)
        if made_from.waits:
            return None
        return reopen_plan(workspace, plan_file, state_stamp=made_from.state)


def _check_origin(unit: UnitId, workspace: Workspace, made_from: MadeFrom, *, acts: bool) -> None:
    """Refuse a module that is made from something else by now, or whose state is somewhere else."""
    now = trace_of(workspace)
    # A plan file has the path of the state in it.
    if acts and now.state_file != made_from.state_file:
        message = (
            f"{unit} keeps its state in a file where the plan was made: {made_from.state_file}"
        )
        hint = "apply there, or name a `state:` that both places reach, and plan again"
        raise PlanRefused(message, hint=hint)
    for what, before, found in (
        ("code", made_from.code, now.code),
        ("lock file", made_from.lock, now.lock),
    ):
        if before != found:
            message = f"the {what} of {unit} moved since the plan was made"
            raise PlanRefused(message, hint=_AGAIN)


def _check_cluster(planned: Planned, description: Description) -> None:
    if description.place and planned.place and description.place != planned.place:
        message = "this is not the cluster that the plan was made for"
        raise PlanRefused(message, hint="name the right one with `cluster: {context: …}`")


def _check_other_states(planned: Planned, description: Description) -> None:
    """Refuse when the state moved of a module without changes, or of one that waits.

    Those with changes of their own are looked at when applying.
    """
    others = {
        unit: module
        for unit, module in _modules(planned).items()
        if unit in description.modules and (module.result is None or not module.acts)
    }
    with ThreadPoolExecutor(workers(planned.session.surroundings.settings)) as pool:
        stamps = pool.map(_stamp_now, others.values())
        for unit, stamp in zip(others, stamps, strict=True):
            if stamp != description.modules[unit].state:
                message = f"the Terraform state of {unit} moved since the plan was made"
                raise PlanRefused(message, hint=_AGAIN)


def _stamp_now(module: PlannedModule) -> str:
    """Return the stamp of a module's state; what waits was looked at a moment ago."""
    return module.state_stamp if module.result is None else state_stamp(module.workspace)


def _check_inputs(planned: Planned, description: Description) -> None:
    for unit, made_from in description.modules.items():
        now = _inputs(planned, UnitId(unit))
        names = sorted(
            name
            for name in {*now, *made_from.inputs}
            if now.get(name) != made_from.inputs.get(name)
        )
        if names:
            message = f"the inputs of {unit} moved since the plan was made: {', '.join(names)}"
            raise PlanRefused(message, hint=_AGAIN)


def _session(
    surroundings: Surroundings, repository: Repository, description: Description
) -> Session:
    revision = repository.revision(description.commit)
    if description.difference:
        revision = repository.working_revision()
        if (revision.commit, revision.difference) != (description.commit, description.difference):
            message = "the plan was made from uncommitted files, and these changed since"
            raise PlanRefused(message, hint=_AGAIN)
    return session_at(
        surroundings,
        repository,
        revision,
        stack=description.stack,
        environment=description.environment,
    )


def _archived(planned: Planned) -> Archive:
    modules = _modules(planned)
    plan_files = {
        unit: module.result.plan_file for unit, module in modules.items() if module.result
    }
    made_from = {unit: _made_from(planned, unit, module) for unit, module in modules.items()}
    return Archive(
        description=_describe(planned, made_from),
        plan_files={unit: file.read_bytes() for unit, file in plan_files.items() if file},
        lock_files={unit: lock_text(module.workspace) for unit, module in modules.items()},
    )


def _made_from(planned: Planned, unit: UnitId, module: PlannedModule) -> MadeFrom:
    workspace = module.workspace
    trace = trace_of(workspace)
    return MadeFrom(
        state=module.state_stamp,
        state_file=trace.state_file,
        code=trace.code,
        lock=trace.lock,
        engine=f"{workspace.site.binary.product} {workspace.site.binary.version}",
        inputs=_inputs(planned, unit),
        waits=module.result is None,
    )


def _inputs(planned: Planned, unit: UnitId) -> dict[str, str]:
    """Return a hash of each input of a module that is to be applied."""
    if unit not in planned.modules:
        return {}
    session, outputs = planned.session, outputs_of(planned.modules)
    module = planned.wanted.modules[unit]
    try:
        found = resolve_inputs(session.stack, module, outputs, revision=session.revision.commit)
    except InvalidStack as error:  # an output that it read is gone
        names = ", ".join(str(mistake.message) for mistake in error.mistakes)
        message = f"the inputs of {unit} cannot be told any more: {names}"
        raise PlanRefused(message, hint=_AGAIN) from error
    return {name: _hash(value) for name, value in found.items()}


def _hash(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _describe(planned: Planned, made_from: Mapping[UnitId, MadeFrom]) -> Description:
    plan = planned.plan
    return Description(
        stack=plan.stack,
        environment=plan.environment,
        commit=plan.revision.commit,
        difference=plan.revision.difference,
        only=list(planned.selection.only),
        destroy=plan.destroy,
        head=planned.ledger.head,
        place=planned.place,
        digest=exact_digest(plan),
        modules={str(unit): made for unit, made in made_from.items()},
        effects=_effects(plan),
    )


def _modules(planned: Planned) -> dict[UnitId, PlannedModule]:
    return {**planned.modules, **planned.destroyed}


def _effects(plan: Plan) -> dict[str, list[str]]:
    return {
        unit.unit: [f"{change.name} to {change.action.value}" for change in unit.changes]
        for unit in plan.units
    }


def _moved(plan: Plan, before: Mapping[str, list[str]]) -> list[str]:
    now = _effects(plan)
    return [
        f"{unit}: {effect}"
        for unit in sorted({*now, *before})
        for effect in sorted({*now.get(unit, ())} ^ {*before.get(unit, ())})
    ]
