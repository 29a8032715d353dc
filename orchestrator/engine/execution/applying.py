"""Apply: the lock, the intent in the ledger, then the plan's own steps and nothing else, then the outcomes.

    infrastructure → workloads → prune → destroy          each phase starts when the one before has succeeded

A plan that destroys everything has only the last two. What runs Terraform is imported inside functions: a stack
without modules does without it.
"""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

from orchestrator import clock, log
from orchestrator.engine.execution.candidates import plan_record
from orchestrator.engine.execution.causes import cause, cause_of_skipping
from orchestrator.engine.execution.doubts import announced, announced_late, learned, made_out
from orchestrator.engine.execution.effects import (
    Effect,
    Endings,
    changed,
    deleted_by,
    is_done,
    known_outputs,
    owned_by,
    succeeded,
    unit_results,
)
from orchestrator.engine.execution.following import brought_back, to_follow
from orchestrator.engine.execution.intents import doomed_by
from orchestrator.engine.execution.permissions import (
    Permissions,
    check_owed,
    known_bad,
    within_approval,
)
from orchestrator.engine.execution.settled import SETTLED, only_the_revision_is_new, settled
from orchestrator.engine.execution.verification import only_noted_since, verify_unmoved
from orchestrator.engine.execution.workloads import apply_workloads, late_sets, prune_workloads
from orchestrator.engine.overtaking import watched
from orchestrator.engine.planning.connection import identify
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.planning.standing import Heirs, heirs_of
from orchestrator.engine.planning.workloads import PlannedSet, intended_by
from orchestrator.engine.recording import Recorder
from orchestrator.engine.turns import Turn, locked, pause_between_looks
from orchestrator.engine.walk import Done, Failed
from orchestrator.errors import LedgerError, LockLost, OrchestratorError, PlanRefused, unexpected
from orchestrator.ledger.entry import Operation, Restores, UnitRecord
from orchestrator.ledger.lease import Lease
from orchestrator.plans.events import Outcome
from orchestrator.plans.failed import failure_of
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import Revision, UnitPlan
from orchestrator.plans.recorded import drifted
from orchestrator.plans.report import Fallback, Report, UnitResult, accomplished, intended
from orchestrator.stack.model import UnitId
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.cluster import Cluster

_PAUSES = 5  # of somebody who waits for the lock, between two looks of its holder at those who do
_UNCHANGED = Done(value=Effect(outcome=Outcome.UNCHANGED))


def execute(
    planned: Planned, allowed: Permissions, *, fresh: bool, turn: Turn | None = None
) -> Report:
    """Execute a plan and return what came of it; failures of units are in the report, not raised.

    ``fresh`` says that the plan was made a moment ago; otherwise the world is looked at again first. ``turn`` has
    the lock, or says how long to wait for it. Raises Locked, PlanRefused when something moved since the plan was
    made, LedgerError.
    """
    started = clock.seconds()
    if settled(planned):
        results = tuple(
            UnitResult(unit=unit.unit, outcome=Outcome.UNCHANGED) for unit in planned.plan.units
        )
        return Report(plan=planned.plan, results=results, seconds=clock.seconds() - started)
    operation = Operation.DESTROY if planned.plan.destroy else Operation.APPLY
    with ExitStack() as resources:
        lease = _lease(planned, operation, turn or Turn(), resources)
        state = planned.store.read()
        if not only_noted_since(planned.store, planned.ledger.head, state.head):
            raise PlanRefused(
                "somebody else applied this stack since the plan was made",
                hint="plan again, and look at what changed",
            )
        if not fresh:
            verify_unmoved(planned)
        recorder = Recorder.begin(
            planned.session,
            lease,
            plan=planned.plan,
            state=state,
            whole=not planned.selection.only,
        )
        recorder.cluster = planned.place
        run = _Run(
            planned=planned,
            allowed=within_approval(planned, allowed),
            recorder=recorder,
            resources=resources,
        )
        report = run.carried_out(started)
        stopped = planned.session.surroundings.stop.requested
        if not report.entry or stopped or not run.is_followed(report):
            return report  # what is owed all the same is left to the next run
        return replace(report, fallback=_followed(planned, run.allowed, recorder, resources))


