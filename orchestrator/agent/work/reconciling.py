"""Bringing one stack to a revision, or looking whether it still is there: the engine's walk, under the guards.

Nobody can be asked. What would lose data, needs an approval or is not allowed now is planned and told, not done.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from orchestrator import clock
from orchestrator.agent.decisions.agenda import LOOKS, Task
from orchestrator.agent.decisions.settled import settled
from orchestrator.agent.verdicts import End, Verdict, Waits
from orchestrator.agent.work.bounds import check_objects, check_planned
from orchestrator.agent.work.going_back import newer_in, went_on
from orchestrator.agent.work.order import Order
from orchestrator.agent.work.sessions import session_of
from orchestrator.engine.execution.applying import execute, execute_owed
from orchestrator.engine.execution.candidates import candidate
from orchestrator.engine.execution.following import is_owed
from orchestrator.engine.execution.permissions import Permissions, check, check_owed, known_bad
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.planning.approvers import apart, strictest
from orchestrator.engine.planning.plan import Planned, make_plan
from orchestrator.engine.planning.selection import Selection
from orchestrator.engine.session import Session, Surroundings
from orchestrator.engine.surveying import made_alike
from orchestrator.engine.turns import Turn, take_turn
from orchestrator.engine.vanished import Elsewhere, Unplaced, open_as_applied
from orchestrator.errors import (
    Interrupted,
    InvalidStack,
    Locked,
    Mistake,
    OrchestratorError,
    PlanRefused,
    RepositoryError,
)
from orchestrator.ledger.entry import LedgerState, Operation
from orchestrator.plans.approvals import approvers, check_approvals
from orchestrator.plans.digest import digest
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import Owner
from orchestrator.plans.plan import Revision
from orchestrator.plans.remembered import Suspension
from orchestrator.plans.report import Report, accomplished, intended
from orchestrator.plans.windows import Closed, closed
from orchestrator.repository.mirror import Mirror
from orchestrator.repository.repository import Repository
from orchestrator.stack.model import Drift
from orchestrator.stack.policies import Guards

_PATIENCE: Final = 30.0
"""How long to wait in line, in seconds, while somebody else has the stack."""

_OWN_WINDOWS: Final = "the `windows` of the agent's file"

_APPROVALS: Final = 1
"""How many people have to approve a plan where the agent is told that it takes approval."""


def reconcile(order: Order, around: Surroundings, resources: ExitStack) -> Verdict:
    """Bring the stack to the revision, unless it is there; raises what planning and applying raise."""
    repository = Mirror(order.clone).repository
    resources.enter_context(repository.kept_running())
    opened = _gone if order.task is Task.DESTROY else session_of
    session = opened(order, around, repository)
    if session is None:
        return Verdict(end=End.UNCHANGED, revision=order.revision)
    store = open_store(session)
    store.sight()  # with it comes where the ledger stands, which is read next
    state = store.read()
    if verdict := _left_alone(order, state, around):
        return verdict
    if order.task is Task.WORKLOADS and (verdict := _looked(order, session, resources)):
        return verdict
    turn = _turn(session, order.task, resources)
    planned = make_plan(session, Selection(destroy=order.task is Task.DESTROY), resources)
    # Much may have been done and said while we waited in line. What comes later than this makes the plan an old one.
    now = planned.ledger
    if now.head != state.head and (verdict := _left_alone(order, now, around)):
        return verdict
    return _come_back(order, planned) or _reconciled(order, planned, turn)


def _left_alone(order: Order, state: LedgerState, around: Surroundings) -> Verdict | None:
    """Return the verdict of a stack that is to be left alone by what its ledger says, None of any other."""
    return _suspended(order, state.suspended) or _overtaken(order, state, around)


def _suspended(order: Order, by: Suspension | None) -> Verdict | None:
    """Return the verdict of a stack that somebody said to leave alone, None when nobody did."""
    if by is None:
        return None
    message = f"suspended by {by.who}: {by.why}"
    return Verdict(end=End.SUSPENDED, message=message, revision=order.revision)


def _overtaken(order: Order, state: LedgerState, around: Surroundings) -> Verdict | None:
    """Return the verdict of a revision that would take back what was applied since, None of any other."""
    newer = newer_in(state, order, around.stop)
    if not newer:
        return None
    message = f"{newer[:10]} was applied meanwhile, and Git is asked again first"
    return Verdict(end=End.OVERTAKEN, message=message, revision=order.revision)


def _come_back(order: Order, planned: Planned) -> Verdict | None:
    """Return the verdict of a stack that is to be taken away and that a newer revision may declare, None of any other.

    Nothing brings back what is deleted, so that Git is asked once more.
    """
    stop = planned.session.surroundings.stop
    if order.task is not Task.DESTROY or not planned.plan.effective or not went_on(order, stop):
        return None
    message = (
        f"{order.repository.branch} went on, and may declare it again: Git is asked again first"
    )
    return Verdict(end=End.OVERTAKEN, message=message, revision=order.revision)


def _gone(order: Order, around: Surroundings, repository: Repository) -> Session | None:
    """Open what is declared no more as it was applied last, None when nothing of it is left."""
    key = order.key
    owner = Owner(stack=key.stack, environment=key.environment)
    revision = repository.revision(order.revision)
    return open_as_applied(around, repository, revision, owner, declared=order.declared)


def _looked(order: Order, session: Session, resources: ExitStack) -> Verdict | None:
    """Look at the workloads alone; None when there is something to do about them."""
    planned = make_plan(session, Selection(refresh=False), resources)
    check_planned(planned, order.repository.allowed)
    return None if planned.plan.effective else _still(planned)


def _still(planned: Planned) -> Verdict:
    """Return the verdict of a stack that needs nothing: others may have changed what is only reported."""
    drift = _drift(planned)
    end = End.DRIFTED if drift else End.UNCHANGED
    return _verdict(end, planned, drift=drift)


def _reconciled(order: Order, planned: Planned, turn: Turn) -> Verdict:
    """Carry a plan out as far as that is allowed now."""
    session = planned.session
    check_planned(planned, order.repository.allowed)
    if verdict := _left_astray(order, planned):
        return verdict
    bounds = order.repository.allowed
    allowed = Permissions(
        retry=_may_retry(order, planned),
        within=lambda refs: check_objects(refs, bounds, owner=session.owner),
    )
    owed = is_owed(planned)
    try:
        _check_own(order, planned, owed=owed)
        (check_owed if owed else check)(planned, allowed)
    except PlanRefused as refusal:
        return _held(order, planned, refusal)
    if owed:
        return _done(planned, execute_owed(planned, allowed, turn=turn))
    try:
        report = execute(planned, allowed, fresh=True, turn=turn)
    except (
        PlanRefused
    ) as moved:  # somebody else was quicker, and what was planned is not what is there
        return Verdict(end=End.LOCKED, message=moved.message, revision=order.revision)
    return _done(planned, report)


def _left_astray(order: Order, planned: Planned) -> Verdict | None:
    """Return the verdict of what others changed where that is not brought back, None of all else.

    A look may have become a run of another kind: it failed, another replica had the stack, or nobody remembers it.
    """
    policy, plan = order.settings.drift.policy, planned.plan
    if policy is Drift.HEAL or order.task is Task.DESTROY or not plan.effective:
        return None
    looks = order.task in LOOKS
    if not looks and not settled(planned.ledger, plan.revision, same=partial(_same, planned)):
        return None
    if policy is Drift.IGNORE:
        return Verdict(end=End.UNCHANGED, revision=plan.revision.commit)
    return _verdict(End.DRIFTED, planned, drift=_drift(planned) or 1)


def _same(planned: Planned, other: Revision) -> bool:
    """Whether the stack is made of the same at another revision; not where nobody can tell."""
    session, gate = planned.session, planned.session.surroundings.gate
    try:
        if gate is not None:
            gate.admit(other)
        return made_alike(session.repository, planned.plan.revision, other, session.owner)
    except (InvalidStack, PlanRefused, RepositoryError):
        return False


def _check_own(order: Order, planned: Planned, *, owed: bool) -> None:
    """Refuse what the agent's own file keeps from being applied, whatever the guards say; raises PlanRefused.

    What is ``owed`` to a run that died was approved with that one.
    """
    session, settings = planned.session, order.settings
    if planned.plan.effective or owed:
        _check_windows(order, session)
    if settings.approval and planned.plan.effective and not owed:
        check_approvals(
            candidate(planned),
            planned.ledger.approvals,
            needed=_APPROVALS,
            acknowledged=(),
            apart=apart(session, planned.ledger, Guards()),
        )


def _check_windows(order: Order, session: Session) -> None:
    """Refuse a change outside of the agent's own windows, which bind nobody else; raises PlanRefused."""
    shut = closed(order.settings.windows, clock.now(), by=_OWN_WINDOWS)
    if shut is not None:
        raise PlanRefused(
            f"{session.owner} may not be changed now: {shut.why}",
            hint=f"{shut.until}; if it cannot wait, do it by hand",
        )


