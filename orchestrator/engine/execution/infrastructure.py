"""The modules of an apply, each carried out as the plan says."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.engine.execution.effects import Effect, Endings, carried_out, tried
from orchestrator.engine.execution.in_turn import in_its_turn
from orchestrator.engine.execution.permissions import Permissions
from orchestrator.engine.execution.retrying import check_again
from orchestrator.engine.planning.infrastructure import sealed
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import PlannedModule
from orchestrator.engine.planning.removed import plan_removed
from orchestrator.infrastructure.modules import apply_module, workers
from orchestrator.plans.events import Outcome, UnitStarted
from orchestrator.stack.model import UnitId


def apply_infrastructure(planned: Planned, allowed: Permissions) -> Endings:
    """Apply the modules along the graph, planning those in their turn that had to wait, or that read what moved."""

    def work(counting: Planned, unit: UnitId, done: Mapping[UnitId, Effect]) -> Effect:
        outputs = {each.partition(".")[2]: effect.outputs for each, effect in done.items()}

        def attempt(number: int) -> Effect:
            shown = planned.modules[unit]
            module = in_its_turn(planned, shown, allowed, outputs=outputs, again=number > 1)
            return _apply_module(counting, module, "applying", Outcome.APPLIED)

        return tried(planned, unit, planned.session.surroundings.stop, attempt)

    at_once = workers(planned.session.surroundings.settings)
    return carried_out(planned, "infrastructure", planned.modules, work, at_once=at_once)


def destroy_infrastructure(planned: Planned) -> Endings:
    """Destroy the modules in the plan's order, what depends on others first."""

    def work(counting: Planned, unit: UnitId, _done: Mapping[UnitId, Effect]) -> Effect:
        shown = planned.destroyed[unit]

        def attempt(number: int) -> Effect:
            module = shown if number == 1 else _planned_gone(planned, shown)
            return _apply_module(counting, module, "destroying", Outcome.DESTROYED)

        # What a destruction was asked for by hand is not a revision that goes wrong.
        done = tried(planned, unit, stop, attempt) if shown.unit_plan.removed else attempt(1)
        return replace(done, outcome=Outcome.DESTROYED)

    stop = planned.session.surroundings.stop

    return carried_out(planned, "destroy", planned.destroyed, work, at_once=None)


def _planned_gone(planned: Planned, shown: PlannedModule) -> PlannedModule:
    """Plan the destruction of a module again that Git no longer declares, and that was destroyed in part."""
    unit = shown.unit_plan.unit
    again = plan_removed(planned.session, [planned.ledger.units[unit]])[unit]
    check_again(shown.unit_plan, again.unit_plan)
    return again


def _apply_module(
    planned: Planned, module: PlannedModule, activity: str, outcome: Outcome
) -> Effect:
    result = module.result
    assert result is not None  # noqa: S101 - planned at the latest a moment ago
    if result.plan_file is None:
        seal = sealed(planned.session, module, state_stamp=result.state_stamp)
        return Effect(outcome=Outcome.UNCHANGED, outputs=result.outputs, seal=seal)
    on_event = planned.session.surroundings.on_event
    on_event(UnitStarted(unit=module.unit_plan.unit, activity=activity))
    applied = apply_module(
        module.workspace, result.plan_file, inputs=module.inputs, on_event=on_event
    )
    seal = sealed(planned.session, module, state_stamp=applied.state_stamp)
    return Effect(outcome=outcome, changes=result.changes, outputs=applied.outputs, seal=seal)
