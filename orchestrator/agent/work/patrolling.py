"""Looking whether the workloads of stacks are as they should be, one after the other, without changing anything.

Each has some time, so that one whose cluster or ledger hangs does not hold up those after it.
"""

from contextlib import ExitStack
from dataclasses import replace

from orchestrator import log
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.work.bounds import check_planned
from orchestrator.agent.work.order import Order
from orchestrator.agent.work.patience import Patience
from orchestrator.agent.work.sessions import impersonated, session_of
from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.looking import Looking
from orchestrator.engine.planning.plan import make_plan
from orchestrator.engine.planning.selection import Selection
from orchestrator.engine.session import Surroundings
from orchestrator.errors import OrchestratorError
from orchestrator.ledger.lease import patience_of
from orchestrator.repository.mirror import Mirror
from orchestrator.repository.repository import Repository


def patrol(order: Order, around: Surroundings, patience: Patience) -> tuple[Key, ...]:
    """Return which stacks are not as they should be, or cannot be looked at: each has to be seen to by itself."""
    repository = Mirror(order.clone).repository
    with (
        repository.kept_running(),
        Looking(stop=around.stop, patience=patience_of(around.settings)) as looking,
    ):
        shared = replace(around, looking=looking)

        def astray(key: Key) -> bool:
            found = _looked(_order(order, key), shared, repository, patience)
            if found is None:  # what the next one gets is not what this one hangs at
                looking.begin_anew()
            return found is not False

        return tuple(key for key in order.looks if around.stop.requested or astray(key))


def _order(order: Order, key: Key) -> Order:
    return replace(order, key=key, task=Task.WORKLOADS, looks=())


def _looked(
    order: Order, around: Surroundings, repository: Repository, patience: Patience
) -> bool | None:
    return patience.with_it(
        lambda stop: _astray(order, replace(around, stop=stop), repository), stop=around.stop
    )


def _astray(order: Order, around: Surroundings, repository: Repository) -> bool:
    with ExitStack() as resources:
        own = replace(
            around,
            impersonated=impersonated(order),
            resources=resources,
            ledgers={},
            plan_files=[],
        )
        try:
            session = session_of(order, own, repository)
            if open_store(session).read().suspended is not None:
                return True
            planned = make_plan(session, Selection(refresh=False), resources)
            check_planned(planned, order.repository.allowed)
        except Exception as error:  # noqa: BLE001 - it is looked at by itself, and says then what befell it
            if not isinstance(error, OrchestratorError):
                log.logger().exception("child crashed")
            return True
        return planned.plan.effective or any(unit.drift for unit in planned.plan.units)
