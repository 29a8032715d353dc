"""A module when its turn comes: what was shown still holds, or it is planned with what the others gave by then."""

import json
from collections.abc import Mapping

from orchestrator.engine.execution.permissions import Permissions, check_late
from orchestrator.engine.execution.retrying import check_again
from orchestrator.engine.execution.verification import verify_late_unit, verify_state
from orchestrator.engine.planning.infrastructure import plan_unit, resolve_inputs
from orchestrator.engine.planning.plan import Planned
from orchestrator.engine.planning.planned import Outputs, PlannedModule, Upstream
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Json


def in_its_turn(
    planned: Planned, shown: PlannedModule, allowed: Permissions, *, outputs: Outputs, again: bool
) -> PlannedModule:
    """Return a module as it is to be applied, with the ``outputs`` that really came of those that it needs.

    It is planned now if it had to wait, if another attempt at it failed, or if it was planned with values that turned
    out to be others: an output that was known may come from a module that was itself planned in its turn. Then it is
    held to what was shown of it. Raises PlanRefused, InvalidStack, TerraformError.
    """
    session, wanted = planned.session, planned.wanted.modules[shown.unit_plan.unit]
    revision = session.revision.commit
    if (
        shown.result is not None
        and not again
        and same(shown.inputs, resolve_inputs(session.stack, wanted, outputs, revision=revision))
    ):
        return shown
    assert planned.site is not None  # noqa: S101 - there is a module, so there is an engine
    module = plan_unit(session, planned.site, wanted, Upstream(outputs=outputs))
    if not again:
        verify_state(shown, module.state_stamp)
    check_late(planned, module, allowed, again=again)
    if again and not shown.unit_plan.deferred:
        check_again(shown.unit_plan, module.unit_plan)
    else:
        verify_late_unit(shown.unit_plan, module.unit_plan, allowed)
    return module


def same(planned: Mapping[str, Json], now: Mapping[str, Tree]) -> bool:
    """Whether inputs are what a module was planned with; `1` and `true` differ, and what is still pending differs."""
    try:
        return json.dumps(planned, sort_keys=True) == json.dumps(now, sort_keys=True)
    except TypeError:  # what is pending is no JSON
        return False
