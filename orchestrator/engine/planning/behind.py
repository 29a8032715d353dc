"""Whether a commit lacks what was applied last: a clone that nobody brought up to date would undo it unseen."""

from dataclasses import replace

from orchestrator.engine.session import Session
from orchestrator.ledger.entry import LedgerState, Operation
from orchestrator.plans.plan import Plan


def with_lacking(plan: Plan, session: Session, ledger: LedgerState) -> Plan:
    """Return a plan that changes something with a note where its commit has not the one in it that was applied last.

    A shallow clone often cannot tell, and says nothing. Raises RepositoryError.
    """
    last = ledger.past[0] if ledger.past else None
    if last is None or last.operation is not Operation.APPLY or not plan.effective:
        return plan
    ours, theirs = session.revision.commit, last.revision.commit
    repository = session.repository
    if not theirs or repository.descends(ours, ancestor=theirs) is not False:
        return plan
    applied = (
        f"{last.revision}, which {last.who.partition(' <')[0]} applied last"
        f" ({last.at:%Y-%m-%d %H:%M:%S} UTC)"
    )
    older = repository.descends(theirs, ancestor=ours)
    note = (
        f"this commit is older than {applied}: what came with that goes; if that is not meant, git pull"
        if older
        else f"{applied}, is not in the history of this commit: what came with that alone goes"
    )
    return replace(plan, notes=(*plan.notes, note))
