"""What a person allows for one run, and what a plan may not do without it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from orchestrator import clock
from orchestrator.engine.execution.candidates import candidate
from orchestrator.engine.execution.stateless import refuse_without_first_state, refuse_without_state
from orchestrator.engine.execution.total import RunningTotal
from orchestrator.engine.planning.approvers import apart
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import PlannedModule
from orchestrator.engine.planning.standing import failed_before
from orchestrator.engine.planning.unknown import UNKNOWN_STATES, begun, refuse_unknown_states
from orchestrator.engine.session import Session
from orchestrator.errors import PlanRefused, together
from orchestrator.plans.approvals import ACKNOWLEDGED_BY as UNAPPROVED
from orchestrator.plans.approvals import check_approvals
from orchestrator.plans.failed import check_not_bad
from orchestrator.plans.guards import check_late_losses, check_losses, check_protection
from orchestrator.plans.limits import check_destroys, check_empty
from orchestrator.plans.loosening import held_from_before, in_force
from orchestrator.plans.objects import ObjectRef
from orchestrator.plans.plan import UnitPlan
from orchestrator.plans.remembered import BadRevision
from orchestrator.plans.risk import assessed
from orchestrator.plans.shares import check_pruning
from orchestrator.plans.windows import check_windows
from orchestrator.stack.policies import Guards

if TYPE_CHECKING:
    from orchestrator.infrastructure.modules import Workspace

_MOST_LISTED = 10

Check = Callable[[], None]
"""What raises PlanRefused for a plan, and else does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a person allowed for one run; ``acknowledged`` are texts such as ``destroy:modules.database``.

    ``retry`` says that a revision which failed before may be applied once more. ``ask`` shows what a unit turned out
    to do during the run, and why that needs consent, and returns whether somebody consents; None where nobody can be
    asked. It may be called from any thread. ``within`` refuses objects that are none of the run's business, by raising
    PlanRefused; it is asked about those that become known during the run. ``destroyed`` is what units planned in their
    turn used up of the limit.
    """

    dirty: bool = False
    deferred: bool = False
    retry: bool = False
    acknowledged: frozenset[str] = frozenset()
    ask: Callable[[UnitPlan, str], bool] | None = None
    within: Callable[[Iterable[ObjectRef]], None] = lambda _refs: None
    destroyed: RunningTotal = field(default_factory=RunningTotal, compare=False, repr=False)


def check_startable(session: Session, allowed: Permissions) -> None:
    """Refuse what cannot be applied whatever the plan says, before any work is done.

    Raises PlanRefused for uncommitted files.
    """
    _check_clean(session, allowed)


def check(planned: Planned, allowed: Permissions) -> None:
    """Refuse a plan that may not be executed, and one that needs what nobody said; raises PlanRefused."""
    owner, bad = planned.session.owner, known_bad(planned)
    _refuse(
        (
            *checks_before_asking(planned, allowed),
            partial(check_losses, planned.plan, allowed.acknowledged),
            partial(check_not_bad, bad, retry=allowed.retry, owner=owner),
        )
    )


def within_approval(planned: Planned, allowed: Permissions) -> Permissions:
    """Return what is allowed of a plan that has to be approved: nothing that was not in it, whoever agrees."""
    needed = any(guards.approvals for guards in _guards(planned, allowed))
    approved = needed and UNAPPROVED not in allowed.acknowledged
    return replace(allowed, deferred=False, ask=None) if approved else allowed


def known_bad(planned: Planned) -> BadRevision | None:
    """Return what is known of the planned revision if it failed before; a destruction does not apply it."""
    if planned.plan.destroy:
        return None
    return failed_before(planned.plan.revision, planned.ledger)


def check_before_asking(planned: Planned, allowed: Permissions) -> None:
    """Refuse a plan that may not be executed whatever a person answers to a question about it."""
    _refuse(checks_before_asking(planned, allowed))


def refusals(checks: Iterable[Check], told: set[str]) -> Iterator[PlanRefused]:
    """Yield what checks refuse, but what was told, which grows by it."""
    for each in checks:
        try:
            each()
        except PlanRefused as refusal:
            if refusal.message not in told:
                yield refusal
            told.add(refusal.message)


def _refuse(checks: Iterable[Check]) -> None:
    """Refuse everything at once: whoever is in a hurry plans once more, and not once for each."""
    if refused := tuple(refusals(checks, set())):
        raise together(refused)


def checks_before_asking(planned: Planned, allowed: Permissions) -> Iterator[Check]:
    """Yield what refuses such a plan, each thing for itself: whoever approves one of them has to see the others."""
    yield partial(_check_clean, planned.session, allowed)
    for unit in planned.plan.units:
        yield partial(_check_protection, planned, unit, allowed)
    for module in planned.modules.values():
        yield partial(_check_state, planned, module, allowed, way_out="recreate")
    for module in planned.destroyed.values():
        yield partial(_check_state, planned, module, allowed, way_out="forget")
    yield partial(_check_beginning, planned, allowed)
    yield partial(check_prune, planned, planned.plan.units, allowed)
    if planned.plan.effective:  # what has no effect is none of the guards' business
        for guards in _guards(planned, allowed):
            for each in _checks_of(planned, guards, allowed):
                yield partial(_as_told, planned, guards, each)


def _checks_of(planned: Planned, guards: Guards, allowed: Permissions) -> Iterator[Check]:
    """Yield what refuses what a stack's guards keep from being applied."""
    said = allowed.acknowledged
    if not guards.empty:
        yield partial(check_empty, planned.plan, said)
    yield partial(check_destroys, planned.plan, guards.destroys, said)
    yield partial(_check_windows, planned, guards, allowed)
    if guards.approvals:
        yield partial(_check_approvals, planned, guards, allowed)