def execute_owed(planned: Planned, allowed: Permissions, *, turn: Turn | None = None) -> Report:
    """Do what was to follow the failure of this very revision, and died before it was done: apply nothing of it.

    Raises Locked, PlanRefused when the stack may not be changed now or somebody else was at it meanwhile, LedgerError.
    """
    started = clock.seconds()
    check_owed(planned, allowed)
    with ExitStack() as resources:
        lease = _lease(planned, Operation.APPLY, turn or Turn(), resources)
        state = planned.store.read()
        if state.head != planned.ledger.head:
            raise PlanRefused(
                "somebody else applied this stack since it was looked at",
                hint="look again: orchestrator status",
            )
        recorder = Recorder.begin(
            planned.session, lease, plan=planned.plan, state=state, whole=False
        )
        within = within_approval(planned, allowed)
        fallback = _followed(planned, within, recorder, resources)
    bad = known_bad(planned)
    message = f"{failure_of(bad)}; it was not applied again" if bad else "it failed before"
    return Report(
        plan=planned.plan,
        results=(),
        trouble=PlanRefused(message, hint="what was to follow that was not done yet, and is now"),
        seconds=clock.seconds() - started,
        fallback=fallback,
    )


def _followed(
    planned: Planned, allowed: Permissions, recorder: Recorder, resources: ExitStack
) -> Fallback:
    """Bring the workloads of the last healthy revision back, as a run of its own."""
    started = clock.seconds()

    def carry_out(back: Planned, again: Recorder, left: int) -> Report:
        told = f"; {left} left as the failed revision has it" if left else ""
        run = _Run(
            planned=back, allowed=Permissions(), recorder=again, resources=resources, told=told
        )
        return run.carried_out(started)

    return brought_back(planned, allowed, recorder, resources, carry_out=carry_out)


