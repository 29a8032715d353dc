"""What a person allows for one run, and what a plan may not do without it."""

from dataclasses import dataclass

from orchestrator.engine.planning import Planned
from orchestrator.engine.recording import refuse_locked
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.plans.guards import check_protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a person allowed for one run; ``acknowledged`` are texts such as ``destroy:modules.database``."""

    dirty: bool = False
    deferred: bool = False
    acknowledged: frozenset[str] = frozenset()


def check_startable(session: Session, allowed: Permissions) -> None:
    """Refuse what cannot be applied whatever the plan says, before any work is done.

    Raises PlanRefused for uncommitted files, Locked while another run holds the stack.
    """
    _check_clean(session, allowed)
    refuse_locked(session)


def check(planned: Planned, allowed: Permissions) -> None:
    """Refuse a plan that may not be executed, before anybody is asked about it; raises PlanRefused."""
    _check_clean(planned.session, allowed)
    for unit in planned.plan.units:
        check_protection(unit, protected=planned.protected, acknowledged=allowed.acknowledged)


def _check_clean(session: Session, allowed: Permissions) -> None:
    if session.revision.dirty and not allowed.dirty:
        message = "the working tree differs from the commit, and the ledger records commits"
        hint = "commit first; or pass --allow-dirty, which records a digest of the difference"
        raise PlanRefused(message, hint=hint)