def _as_told(planned: Planned, guards: Guards, one: Check) -> None:
    with _told(planned, guards):
        one()


def _check_windows(planned: Planned, guards: Guards, allowed: Permissions) -> None:
    now, owner = clock.now(), planned.session.owner
    check_windows(guards.windows, now, allowed.acknowledged, owner=owner)


def _check_approvals(planned: Planned, guards: Guards, allowed: Permissions) -> None:
    check_approvals(
        candidate(planned),
        planned.ledger.approvals,
        needed=guards.approvals,
        acknowledged=allowed.acknowledged,
        apart=apart(planned.session, planned.ledger, guards),
    )


def _guards(planned: Planned, allowed: Permissions) -> tuple[Guards, ...]:
    """Return the guards that a plan has to pass."""
    return in_force(planned.ledger.guards, planned.session.stack.guards, allowed.acknowledged)


@contextmanager
def _told(planned: Planned, guards: Guards) -> Iterator[None]:
    """Say of a refusal that it comes from guards which the commit loosens, if it does."""
    try:
        yield
    except PlanRefused as refusal:
        if guards == planned.session.stack.guards:
            raise
        raise held_from_before(refusal) from refusal


def check_prune(planned: Planned, units: Sequence[UnitPlan], allowed: Permissions) -> None:
    """Refuse an apply that prunes more than the stack's guards allow; raises PlanRefused."""
    if planned.plan.destroy:  # that everything goes is what was asked for
        return
    for guards in _guards(planned, allowed):
        with _told(planned, guards):
            check_pruning(
                units,
                Counter(owned.unit for owned in planned.ledger.inventory),
                guards=guards,
                acknowledged=allowed.acknowledged,
            )


def check_owed(planned: Planned, allowed: Permissions) -> None:
    """Refuse to do outside of the stack's windows what was to follow a run that died; raises PlanRefused.

    The run that it belonged to began in time, and this one begins anew.
    """
    for guards in _guards(planned, allowed):
        with _told(planned, guards):
            _check_windows(planned, guards, allowed)


def check_fallback(planned: Planned, back: Planned, allowed: Permissions) -> None:
    """Refuse to bring workloads back over a plan at the price of more than its guards allow; raises PlanRefused.

    What the failed run destroyed counts too. It belongs to an apply that began in time, prunes nothing, and what it
    brings back was approved when it was applied.
    """
    for unit in back.plan.units:
        check_protection(unit, protected=back.protected, acknowledged=())
        _count(planned, unit, allowed, again=True)
    check_losses(back.plan, ())


