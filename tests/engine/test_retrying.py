"""Trying a unit again: how often, after which failures, and what ends it."""

from collections.abc import Callable

import pytest

from orchestrator.engine.execution.retrying import retried
from orchestrator.errors import (
    AccessDenied,
    ClusterError,
    Interrupted,
    OrchestratorError,
    PlanRefused,
    TerraformError,
    TerraformUnavailable,
)
from orchestrator.plans.events import Event, UnitProgress
from orchestrator.processes import Stop
from orchestrator.stack.model import UnitId
from orchestrator.stack.policies import OnFailure

_SHOP = UnitId("manifests.shop")
_QUICK = OnFailure(attempts=3, backoff=0.001)


def _failing(
    times: int, error: type[OrchestratorError] = ClusterError
) -> tuple[list[int], Callable[[int], str]]:
    """Return the numbers of the attempts so far, and an attempt that fails so many times."""
    made: list[int] = []

    def attempt(number: int) -> str:
        made.append(number)
        if number <= times:
            raise error(f"{_SHOP}: no luck")
        return "done"

    return made, attempt


def _run(
    attempt: Callable[[int], str],
    *,
    policy: OnFailure = _QUICK,
    stop: Stop | None = None,
    tell: Callable[[Event], None] = lambda _: None,
) -> str:
    return retried(_SHOP, attempt, policy=policy, stop=stop or Stop(), tell=tell)


@pytest.mark.parametrize("error", [ClusterError, TerraformError])
def test_what_failed_is_tried_again(error: type[OrchestratorError]) -> None:
    """Until it succeeds; each failure is told with its number, its reason and the pause that follows."""
    made, attempt = _failing(2, error)
    told: list[Event] = []

    assert _run(attempt, tell=told.append) == "done"

    assert made == [1, 2, 3]
    assert told == [
        UnitProgress(unit=_SHOP, text="attempt 1 of 3 failed: no luck; the next in 0.001s"),
        UnitProgress(unit=_SHOP, text="attempt 2 of 3 failed: no luck; the next in 0.002s"),
    ]


def test_the_last_failure_counts() -> None:
    """There are as many attempts as the stack says, and by default one."""
    made, attempt = _failing(9)
    with pytest.raises(ClusterError):
        _run(attempt)
    assert made == [1, 2, 3]

    made, attempt = _failing(9)
    with pytest.raises(ClusterError):
        _run(attempt, policy=OnFailure())
    assert made == [1]


@pytest.mark.parametrize("error", [PlanRefused, AccessDenied, TerraformUnavailable, Interrupted])
def test_what_another_attempt_cannot_mend_is_not_tried_again(
    error: type[OrchestratorError],
) -> None:
    """A refusal stays one, a right does not come by itself, and who asks to stop wants no more."""
    made, attempt = _failing(9, error)

    with pytest.raises(error):
        _run(attempt)

    assert made == [1]


def test_a_request_to_stop_ends_the_pause() -> None:
    """It is an interruption, which says what had failed; no further attempt is made."""
    made, attempt = _failing(9)
    stop = Stop()

    with pytest.raises(Interrupted) as stopped:
        _run(
            attempt,
            policy=OnFailure(attempts=2, backoff=600.0),
            stop=stop,
            tell=lambda _: stop.request(),
        )

    assert made == [1]
    assert stopped.value.message == (
        "manifests.shop: stopped before attempt 2, after this failure: no luck"
    )
