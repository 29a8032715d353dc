"""Terraform's locks that a dead run left on the states of a stack."""

from collections.abc import Iterator
from datetime import timedelta

from orchestrator.engine.session import Session
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.holder import Hold


def free_states(session: Session, dead: Hold) -> Iterator[str]:
    """Release the locks that a holder, which is proven dead, left on states; yield a sentence about each."""
    holder = dead.holder
    if not holder.account or not session.stack.modules:
        return
    from orchestrator.engine.planning.infrastructure import workspace_of
    from orchestrator.engine.planning.removed import origin_of
    from orchestrator.infrastructure.state_locks import Former, release_state_lock

    former = Former(
        account=holder.account,
        since=holder.since,
        until=dead.beat + timedelta(seconds=holder.lease),
    )
    try:
        origin = origin_of(session)
        for module in origin.modules.values():
            if told := release_state_lock(workspace_of(session, origin.site, module), former):
                yield told
    except (
        OrchestratorError
    ) as error:  # the next plan meets the lock again, and tells it with the way out
        yield f"could not look for locks that it left on states: {error.message}"