def _turn(session: Session, task: Task, resources: ExitStack) -> Turn:
    """Wait in line for a stack that somebody has; a free one is locked only once there is something to do."""
    operation = Operation.DESTROY if task is Task.DESTROY else Operation.APPLY
    turn = Turn(patience=_PATIENCE, eager=False)
    return take_turn(session, operation, turn, resources, attended=False)


def _may_retry(order: Order, planned: Planned) -> bool:
    """Whether a revision that failed before may be tried once more.

    Where its workloads were brought back to the last healthy revision, trying again would only take them away again.
    """
    bad = known_bad(planned)
    if bad is None or planned.session.stack.on_failure.restore:
        return False
    return bad.attempts < order.configuration.retry.attempts


def _held(order: Order, planned: Planned, refusal: PlanRefused) -> Verdict:
    """Return the verdict of a plan that is not carried out: what it waits for, and when that may have come."""
    waits, again = Waits.PERSON, None
    shut = _shut(order, planned)
    if shut is not None:
        waits = Waits.WINDOW
        again = (shut.opens - clock.now()).total_seconds() if shut.opens else None
    elif not _approved(order, planned):
        waits = Waits.APPROVAL
    elif known_bad(planned) is not None:
        waits = Waits.COMMIT
    return replace(
        _verdict(End.HELD, planned),
        message=refusal.message,
        hint=refusal.hint,
        detail=refusal.detail,
        waits=waits,
        again=again,
    )


