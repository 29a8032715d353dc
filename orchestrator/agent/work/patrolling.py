"""Looking whether the workloads of stacks are as they should be, one after the other, without changing anything."""

from contextlib import ExitStack
from dataclasses import replace

from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.work.bounds import check_planned
from orchestrator.agent.work.order import Order
from orchestrator.agent.work.sessions import impersonated, session_of
from orchestrator.engine.planning.plan import make_plan
from orchestrator.engine.planning.selection import Selection
from orchestrator.engine.recording import open_store
from orchestrator.engine.session import Surroundings
from orchestrator.errors import OrchestratorError


def patrol(order: Order, around: Surroundings) -> tuple[Key, ...]:
    """Return which stacks are not as they should be, or cannot be looked at: each has to be seen to by itself."""
    return tuple(key for key in order.looks if _astray(_order(order, key), around))


def _order(order: Order, key: Key) -> Order:
    return replace(order, key=key, task=Task.WORKLOADS, looks=())


def _astray(order: Order, around: Surroundings) -> bool:
    if around.stop.requested:
        return True
    with ExitStack() as resources:
        own = replace(
            around,
            impersonated=impersonated(order),
            resources=resources,
            ledgers={},
            plan_files=[],
        )
        try:
            session = session_of(order, own)
            if open_store(session).read().suspended is not None:
                return True
            planned = make_plan(session, Selection(refresh=False), resources)
            check_planned(planned, order.repository.allowed)
        except OrchestratorError:
            return True
        return planned.plan.effective or any(unit.drift for unit in planned.plan.units)
