"""Terraform's locks that a dead run left on the states of a stack."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.engine.session import Session
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.entry import LedgerState, UnitRecord
from orchestrator.ledger.holder import Hold
from orchestrator.stack.model import UnitId

if TYPE_CHECKING:
    from orchestrator.engine.planning.removed import Origin


def free_states(session: Session, ledger: LedgerState, dead: Hold) -> Iterator[str]:
    """Release the locks that a holder, which is proven dead, left on states; yield a sentence about each.

    It may have been at work on what Git no longer declares, too.
    """
    gone = _gone(session, ledger)
    if not dead.holder.account or not (session.stack.modules or gone):
        return
    from orchestrator.engine.planning.removed import origin_of, origins_of

    try:
        declared = origin_of(session)
        yield from _freed(dict.fromkeys(declared.modules, declared), dead)
        yield from _freed(origins_of(session, gone), dead)
    except OrchestratorError as error:
        # The next plan meets the lock again, and tells it with the way out.
        yield f"could not look for locks that it left on states: {error.message}"


def _freed(origins: "Mapping[UnitId, Origin]", dead: Hold) -> Iterator[str]:
    from orchestrator.engine.planning.infrastructure import workspace_of
    from orchestrator.infrastructure.state_locks import Former, release_state_lock

    holder = dead.holder
    former = Former(
        account=holder.account,
        since=holder.since,
        until=dead.beat + timedelta(seconds=holder.lease),
    )
    for unit, origin in origins.items():
        workspace = workspace_of(origin.session, origin.site, origin.modules[unit])
        if told := release_state_lock(workspace, former):
            yield told


def _gone(session: Session, ledger: LedgerState) -> tuple[UnitRecord, ...]:
    declared = {module.id for module in session.stack.modules}
    return tuple(
        record
        for unit, record in ledger.units.items()
        if unit.startswith("modules.") and unit not in declared
    )
