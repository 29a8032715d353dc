"""Terraform's own commands on one unit: in its prepared directory, under the stack's lock, noted in the ledger."""

import uuid
from collections.abc import Sequence
from typing import cast

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.ledgers.places import read_present
from orchestrator.engine.planning.infrastructure import resolve_inputs, workspace_of
from orchestrator.engine.planning.removed import Origin, applied_outputs, origin_of
from orchestrator.engine.recording import Recorder, who
from orchestrator.engine.session import Session
from orchestrator.engine.turns import locked
from orchestrator.errors import PlanRefused, UsageError
from orchestrator.infrastructure.attached import run_attached
from orchestrator.infrastructure.commands import Allowed, allowed
from orchestrator.infrastructure.modules import Workspace, state_stamp
from orchestrator.ledger.entry import LedgerState, Operation, Run
from orchestrator.ledger.lease import Lease
from orchestrator.stack.expressions import pending_in
from orchestrator.stack.model import Json, UnitId
from orchestrator.stack.names import did_you_mean


def run_terraform(session: Session, unit: str, arguments: Sequence[str], *, patience: float) -> int:
    """Run one command on a module and return its exit code.

    While another run holds the stack it waits for up to ``patience`` seconds.

    One that changes the state is in the ledger before it runs. Raises UsageError for one that would go behind
    the ledger's back, Locked while another run holds the stack, PlanRefused, TerraformError, LedgerError.
    """
    command = allowed(arguments)
    chosen = _chosen(session, unit)
    origin = origin_of(session)
    workspace = workspace_of(session, origin.site, origin.modules[chosen])
    store = open_store(session)
    with locked(session, store, Operation.TERRAFORM, patience=patience) as lease:
        ledger = read_present(session, store)
        if not command.changes:
            return run_attached(workspace, arguments, inputs=_inputs(origin, chosen, command))
        _refuse_lost_state(workspace, chosen, ledger)
        note = _note(session, lease, ledger)
        about = f"terraform {command.told} on {chosen} of {session.owner}"
        note.meant(about)
        code = run_attached(workspace, arguments, inputs=_inputs(origin, chosen, command))
        if code != 0:
            note.progressed(f"{about} ended with {code}")
        return code


def _chosen(session: Session, unit: str) -> UnitId:
    """Return the module that is meant, by its id or its name."""
    known = {
        name: module.id for module in session.stack.modules for name in (module.name, module.id)
    }
    if unit in known:
        return known[unit]
    names = [module.name for module in session.stack.modules]
    hint = did_you_mean(unit.removeprefix("modules."), names, otherwise="it declares none")
    raise UsageError(f"stack {session.stack.name!r} has no module {unit!r}", hint=hint)


def _inputs(origin: Origin, unit: UnitId, command: Allowed) -> dict[str, Json] | None:
    """Return the inputs as far as they are known from what is applied; None for a command that takes none."""
    if not command.takes_inputs:
        return None
    session, module = origin.session, origin.modules[unit]
    needs = tuple(need for need in origin.graph.needs[unit] if need in origin.modules)
    outputs = applied_outputs(origin, needs)
    found = resolve_inputs(session.stack, module, outputs, revision=session.revision.commit)
    return {name: cast(Json, value) for name, value in found.items() if not pending_in(value)}


def _refuse_lost_state(workspace: Workspace, unit: UnitId, ledger: LedgerState) -> None:
    """Refuse to change a state that must be somewhere and is not here: that would begin a second one."""
    record = ledger.units.get(unit)
    if record is None or record.applied is None or state_stamp(workspace):
        return
    message = f"{unit} was applied at {record.applied} by {record.by}, but its Terraform state is not here"
    raise PlanRefused(message, hint="bring it here, or run this in the clone that applied")


def _note(session: Session, lease: Lease, ledger: LedgerState) -> Recorder:
    settings = session.surroundings.settings
    run = Run(
        id=uuid.uuid4().hex,
        operation=Operation.TERRAFORM,
        revision=session.revision,
        plan="",
        who=who(session),
        host=settings.host,
        command=lease.lock.holder.command,
        ci_run=settings.ci_run,
    )
    return Recorder(session, lease, run, ledger)
