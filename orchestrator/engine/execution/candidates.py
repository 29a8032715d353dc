"""A plan as it is put up for approval: its digest, and what people are shown of it."""

from itertools import chain

from orchestrator.engine.planning.plan import Planned
from orchestrator.plans.approvals import Candidate
from orchestrator.plans.digest import digest
from orchestrator.plans.record import PlanRecord
from orchestrator.plans.recorded import recorded
from orchestrator.reports.fields import show_transition


def candidate(planned: Planned) -> Candidate:
    """Return a plan as people approve it."""
    selection = planned.selection
    flags = (*(("--destroy",) if selection.destroy else ()), *_only(selection.only))
    return Candidate(
        owner=planned.session.owner,
        digest=digest(planned.plan),
        plan=plan_record(planned),
        flags=flags,
    )


def plan_record(planned: Planned) -> PlanRecord:
    """Return a plan as the ledger keeps it."""
    redact = planned.session.surroundings.secrets.redact
    return recorded(planned.plan, show=show_transition, redact=redact)


def _only(units: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(("--only", unit) for unit in units))
