"""Approving a plan: somebody's word, bound to its digest, as an entry of the ledger."""

import uuid

from orchestrator import clock
from orchestrator.engine.execution.candidates import candidate
from orchestrator.engine.planning.approvers import strictest, writers
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.recording import who
from orchestrator.engine.turns import locked
from orchestrator.errors import PlanRefused, UsageError
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation, Run, redacted
from orchestrator.ledger.lease import Lease
from orchestrator.plans.approvals import (
    SHOWN,
    Apart,
    Approved,
    Candidate,
    approvers,
    check_approver,
    found_apart,
)
from orchestrator.plans.remembered import Approval
from orchestrator.plans.report import intended


def check_digest(given: str) -> None:
    """Refuse what is no digest, or too little of one to name a plan; raises UsageError."""
    if len(given) < SHOWN or set(given) - set("0123456789abcdef"):
        raise UsageError(
            f"{given!r} is not the digest of a plan",
            hint=f"give the {SHOWN} characters or more that `orchestrator plan` shows",
        )


def approve(planned: Planned, given: str, *, why: str, patience: float) -> Approved:
    """Record that the plan of the digest ``given`` may be applied; a plan with another one is refused.

    Raises PlanRefused, Locked when another run has the stack for longer than ``patience`` seconds, LedgerError.
    """
    approved = candidate(planned)
    if not planned.plan.effective:
        raise PlanRefused(
            f"there is nothing to approve: the plan of {approved.owner} changes nothing",
            hint="what was approved is applied already, or is not in this revision",
        )
    if not approved.digest.startswith(given):
        raise PlanRefused(
            f"the plan of {approved.owner} is {approved.digest[:SHOWN]} by now, not {given[:SHOWN]}",
            hint="look at it as it is shown above, and approve that if it is right; what a comment on a request shows"
            " is its merge: merge the base into your checkout first, and then approve",
        )
    store, session = planned.store, planned.session
    guards = strictest(session, planned.ledger, ())
    apart: tuple[Apart, ...] = ()
    if guards.approvals and not guards.own_approvals:
        apart = writers(session, planned.ledger)
        check_approver(who(session), apart)
    with locked(session, store, Operation.APPROVE, patience=patience) as lease:
        before = store.read()
        entry = _entry(planned, approved, before, lease, why=why)
        state = lease.append(entry)
    return Approved(
        owner=approved.owner,
        digest=approved.digest,
        entry=entry.id,
        by=approvers(state.approvals, approved.digest, apart),
        needed=guards.approvals,
        own=None if guards.approvals else found_apart(who(session), writers(session, before)),
    )


def _entry(
    planned: Planned, approved: Candidate, state: LedgerState, lease: Lease, *, why: str
) -> Entry:
    session, name, now = planned.session, who(planned.session), clock.now()
    redact = session.surroundings.secrets.redact
    run = Run(
        id=uuid.uuid4().hex,
        operation=Operation.APPROVE,
        revision=planned.plan.revision,
        plan=approved.digest,
        who=name,
        host=session.surroundings.settings.host,
        command=lease.lock.holder.command,
        ci_run=session.surroundings.settings.ci_run,
    )
    told = f"{approved.digest[:SHOWN]}, {intended(planned.plan)}{f' ({why})' if why else ''}"
    entry = Entry(
        id=uuid.uuid4().hex,
        previous=state.head,
        kind=Kind.NOTED,
        run=run,
        at=now,
        message=f"approve {approved.owner} at {planned.plan.revision}: {told}",
        approval=Approval(
            digest=approved.digest, who=name, at=now, plan=approved.plan, why=redact(why)
        ),
    )
    return redacted(entry, redact)
