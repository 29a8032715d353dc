"""Carrying out one phase of a plan: its units in their order, and what came of each, returned and not raised."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from orchestrator import log
from orchestrator.engine.execution.retrying import retried
from orchestrator.engine.execution.tally import Tally
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs
from orchestrator.engine.walk import Done, Ending, Failed, Skipped, walk
from orchestrator.errors import Interrupted
from orchestrator.plans.change import Change
from orchestrator.plans.events import Outcome, PhaseStarted, UnitFinished
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.plans.report import UnitResult
from orchestrator.processes import Stop
from orchestrator.stack.expressions import Output
from orchestrator.stack.model import UnitId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What came of one unit: what was done, its outputs, the objects that it owns now and those gone.

    ``seal`` tells, of a module, what it was applied with.
    """

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict)
    owned: tuple[OwnedObject, ...] = ()
    deleted: tuple[ObjectRef, ...] = ()
    seal: str = ""


Endings = dict[UnitId, Ending[Effect]]
Work = Callable[[Planned, UnitId, Mapping[UnitId, Effect]], Effect]
"""Carries out one unit of a plan, whose listener counts what is done; it is given what the units before it came to."""


def succeeded(endings: Endings) -> bool:
    """Return whether every unit of a phase did what it was to do."""
    return all(isinstance(end, Done) for end in endings.values())


def is_done(endings: Endings, unit: UnitId) -> bool:
    """Return whether a unit came to its end."""
    return isinstance(endings.get(unit), Done)


def changed(end: object) -> bool:
    """Return whether a unit came to its end, and something was done to it."""
    return (
        isinstance(end, Done)
        and isinstance(end.value, Effect)
        and end.value.outcome is Outcome.APPLIED
    )


def owned_by(endings: Endings) -> Iterator[OwnedObject]:
    """Yield the objects of the units that came to their end."""
    for end in endings.values():
        yield from end.value.owned if isinstance(end, Done) else ()


def deleted_by(endings: Endings) -> Iterator[ObjectRef]:
    """Yield the objects that are gone by units that came to their end."""
    for end in endings.values():
        yield from end.value.deleted if isinstance(end, Done) else ()


def unit_results(endings: Endings) -> tuple[UnitResult, ...]:
    """Return how the units ended, for the report."""
    return tuple(_result(unit, end) for unit, end in endings.items())


def known_outputs(endings: Endings) -> Outputs:
    """Return the outputs of the modules that were applied, by module name."""
    return {
        unit.partition(".")[2]: end.value.outputs if isinstance(end, Done) else None
        for unit, end in endings.items()
    }


def tried(planned: Planned, unit: UnitId, stop: Stop, attempt: Callable[[int], T]) -> T:
    """Return what comes of a unit, tried as often as the stack says."""
    policy, tell = planned.session.stack.on_failure, planned.session.surroundings.on_event
    return retried(unit, attempt, policy=policy, stop=stop, tell=tell)


def carried_out(
    planned: Planned,
    phase: str,
    units: Iterable[UnitId],
    work: Work,
    *,
    at_once: int | None,
    stop: Stop | None = None,
) -> Endings:
    """Carry out a phase, telling how each unit ends; side by side along the graph, or one after another for None.

    What did not come to its end has what it did until then.
    """
    around, order = planned.session.surroundings, tuple(units)
    if not order:
        return {}
    around.on_event(PhaseStarted(phase=phase, units=order))

    def announce(unit: UnitId, end: Ending[Effect]) -> None:
        result = _result(unit, end)
        log.step("unit ended", unit=unit, outcome=result.outcome, seconds=result.seconds)
        around.on_event(
            UnitFinished(
                unit=unit, outcome=result.outcome, seconds=result.seconds, detail=result.detail
            )
        )

    tally = Tally(around.on_event)
    heard_by = replace(planned.session, surroundings=replace(around, on_event=tally.listen))
    counting = replace(planned, session=heard_by)
    needs = _one_after_another(order) if at_once is None else planned.graph.needs
    heard = stop or around.stop
    endings = walk(
        order, needs, partial(work, counting), workers=at_once or 1, stop=heard, on_end=announce
    )
    shown = {unit.unit: unit.changes for unit in planned.plan.units}
    return {unit: _accounted(unit, end, tally, shown) for unit, end in endings.items()}


def _accounted(
    unit: UnitId, end: Ending[Effect], tally: Tally, shown: Mapping[UnitId, tuple[Change, ...]]
) -> Ending[Effect]:
    if not isinstance(end, Failed):
        return end
    done, unknown = tally.account(unit, shown.get(unit, ()))
    return replace(end, done=done, unknown=unknown)


def _one_after_another(order: tuple[UnitId, ...]) -> dict[UnitId, tuple[UnitId, ...]]:
    """Return needs by which each unit waits for the one before it, also for its success."""
    return {unit: order[max(0, index - 1) : index] for index, unit in enumerate(order)}


def _result(unit: UnitId, end: Ending[Effect]) -> UnitResult:
    match end:
        case Done(value=effect):
            return UnitResult(
                unit=unit, outcome=effect.outcome, changes=effect.changes, seconds=end.seconds
            )
        case Failed(error=error):
            stopped = isinstance(error, Interrupted)
            return UnitResult(
                unit=unit,
                outcome=Outcome.INTERRUPTED if stopped else Outcome.FAILED,
                changes=end.done,
                unknown=end.unknown,
                seconds=end.seconds,
                detail=error.message.removeprefix(f"{unit}: "),
                error=error,
            )
        case Skipped():
            reason = f"since {', '.join(end.because)} did not succeed" if end.because else "stopped"
            return UnitResult(unit=unit, outcome=Outcome.SKIPPED, detail=reason)
