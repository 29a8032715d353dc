"""What came of executing a plan, as data for every kind of report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import (
    ClusterUnreachable,
    Interrupted,
    LedgerError,
    LockLost,
    OrchestratorError,
    PlanRefused,
    StorageError,
)
from orchestrator.plans.change import Action, Change, Risk, Subject
from orchestrator.plans.events import Outcome
from orchestrator.plans.falling_back import LeftAlone
from orchestrator.plans.plan import Plan
from orchestrator.stack.model import UnitId

_BLAMELESS = (ClusterUnreachable, LedgerError, PlanRefused, StorageError)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """How one unit ended; ``changes`` were carried out, ``error`` says why it failed, ``detail`` shortly so.

    ``unknown`` are the names of what one that failed may have changed: nobody can tell.
    """

    unit: UnitId
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    unknown: tuple[str, ...] = ()
    seconds: float = 0.0
    detail: str = ""
    error: OrchestratorError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What followed a rollout that failed: the workloads of the last healthy revision were applied, or why not.

    Either ``report`` says what came of applying them, or ``error`` why that was not even begun. ``left`` is what stays
    as the failed revision has it, since nobody agreed to more.
    """

    report: "Report | None" = None
    error: OrchestratorError | None = None
    left: tuple[LeftAlone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An executed plan: a result for each unit and phase, in order, and the ledger's entry, if any.

    ``trouble`` is what went wrong beside the units, such as a ledger that could not be written. ``fallback`` is what
    the stack says that follows a failure, None where it says nothing.
    """

    plan: Plan
    results: tuple[UnitResult, ...]
    entry: str = ""
    trouble: OrchestratorError | None = None
    seconds: float = 0.0
    fallback: Fallback | None = None

    @property
    def failures(self) -> tuple[UnitResult, ...]:
        """Return the results of the units that failed."""
        return tuple(result for result in self.results if result.outcome is Outcome.FAILED)

    @property
    def outcome(self) -> Outcome:
        """Return how the whole ended: failed, interrupted, applied, destroyed or unchanged."""
        outcomes = {result.outcome for result in self.results}
        if isinstance(self.trouble, LockLost):
            return Outcome.FAILED
        if isinstance(self.trouble, Interrupted) or Outcome.INTERRUPTED in outcomes:
            return Outcome.INTERRUPTED
        if self.trouble is not None or Outcome.FAILED in outcomes:
            return Outcome.FAILED
        if Outcome.SKIPPED in outcomes:  # without a failure, only a request to stop skips
            return Outcome.INTERRUPTED
        if outcomes <= {Outcome.UNCHANGED}:
            return Outcome.UNCHANGED
        return Outcome.DESTROYED if self.plan.destroy else Outcome.APPLIED

    @property
    def recorded(self) -> Outcome:
        """Return how the ledger keeps the end: as broken off when all that failed says nothing of the revision.

        A remote, a disk or a cluster that is away fails whatever is applied; the next run goes on. So it does where
        somebody has to agree to more than was shown, which the next plan shows.
        """
        causes = [result.error for result in self.failures]
        if self.trouble is not None:
            causes.append(self.trouble)
        around = bool(causes) and all(isinstance(cause, _BLAMELESS) for cause in causes)
        outcome = self.outcome
        return Outcome.INTERRUPTED if around and outcome is Outcome.FAILED else outcome


def intended(plan: Plan) -> str:
    """Return in a few words what a plan is going to do, for the ledger's entry before the first effect."""
    deferred = sum(1 for unit in plan.units if unit.deferred)
    later = [f"{deferred} unit{'s' if deferred > 1 else ''} to plan in turn"] if deferred else []
    found = counted(change for _, change in plan.changes())
    words = [f"{number} to {action.value}" for action, number in found.items()]
    lost = sum(change.risk is Risk.DATA_LOSS for _, change in plan.changes())
    losing = [f"{lost} losing data"] if lost else []
    guards = [loosening(plan)] if plan.loosened else []
    return ", ".join([*words, *losing, *guards, *later]) or "nothing to change"


def accomplished(report: Report) -> str:
    """Return in a few words what was done, for the ledger's entry at the end and for people."""
    failed = (
        [f"failed at {', '.join(result.unit for result in report.failures)}"]
        if report.failures
        else []
    )
    stopped = ["interrupted"] if report.outcome is Outcome.INTERRUPTED else []
    guards = [loosening(report.plan)] if report.plan.loosened and not (failed or stopped) else []
    nothing = "nothing of it was done" if report.trouble is not None else "nothing to change"
    return ", ".join([*changed(report), *guards, *failed, *stopped]) or nothing


def changed(report: Report) -> tuple[str, ...]:
    """Return in a few words each what was done of a plan, and how much of it may have been."""
    found = counted(change for result in report.results for change in result.changes)
    unknown = sum(len(result.unknown) for result in report.results)
    words = (f"{number} {PAST[action]}" for action, number in found.items())
    return (*words, *([f"{unknown} may be done"] if unknown else []))


def loosening(plan: Plan) -> str:
    """Return in a few words which guards a plan loosens."""
    names = ", ".join(each.guard for each in plan.loosened)
    return f"guard{'s' if len(plan.loosened) > 1 else ''} loosened: {names}"


def counted(changes: Iterable[Change]) -> dict[Action, int]:
    """Return how often each action does something, in the order of ``PAST``; outputs go without saying."""
    found = Counter(change.action for change in changes if change.subject is not Subject.OUTPUT)
    return {action: found[action] for action in PAST if found[action]}


def past(action: Action) -> str:
    """Return what was done by an action, in one word."""
    return PAST.get(action, "unchanged")


PAST = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.MOVE: "moved",
    Action.IMPORT: "imported",
    Action.ADOPT: "adopted",
    Action.READ: "read",
    Action.FORGET: "forgotten",
}
"""What was done, for every action that does something; in the order in which people want to read it."""