def _shut(order: Order, planned: Planned) -> Closed | None:
    guards, now = planned.session.stack.guards, clock.now()
    return closed(order.settings.windows, now) or closed(guards.windows, now)


def _approved(order: Order, planned: Planned) -> bool:
    guards = strictest(planned.session, planned.ledger, ())
    needed = max(guards.approvals, _APPROVALS if order.settings.approval else 0)
    strict = Guards() if order.settings.approval else guards
    apart_ = apart(planned.session, planned.ledger, strict)
    return len(approvers(planned.ledger.approvals, digest(planned.plan), apart_)) >= needed


def _done(planned: Planned, report: Report) -> Verdict:
    match report.outcome:
        case Outcome.UNCHANGED:
            return replace(_still(planned), entry=report.entry)
        case Outcome.APPLIED:
            end = End.APPLIED
        case Outcome.DESTROYED:
            end = End.DESTROYED
        case Outcome.INTERRUPTED:
            overtaken = planned.session.surroundings.overtaken.by
            end = End.OVERTAKEN if overtaken else End.INTERRUPTED
        case _:
            end = End.FAILED
    verdict = _verdict(end, planned, drift=_drift(planned))
    cause = _cause(report)
    told = (cause.message, cause.hint, cause.detail) if cause else ("", "", "")
    return replace(
        verdict,
        message=told[0],
        hint=told[1],
        detail=told[2],
        entry=report.entry,
        done=accomplished(report),
        restores=_restored(report),
    )


def _restored(report: Report) -> str:
    """Return which revision was gone back to: Git went back, or what failed was followed by that."""
    back, plan = report.fallback, report.plan
    if back is not None and back.report is not None and back.report.outcome is Outcome.APPLIED:
        return back.report.plan.revision.commit
    applied = report.outcome is Outcome.APPLIED
    return plan.restores.revision.commit if plan.restores and applied else ""


def _cause(report: Report) -> OrchestratorError | None:
    failed = next((each for each in report.failures if each.error is not None), None)
    return failed.error if failed else report.trouble


def _verdict(end: End, planned: Planned, *, drift: int = 0) -> Verdict:
    return Verdict(
        end=end,
        revision=planned.plan.revision.commit,
        digest=digest(planned.plan),
        done=intended(planned.plan),
        drift=drift,
    )


def _drift(planned: Planned) -> int:
    return sum(len(unit.drift) for unit in planned.plan.units)


def refused(error: OrchestratorError, revision: str) -> Verdict:
    """Return the verdict of a task that an error ended before anything was done."""
    message, hint, detail = error.message, error.hint, error.detail
    verdict = Verdict(end=End.FAILED, message=message, hint=hint, detail=detail, revision=revision)
    match error:
        case Locked():
            return replace(verdict, end=End.LOCKED)
        case Interrupted():
            return replace(verdict, end=End.INTERRUPTED)
        case Unplaced() | Elsewhere():  # nothing that the agent could wait for
            return replace(verdict, end=End.UNCHANGED)
        case PlanRefused():
            return replace(verdict, end=End.HELD, waits=Waits.PERSON)
        case InvalidStack():
            return _mistaken(verdict, error.mistakes)
        case _:
            return verdict


def _mistaken(verdict: Verdict, mistakes: Sequence[Mistake]) -> Verdict:
    """Return the verdict of files with mistakes: the first is why, and the detail has all of them."""
    told = [*map(str, mistakes)]
    if not told:
        return verdict
    others = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    message, detail = f"{told[0]}{others}", "\n".join(told) if others else ""
    return replace(verdict, message=message, hint=mistakes[0].hint, detail=detail)
