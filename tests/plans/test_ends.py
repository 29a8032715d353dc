"""How the end of a run is kept: what failed on account of its surroundings says nothing of the revision."""

import pytest

from orchestrator.errors import (
    ClusterError,
    ClusterUnreachable,
    Interrupted,
    LedgerError,
    OrchestratorError,
    PlanRefused,
    StorageError,
    TerraformError,
)
from orchestrator.plans.events import Outcome
from orchestrator.plans.report import Report, UnitResult
from orchestrator.stack.model import UnitId
from tests.plans.builders import plan

_AWAY = ClusterUnreachable("it is away")
_WRONG = ClusterError("it is wrong")


@pytest.mark.parametrize(
    ("failures", "trouble", "kept"),
    [
        ((), None, Outcome.UNCHANGED),
        ((_WRONG,), None, Outcome.FAILED),
        ((TerraformError("no such image"),), None, Outcome.FAILED),
        ((_AWAY,), None, Outcome.INTERRUPTED),
        ((_AWAY, _WRONG), None, Outcome.FAILED),
        ((PlanRefused("more than was shown"),), None, Outcome.INTERRUPTED),
        ((PlanRefused("more than was shown"), _WRONG), None, Outcome.FAILED),
        ((_WRONG,), LedgerError("no answer"), Outcome.FAILED),
        ((), LedgerError("no answer"), Outcome.INTERRUPTED),
        ((_AWAY,), StorageError("the disk is full"), Outcome.INTERRUPTED),
        ((), OrchestratorError("a bug"), Outcome.FAILED),
        ((), Interrupted("stopped"), Outcome.INTERRUPTED),
    ],
)
def test_the_surroundings_make_no_revision_bad(
    failures: tuple[OrchestratorError, ...], trouble: OrchestratorError | None, kept: Outcome
) -> None:
    """A remote, a disk or a cluster that is away breaks a run off; anything else that failed counts."""
    results = tuple(
        UnitResult(unit=UnitId(f"manifests.s{number}"), outcome=Outcome.FAILED, error=error)
        for number, error in enumerate(failures)
    )
    assert Report(plan=plan(), results=results, trouble=trouble).recorded is kept