def check_late(
    planned: Planned, module: PlannedModule, allowed: Permissions, *, again: bool
) -> None:
    """Refuse a module that could only be planned now, as `check` would have; raises PlanRefused."""
    check_late_unit(planned, module.unit_plan, allowed, again=again)
    _check_state(planned, module, allowed, way_out="recreate")


def check_late_unit(
    planned: Planned, unit: UnitPlan, allowed: Permissions, *, again: bool = False
) -> None:
    """Refuse what a unit that was planned during the apply turned out to destroy; raises PlanRefused.

    ``again`` says that an attempt before this one may have destroyed some of it already.
    """
    _check_protection(planned, unit, allowed)
    before = planned.ledger.risks(unit.unit)
    late = assessed(unit, planned.session.stack.risks, before=before)
    check_late_losses(planned.plan, late, allowed.acknowledged)
    _count(planned, late, allowed, again=again)


def _check_protection(planned: Planned, unit: UnitPlan, allowed: Permissions) -> None:
    check_protection(
        unit,
        protected=planned.protected,
        acknowledged=allowed.acknowledged,
        owners=planned.ledger.owners,
    )


def _count(planned: Planned, late: UnitPlan, allowed: Permissions, *, again: bool) -> None:
    """Count what a unit that was planned during the apply destroys, or refuse it; raises PlanRefused."""
    numbers = [guards.destroys for guards in _guards(planned, allowed)]
    most = min((each for each in numbers if each is not None), default=None)
    said = allowed.acknowledged
    allowed.destroyed.add(planned.plan, late, most=most, acknowledged=said, again=again)


def _check_state(
    planned: Planned, module: PlannedModule, allowed: Permissions, *, way_out: str
) -> None:
    """Refuse to take a state that must be somewhere, and is not here, for nothing at all."""
    unit = module.unit_plan.unit
    record = planned.ledger.units.get(unit)
    if not module.stateless or record is None:
        return
    if (way_out == "recreate" and not module.acts) or f"{way_out}:{unit}" in allowed.acknowledged:
        return
    if record.applied is not None:
        refuse_without_state(record, way_out)
    elif lost := _lost_beginning(module.workspace):
        refuse_without_first_state(record, lost, way_out)


def _check_beginning(planned: Planned, allowed: Permissions) -> None:
    """Refuse to begin a ledger beside Terraform states that an earlier one may have known."""
    if begun(planned.ledger) or UNKNOWN_STATES in allowed.acknowledged:
        return
    known = {**planned.modules, **planned.destroyed}
    if not known:
        return
    from orchestrator.infrastructure.modules import holds_anything

    found = [
        unit
        for unit, module in known.items()
        if module.state_stamp and holds_anything(module.workspace)
    ]
    refuse_unknown_states(planned.session.owner, sorted(found), ledger=planned.ledger)


def _lost_beginning(workspace: "Workspace") -> str:
    """Return what is known of a first state that was lost, an empty text where nothing was made yet as far as known.

    That an apply died alone is no reason to refuse: most die before anything was made, and the next one goes on.
    """
    from orchestrator.infrastructure.modules import made_first, torn_before

    if made := made_first(workspace):
        return f"{made} was made"
    torn = torn_before(workspace)
    return f"what could be written of it is in {torn}" if torn else ""


def _check_clean(session: Session, allowed: Permissions) -> None:
    if session.revision.dirty and not allowed.dirty:
        message = "the working tree differs from the commit, and the ledger records commits"
        hint = "commit first; or pass --allow-dirty, which records a digest of the difference"
        raise PlanRefused(message, hint=hint, detail=_listed(session.repository.changed_paths()))


def _listed(paths: tuple[str, ...]) -> str:
    more = len(paths) - _MOST_LISTED
    shown = [*paths[:_MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]
    return "\n".join(shown)