def _lease(planned: Planned, operation: Operation, turn: Turn, resources: ExitStack) -> Lease:
    if turn.lease is not None:
        return turn.lease
    taken = locked(planned.session, planned.store, operation, patience=turn.patience)
    return resources.enter_context(taken)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One execution: phases that follow one another as long as they succeed, and what is recorded of them."""

    planned: Planned
    allowed: Permissions
    recorder: Recorder
    resources: ExitStack
    endings: Endings = field(default_factory=dict)
    pruned: Endings = field(default_factory=dict)
    trouble: OrchestratorError | None = None
    told: str = ""
    sent: dict[UnitId, Sent] = field(default_factory=dict)
    learned: tuple[OwnedObject, ...] = ()
    sets: Mapping[UnitId, PlannedSet] = field(init=False)
    heirs: Heirs = field(init=False)

    def __post_init__(self) -> None:
        self.sets = self.planned.sets
        self.heirs = self._heirs(self.planned.sets)

    def carried_out(self, started: float) -> Report:
        """Record the intent, carry out the phases, record the outcomes.

        Where nothing but the revision is new, the one entry that says so is all there is to do.
        """
        if only_the_revision_is_new(self.planned):
            self.endings = {unit.unit: _UNCHANGED for unit in self.planned.plan.units}
            self.learned = tuple(learned(self.planned.ledger.inventory, self.sets))
        else:
            self._announce_intent()
            try:
                self._phases()
            except OrchestratorError as error:
                self.trouble = error
            except Exception as error:  # noqa: BLE001 - what was done until here has to be recorded
                log.logger().exception("run crashed")
                self.trouble = unexpected(error)
        entry = self._record_outcomes()
        return Report(
            plan=self.planned.plan,
            results=(*unit_results(self.endings), *unit_results(self.pruned)),
            entry=entry,
            trouble=self.trouble,
            seconds=clock.seconds() - started,
        )

    def is_followed(self, report: Report) -> bool:
        """Whether the stack wants its last healthy workloads back: a set failed to be applied, or to become healthy."""
        wanted = self.planned.session.stack.on_failure.restore
        return (
            wanted
            and report.recorded is Outcome.FAILED
            and any(
                isinstance(end, Failed) and unit in self.planned.sets
                for unit, end in self.endings.items()
            )
        )

    def _owed(self, report: Report) -> Restores | None:
        """Return what is to follow; nothing where there is no healthy revision to go back to."""
        with suppress(PlanRefused):
            if self.is_followed(report):
                return to_follow(self.planned, self.recorder.state)
        return None

    def _phases(self) -> None:
        planned = self.planned
        infrastructure = self._infrastructure()
        self.endings |= infrastructure
        if not succeeded(infrastructure):
            return
        sets, cluster = late_sets(planned, infrastructure, self.allowed, self.resources)
        if cluster is not None and not self.recorder.cluster:
            self.recorder.cluster = identify(planned.session, cluster)
        self.sets, self.heirs = sets, self._heirs(sets)
        self._announce_late(sets, infrastructure)
        if cluster is not None:
            self.endings |= self._workloads(sets, cluster, known_outputs(infrastructure))
        if succeeded(self.endings):
            self.pruned = prune_workloads(planned, sets, cluster)
        if not succeeded({**self.endings, **self.pruned}):
            return
        self.endings |= self._destruction()

    def _infrastructure(self) -> Endings:
        if not self.planned.modules:
            return {}
        from orchestrator.engine.execution.infrastructure import apply_infrastructure

        return apply_infrastructure(self.planned, self.allowed)

    def _destruction(self) -> Endings:
        if not self.planned.destroyed:
            return {}
        from orchestrator.engine.execution.infrastructure import destroy_infrastructure

        return destroy_infrastructure(self.planned)

    def _workloads(
        self, sets: Mapping[UnitId, PlannedSet], cluster: "Cluster", outputs: Outputs
    ) -> Endings:
        """Apply the sets, as long as no newer revision waits for its turn."""
        around, lease = self.planned.session.surroundings, self.recorder.lease
        pause = _PAUSES * pause_between_looks(self.planned.session)
        with watched(lease, around.overtaken, pause=pause):
            return apply_workloads(
                self.planned, sets, cluster, outputs=outputs, allowed=self.allowed, sent=self.sent
            )

    def _announce_intent(self) -> None:
        units = [self._record(unit, Outcome.PLANNED) for unit in self.planned.plan.units]
        message = (
            f"{self._subject()}: {intended(self.planned.plan)}{self._acknowledged()}{self.told}"
        )
        self.recorder.started(
            message,
            units=units,
            inventory=announced(self.planned.ledger.believed, self.planned.sets),
            doomed=doomed_by(self.planned.sets),
            plan=plan_record(self.planned),
        )

    def _announce_late(self, sets: Mapping[UnitId, PlannedSet], infrastructure: Endings) -> None:
        """Record what came of the infrastructure, and what is known only now to be made or deleted."""
        known = {owned.ref: owned for owned in self.recorder.state.inventory}
        late = [*announced_late(self.recorder.state, self.planned.ledger.believed, sets)]
        doomed = [known[ref] for ref in doomed_by(sets) if ref in known and known[ref].uid]
        applied = {unit for unit, end in infrastructure.items() if changed(end)}
        if late or doomed or applied:
            units = [
                self._outcome(unit) for unit in self.planned.plan.units if unit.unit in applied
            ]
            message = f"{self._subject()}: infrastructure applied"
            self.recorder.progressed(message, units=units, inventory=late, doomed=doomed)

    def _record_outcomes(self) -> str:
        report = Report(
            plan=self.planned.plan,
            results=(*unit_results(self.endings), *unit_results(self.pruned)),
            trouble=self.trouble,
        )
        failed = {unit: each for unit, each in self.sets.items() if not is_done(self.endings, unit)}
        known = made_out(self.planned.ledger.believed, failed, self.sent)
        try:
            return self.recorder.finished(
                f"{self._subject()}: {accomplished(report)}{self._overtaken(report)}{self.told}",
                report.recorded,
                units=[self._outcome(unit) for unit in self.planned.plan.units],
                inventory=[*known, *self.learned, *owned_by(self.endings)],
                deleted=deleted_by(self.pruned),
                owed=self._owed(report),
            )
        except LedgerError as error:
            # Whatever stopped on account of it: that the lock is lost is why.
            self.trouble = error if isinstance(error, LockLost) else self.trouble or error
            return ""

    def _acknowledged(self) -> str:
        """Return what somebody took the responsibility for, as it is kept."""
        words = ", ".join(sorted(self.allowed.acknowledged))
        return f"; acknowledged: {words}" if words else ""

    def _overtaken(self, report: Report) -> str:
        by = self.planned.session.surroundings.overtaken.by
        return f" by a newer revision, {by}" if by and report.outcome is Outcome.INTERRUPTED else ""

    def _subject(self) -> str:
        plan = self.planned.plan
        back = f" (restores {plan.restores.revision})" if plan.restores else ""
        return f"{self.recorder.run.operation} {plan.stack}/{plan.environment} at {plan.revision}{back}"

    def _outcome(self, unit: UnitPlan) -> UnitRecord:
        # A set is applied and then pruned: it is done when both are.
        not_pruned = {gone: end for gone, end in self.pruned.items() if isinstance(end, Failed)}
        last = {**self.pruned, **self.endings, **not_pruned}
        found = next((each for each in unit_results(last) if each.unit == unit.unit), None)
        record = self._record(unit, found.outcome if found else Outcome.SKIPPED)
        ends = [each.get(unit.unit) for each in (self.endings, self.pruned)]
        return replace(
            record,
            seconds=round(sum(end.seconds for end in ends if isinstance(end, Done | Failed)), 3),
            why=cause(found) if found else self._why_not_reached(),
            drift=drifted(unit),
        )

    def _why_not_reached(self) -> str:
        """Return why a unit was not even begun: its phase never came."""
        results = (*unit_results(self.endings), *unit_results(self.pruned))
        return cause_of_skipping(results, self.trouble)

    def _record(self, unit: UnitPlan, outcome: Outcome) -> UnitRecord:
        return UnitRecord(
            unit=unit.unit,
            outcome=outcome,
            revision=self._revision(unit),
            at=clock.now(),
            by=self.recorder.run.who,
            fingerprint=unit.fingerprint,
            seal=self._seal(unit.unit, outcome),
            health=self._health(unit.unit, outcome),
            protect=not unit.lifted
            and (unit.unit in self.planned.protected or unit.unit in self.heirs),
            risks={} if unit.removed else self.planned.wanted.stack.risks,
        )

    def _heirs(self, sets: Mapping[UnitId, PlannedSet]) -> Heirs:
        return heirs_of(intended_by(sets), self.planned.wanted.stack, self.planned.ledger)

    def _seal(self, unit: UnitId, outcome: Outcome) -> str:
        """Return what tells later that nothing changed since a module was applied, or found as it is wanted."""
        end, module = self.endings.get(unit), self.planned.modules.get(unit)
        if outcome not in SETTLED or module is None or not isinstance(end, Done):
            return ""
        if end is _UNCHANGED and module.result is not None:
            from orchestrator.engine.planning.infrastructure import sealed

            return sealed(self.planned.session, module, state_stamp=module.result.state_stamp)
        return end.value.seal

    def _revision(self, unit: UnitPlan) -> Revision:
        """Return the revision that a unit is brought to; for one that goes, the one that its source is in."""
        before = self.planned.ledger.units.get(unit.unit)
        if unit.removed and before is not None:
            return before.applied or before.revision
        return self.planned.plan.revision

    def _health(self, unit: UnitId, outcome: Outcome) -> str:
        """Return what is known of a set's health: what this run waited for, else what an earlier one did."""
        manifests = self.planned.wanted.manifests
        if unit not in manifests or outcome not in SETTLED:
            return ""
        if self.endings.get(unit) is _UNCHANGED:
            return self.planned.ledger.units[unit].health
        return "healthy" if manifests[unit].wait.enabled else ""
