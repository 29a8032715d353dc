"""What guards say of the plan of a request: the base's, and those that hold for an apply."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.engine.execution.permissions import (
    Check,
    Permissions,
    checks_before_asking,
    refusals,
)
from orchestrator.engine.planning.approvers import apart
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.previewing.trust import Judged
from orchestrator.errors import PlanRefused
from orchestrator.plans.approvals import ACKNOWLEDGED_BY as UNAPPROVED
from orchestrator.plans.approvals import Apart, approvers
from orchestrator.plans.digest import digest
from orchestrator.plans.guards import check_losses, check_protection
from orchestrator.plans.loosening import in_force
from orchestrator.plans.remembered import Approval
from orchestrator.plans.windows import ACKNOWLEDGED_BY as WINDOW
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import Guards


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What stands against a plan: what is too much, who has to approve it, and that it is not the time for it.

    ``approved_by`` are as many people as are needed, at least one, who approved this very plan; else nobody.
    """

    refusals: tuple[PlanRefused, ...] = ()
    awaited: tuple[PlanRefused, ...] = ()
    later: tuple[PlanRefused, ...] = ()
    approved_by: tuple[str, ...] = ()


def judge(planned: Planned, judged: Judged) -> Judgement:
    """Return what guards would not let pass, each thing once; raises RepositoryError."""
    own = in_force(planned.ledger.guards, judged.stack.guards, ())
    others = () if judged.guards in own else (judged.guards,)
    plans = (planned, *(_by(planned, judged, guards) for guards in others))
    told: set[str] = set()
    too_much: list[Check] = [
        *_checks(plans, UNAPPROVED, WINDOW),
        partial(_check_protected, planned, judged.protected),
        partial(check_losses, planned.plan, ()),
    ]
    return Judgement(
        refusals=tuple(refusals(too_much, told)),
        awaited=tuple(refusals(_checks(plans, WINDOW), told)),
        later=tuple(refusals(_checks(plans, UNAPPROVED), told)),
        approved_by=approved_by(
            digest(planned.plan),
            planned.ledger.approvals,
            (*own, *others, *_by_others(judged)),
            partial(apart, planned.session, planned.ledger),
        ),
    )


def _by_others(judged: Judged) -> Iterator[Guards]:
    """Yield that somebody else has to approve what the base cannot judge, whatever the request says of that."""
    if judged.unjudged:
        yield Guards(approvals=1)


def _by(planned: Planned, judged: Judged, guards: Guards) -> Planned:
    """Return a plan as one that other guards have to let pass."""
    session = replace(planned.session, stack=replace(judged.stack, guards=guards))
    return replace(planned, session=session)


def _checks(plans: Iterable[Planned], *acknowledged: str) -> Iterator[Check]:
    allowed = Permissions(acknowledged=frozenset(acknowledged))
    return (check for each in plans for check in checks_before_asking(each, allowed))


def _check_protected(planned: Planned, protected: frozenset[UnitId]) -> None:
    """Refuse what the base protects, also when that was not applied yet: the request cannot take it away."""
    for unit in planned.plan.units:
        check_protection(unit, protected=protected, acknowledged=(), owners=planned.ledger.owners)


def approved_by(
    known: str,
    approvals: Sequence[Approval],
    guards: Iterable[Guards],
    apart_by: Callable[[Guards], Sequence[Apart]],
) -> tuple[str, ...]:
    """Return who approved the plan of a digest, where that is enough for each of the guards; else nobody.

    Guards that ask for no approvals take anybody's: whoever may approve could apply it, too. ``apart_by`` says who is
    nobody else by the other ones.
    """
    if not any(approval.digest == known for approval in approvals):
        return ()  # nobody has to look for authors then
    names: tuple[str, ...] = ()
    for each in guards:
        names = approvers(approvals, known, apart_by(each) if each.approvals else ())
        if len(names) < max(1, each.approvals):
            return ()
    return names
