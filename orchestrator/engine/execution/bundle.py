"""A saved plan: one file that `apply` executes just as it was shown, or refuses.

It is a zip archive, readable only by its owner since Terraform's plan files hold secrets in clear text: a
description of what the plan was made from, and the plan file of every module that has something to do. The
workloads are planned again when it is opened; since the digest covers every value, they are executed only
when that comes out the same.
"""

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.engine.planning.infrastructure import PlannedModule
from orchestrator.engine.planning.plan import Planned, Selection, make_plan
from orchestrator.engine.session import Session, Surroundings, session_at
from orchestrator.errors import PlanRefused, StorageError, UsageError
from orchestrator.infrastructure.modules import ModulePlan, Site, Workspace, reopen_plan
from orchestrator.plans.digest import exact_digest
from orchestrator.plans.plan import Plan
from orchestrator.repository.repository import Repository, open_repository
from orchestrator.stack.model import UnitId

_FORMAT = 1
_DESCRIPTION = "plan.json"
_AGAIN = "plan again, and look at what changed"
_OUT_OF_SIGHT = "below .orchestrator/, which Git ignores, or outside of the repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    """What a saved plan was made from.

    ``modules`` maps a unit to its state's stamp, ``effects`` a unit to the changes that it showed, for saying
    what differs.
    """

    format: int
    version: str
    stack: str
    environment: str
    commit: str
    difference: str
    only: list[str]
    destroy: bool
    head: str
    engine: str
    digest: str
    modules: dict[str, str]
    effects: dict[str, list[str]]


def check_target(file: Path, *, shown: str) -> None:
    """Refuse to save a plan where no file can be, before it is made; raises UsageError."""
    if not file.parent.is_dir():
        message = f"there is no directory to save the plan {shown!r} in"
        raise UsageError(message, hint="make it first, or choose another place")


def save(planned: Planned, file: Path) -> bool:
    """Write a plan to a file that only its owner can read; return whether Git notices that file.

    Raises StorageError, and UsageError for a plan of uncommitted files that would be one of them itself.
    """
    noticed = planned.session.repository.notices(file)
    if noticed and planned.session.revision.dirty:
        message = "the plan would be one of the uncommitted files that it is made from"
        raise UsageError(message, hint=f"save it {_OUT_OF_SIGHT}")
    content = {
        _DESCRIPTION: json.dumps(asdict(_describe(planned)), indent=2, sort_keys=True).encode()
    }
    for unit, module in _modules(planned).items():
        if module.result is not None and module.result.plan_file is not None:
            content[f"modules/{unit}.tfplan"] = module.result.plan_file.read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, data in content.items():
            bundle.writestr(name, data)
    try:
        _write(file, archive.getvalue())
    except OSError as error:
        message = f"cannot save the plan to {file}: {(error.strerror or str(error)).lower()}"
        raise StorageError(
            message, hint="make room or choose another place; nothing was kept of it"
        ) from error
    return noticed


def saved_to(shown: str, *, noticed: bool) -> str:
    """Return what a person is told about a plan that was saved."""
    text = f"Saved to {shown}, readable only by you: it may hold secrets."
    advice = f"Git would take it into a commit: better save plans {_OUT_OF_SIGHT}."
    return f"{text}\n{advice}" if noticed else text


def open_bundle(surroundings: Surroundings, file: Path, resources: ExitStack) -> Planned:
    """Open a saved plan for execution.

    Raises UsageError for a file that is none, PlanRefused when it can no longer be executed as it was shown.
    """
    description, plan_files = _read(file)
    repository = open_repository(surroundings.directory)
    session = _session(surroundings, repository, description)
    units = _Saved(description=description, plan_files=plan_files)
    selection = Selection(only=tuple(description.only), destroy=description.destroy)
    planned = make_plan(session, selection, resources, saved=units.module)
    if planned.ledger.head != description.head:
        raise PlanRefused("the stack was applied since this plan was made", hint=_AGAIN)
    if exact_digest(planned.plan) != description.digest:
        moved = (
            ", ".join(_moved(planned.plan, description.effects)) or "values of the changes shown"
        )
        raise PlanRefused(f"the world moved since this plan was made: {moved}", hint=_AGAIN)
    return planned


def _write(file: Path, content: bytes) -> None:
    """Write a file at once and readable only by its owner; a device or a pipe just gets the bytes."""
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as draft:
            draft.write(content)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """The modules' part of a saved plan."""

    description: _Description
    plan_files: Mapping[str, bytes]

    def module(self, site: Site, unit: UnitId, workspace: Workspace) -> ModulePlan | None:
        """Return a module as it was planned; None for one that was not."""
        if str(site.binary.product) + " " + str(site.binary.version) != self.description.engine:
            message = f"the plan was made by {self.description.engine}, and {site.binary} is here"
            raise PlanRefused(message, hint="a plan file works with the very version that made it")
        if unit not in self.description.modules:
            return None
        stamp = self.description.modules[unit]
        return reopen_plan(workspace, self.plan_files.get(unit), state_stamp=stamp)


def _session(
    surroundings: Surroundings, repository: Repository, description: _Description
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


def _describe(planned: Planned) -> _Description:
    plan, site = planned.plan, planned.site
    return _Description(
        format=_FORMAT,
        version=__version__,
        stack=plan.stack,
        environment=plan.environment,
        commit=plan.revision.commit,
        difference=plan.revision.difference,
        only=list(planned.selection.only),
        destroy=plan.destroy,
        head=planned.ledger.head,
        engine=f"{site.binary.product} {site.binary.version}" if site else "",
        digest=exact_digest(plan),
        modules={
            unit: module.result.state_stamp
            for unit, module in _modules(planned).items()
            if module.result is not None
        },
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


def _read(file: Path) -> tuple[_Description, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            written: dict[str, Any] = json.loads(archive.read(_DESCRIPTION))
            if written.get("format") != _FORMAT:
                message = f"{file} was saved by another version of the orchestrator ({written.get('version')})"
                raise UsageError(message, hint="plan again with this one")
            plan_files = {
                Path(name).name.removesuffix(".tfplan"): archive.read(name)
                for name in archive.namelist()
                if name.startswith("modules/")
            }
            return _Description(**written), plan_files
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        message = f"{file} is not a saved plan, or is damaged"
        raise UsageError(message, hint="make one with `orchestrator plan --out FILE`") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
