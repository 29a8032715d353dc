"""Executing one set's plan: batches in order, each accepted before the next, then waiting for health."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from orchestrator import clock
from orchestrator.errors import ClusterError, Interrupted, PlanRefused, together
from orchestrator.plans.change import Action
from orchestrator.plans.events import ChangeBegun, ChangeDone, ChangeRefused, Event, UnitProgress
from orchestrator.plans.objects import ObjectRef, OwnedObject, Owner
from orchestrator.processes import Stop
from orchestrator.stack.model import Wait
from orchestrator.workloads.applying.replacing import clear_away
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.cluster import Cluster
from orchestrator.workloads.cluster.answers import Invalid, NotServed, TooEarly
from orchestrator.workloads.cluster.requests import Accepted, Reply, Submission
from orchestrator.workloads.definitions.custom_resources import DEFINITION
from orchestrator.workloads.health.controllers import paused
from orchestrator.workloads.health.custom import own_rules
from orchestrator.workloads.health.rollout import Listener, Rollout, follow, kept_under
from orchestrator.workloads.kinds import Kinds
from orchestrator.workloads.live import Live
from orchestrator.workloads.order import FOUNDATION, batches, rank
from orchestrator.workloads.ownership import own_timeout, owner_of, uid_of
from orchestrator.workloads.planning.drift.upkeep import removed_by_itself
from orchestrator.workloads.planning.steps import ObjectStep, SetPlan
from orchestrator.workloads.planning.taking_over.succession import handed_over

OnEvent: TypeAlias = Callable[[Event], None]

_DEFINITIONS_SECONDS: Final = 30.0
# A new namespace gets its service account, and a new definition its address, a moment after they are there. A quota
# allows more, or has room again for what was deleted to be made anew, when its controller has looked.
_EARLY_SECONDS: Final = 15.0
_NO_PATIENCE: Final = -1.0
_OTHER_SERVERS_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.1
_AGAIN_SECONDS_AT_MOST: Final = 1.0


def apply_set(
    cluster: Cluster,
    plan: SetPlan,
    *,
    wait: Wait,
    on_event: OnEvent,
    stop: Stop,
    sent: Sent | None = None,
) -> tuple[OwnedObject, ...]:
    """Apply a set's steps and wait for health; return all its objects as the inventory keeps them.

    ``sent`` is told of what becomes of each, in case that the set does not come to its end.

    Raises ClusterError for the first batch that was refused, for objects that failed or are late,
    PlanRefused while anything in the plan is pending, ClusterUnreachable, AccessDenied, Interrupted. What was
    applied before stays.
    """
    if plan.pending:
        raise PlanRefused(
            f"{plan.unit} waits for {', '.join(plan.pending)}",
            hint="plan it again once these are known",
        )
    if not plan.steps:
        return ()
    execution = _Execution(cluster, plan, wait=wait, on_event=on_event, stop=stop)
    return execution.run(sent or Sent())


class _Execution:
    """One set on its way."""

    def __init__(
        self, cluster: Cluster, plan: SetPlan, *, wait: Wait, on_event: OnEvent, stop: Stop
    ) -> None:
        self._cluster = cluster
        self._plan = plan
        self._wait = wait
        self._on_event = on_event
        self._stop = stop
        self._rules = own_rules(wait.health)
        self._uids: dict[ObjectRef, str] = {}
        self._watched: set[ObjectRef] = set()
        self._live: dict[ObjectRef, Live] = {}  # of what is watched
        self._sent = Sent()
        self._steps = {step.ref: step for step in plan.steps}
        self._to_replace = [step for step in plan.steps if step.action is Action.REPLACE]
        self._emptied = {step.ref.namespace for step in self._to_replace}

    def run(self, sent: Sent) -> tuple[OwnedObject, ...]:
        self._sent = sent
        foundation = [step for step in self._plan.steps if rank(step.ref) == FOUNDATION]
        rest = [step for step in self._plan.steps if rank(step.ref) != FOUNDATION]
        # Nothing can be submitted before its definition is served, so these are waited for in any case.
        self._carry_out(foundation, replace(self._wait, enabled=True))
        self._cluster.await_kinds(
            _defined(foundation), timeout=_DEFINITIONS_SECONDS, stop=self._stop
        )
        self._carry_out(rest, self._wait)
        return tuple(self._owned(step) for step in self._plan.steps)

    def _carry_out(self, steps: list[ObjectStep], wait: Wait) -> None:
        timeouts = {step.ref: own_timeout(step.manifest) for step in steps if step.wait}
        watched = [
            step for step in steps if step.wait and (wait.enabled or timeouts[step.ref] is not None)
        ]
        self._tell_paused(steps)
        self._live = {}
        self._watched = {step.ref for step in watched}
        with follow(
            self._cluster,
            [step.ref for step in watched],
            _owner(steps),
            rules=self._rules,
            listener=self._listener(),
        ) as rollout:
            for batch in batches((step.ref, step) for step in steps):
                self._apply(batch, rollout)
            rollout.wait(
                self._take_live(),
                unchanged=[step.ref for step in watched if step.action is Action.NO_OP],
                timeouts={step.ref: timeouts[step.ref] or wait.timeout for step in watched},
                stop=self._stop,
            )

    def _tell_paused(self, steps: list[ObjectStep]) -> None:
        for step in steps:
            if step.action is not Action.NO_OP and paused(step.manifest):
                text = f"{step.ref}: is paused in Git, and not waited for"
                self._on_event(UnitProgress(unit=self._plan.unit, text=text))

    def _take_live(self) -> dict[ObjectRef, Live]:
        live, self._live = self._live, {}
        return live

    def _apply(self, batch: tuple[ObjectStep, ...], rollout: Rollout) -> None:
        if self._stop.requested:
            raise Interrupted("interrupted between two batches of objects")
        if any(step.action is Action.REPLACE for step in batch):
            self._clear_away()
        self._hand_over(batch)
        left = [_submission(step) for step in batch if step.action is not Action.NO_OP]
        started = clock.seconds()
        while left:
            for submission in left:
                self._sent.open.add(submission.ref)
                self._on_event(ChangeBegun(unit=self._plan.unit, name=str(submission.ref)))
            replies = self._cluster.apply_many(
                left,
                dry_run=False,
                on_reply=partial(self._replied, rollout),
                keep=kept_under(self._rules),
            )
            refused = [
                (submission, reply)
                for submission, reply in zip(left, replies, strict=True)
                if isinstance(reply, ClusterError)
            ]
            waited = clock.seconds() - started
            if any(waited > self._patience(*each) for each in refused):
                raise together([error for _, error in refused])
            left = [submission for submission, _ in refused]
            if left:
                self._stop.wait(pause_between_tries(waited))

    def _patience(self, submission: Submission, error: ClusterError) -> float:
        """Return for how many seconds the same is sent again, since the server may take it a moment later."""
        match error:
            case NotServed():
                return _EARLY_SECONDS
            case TooEarly(lacks=lacks):
                freed = lacks.namespace in self._emptied or any(
                    map(lacks.met_by, self._plan.changed)
                )
                return _EARLY_SECONDS if freed or not lacks.too_small else _NO_PATIENCE
            case _ if type(error) is Invalid and self._is_redefined(submission.ref):
                return _OTHER_SERVERS_SECONDS
            case _:
                return _NO_PATIENCE

    def _is_redefined(self, ref: ObjectRef) -> bool:
        """Whether this plan changes the definition of a kind, which servers beside the one that took it learn later."""
        name = self._cluster.resource(ref).qualified
        return any(
            (each.group, each.kind, each.name) == (*DEFINITION, name) for each in self._plan.changed
        )

    def _clear_away(self) -> None:
        """Delete all that is made anew, backwards: what is first to come may be held by what comes later."""
        steps, self._to_replace = self._to_replace, []
        unit = self._plan.unit
        clear_away(
            self._cluster,
            [OwnedObject(ref=step.ref, unit=unit, uid=step.uid) for step in steps],
            owner=_owner(steps),
            on_event=self._on_event,
            stop=self._stop,
            timeout=self._wait.timeout,
        )

    def _hand_over(self, batch: tuple[ObjectStep, ...]) -> None:
        errors = self._cluster.hand_over_many(
            {
                step.ref: (step.uid, partial(handed_over, succession=step.succession))
                for step in batch
                if step.succession and step.action not in {Action.NO_OP, Action.REPLACE}
            }
        )
        if errors:
            raise together(errors)

    def _replied(self, rollout: Rollout, submission: Submission, reply: Reply) -> None:
        if isinstance(reply, Accepted):
            ref = submission.ref
            self._uids[ref] = uid_of(reply.live)
            waiting = ref in self._watched and not rollout.healthy_at_once(ref, reply.live)
            if waiting:
                self._live[ref] = reply.live
            self._know(ref, waiting=waiting)
            self._tell(ref, waiting=waiting)
        else:
            self._sent.open.discard(submission.ref)
            name = str(submission.ref)
            self._on_event(ChangeRefused(unit=self._plan.unit, name=name))

    def _know(self, ref: ObjectRef, *, waiting: bool) -> None:
        step = self._steps[ref]
        if step.action is not Action.NO_OP and not (waiting and removed_by_itself(step.manifest)):
            self._sent.known[ref] = self._owned(step)

    def _healthy(self, ref: ObjectRef) -> None:
        self._know(ref, waiting=False)
        self._tell(ref, waiting=False)

    def _listener(self) -> Listener:
        return Listener(
            healthy=self._healthy,
            waiting=lambda ref, reason: self._on_event(
                UnitProgress(unit=self._plan.unit, text=f"{ref}: {reason}")
            ),
        )

    def _tell(self, ref: ObjectRef, *, waiting: bool) -> None:
        action = self._steps[ref].action
        if action is not Action.NO_OP:
            self._on_event(
                ChangeDone(unit=self._plan.unit, name=str(ref), action=action, waiting=waiting)
            )

    def _owned(self, step: ObjectStep) -> OwnedObject:
        return OwnedObject(
            ref=step.ref,
            unit=self._plan.unit,
            uid=self._uids.get(step.ref, step.uid),
            fingerprint=step.fingerprint,
        )


def pause_between_tries(waited: float) -> float:
    """Return how many seconds after a refusal that passes by itself the same is sent again, after so many. Pure.

    Most are over at once; of those that are not, each try is a request, and news of a change that began again.
    """
    return min(max(_AGAIN_SECONDS, waited / 2), _AGAIN_SECONDS_AT_MOST)


def _submission(step: ObjectStep) -> Submission:
    # What is made anew is another object.
    uid = "" if step.action is Action.REPLACE else step.uid
    return Submission(
        ref=step.ref, manifest=step.manifest, force=step.force, uid=uid, absent=step.absent
    )


def _owner(steps: list[ObjectStep]) -> Owner:
    owners = (owner_of(step.manifest) for step in steps)
    return next((owner for owner in owners if owner), Owner(stack="", environment=""))


def _defined(steps: list[ObjectStep]) -> frozenset[tuple[str, str, str]]:
    """Return the (group, version, kind) that the definitions among these steps bring."""
    return Kinds().with_definitions(step.manifest for step in steps).planned
