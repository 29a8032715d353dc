"""What a person allows for one run, and what a plan may not do without it."""

from dataclasses import dataclass

from orchestrator.engine.planning import Planned
from orchestrator.engine.recording import refuse_locked
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused
from orchestrator.plans.guards import check_protection

_MOST_LISTED = 10


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
    _check_state_is_there(planned, allowed)


def _check_state_is_there(planned: Planned, allowed: Permissions) -> None:
    """Refuse to create everything anew because a state that must be somewhere is not here."""
    for unit, module in planned.modules.items():
        record = planned.ledger.units.get(unit)
        anew = (
            module.result is not None and module.result.plan_file and not module.result.state_stamp
        )
        if not anew or record is None or record.applied is None:
            continue
        if f"recreate:{unit}" in allowed.acknowledged:
            continue
        message = (
            f"{unit} was applied at {record.applied} by {record.by}, but its Terraform state is not here:"
            " this plan would create everything again"
        )
        hint = (
            "without `state:` in the stack file the state stays in the clone that applied; bring it here,"
            f" or pass --acknowledge recreate:{unit} if what it describes is gone"
        )
        raise PlanRefused(message, hint=hint)


def _check_clean(session: Session, allowed: Permissions) -> None:
    if session.revision.dirty and not allowed.dirty:
        message = "the working tree differs from the commit, and the ledger records commits"
        hint = "commit first; or pass --allow-dirty, which records a digest of the difference"
        raise PlanRefused(message, hint=hint, detail=_listed(session.repository.changed_paths()))


def _listed(paths: tuple[str, ...]) -> str:
    more = len(paths) - _MOST_LISTED
    shown = [*paths[:_MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]
    return "\n".join(shown)
