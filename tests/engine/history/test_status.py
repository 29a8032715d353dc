"""What a ledger says of a stack now."""

from orchestrator.engine.history.status import status_of
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Status
from orchestrator.stack.model import UnitId
from tests.engine.history.past import SECOND, Past

_SHOP = UnitId("manifests.shop")


def test_a_run_that_was_abandoned_is_told_though_its_units_were_well() -> None:
    """Nothing is recorded of what it changed: a unit still is as the run before left it."""
    past = Past()
    past.applied({_SHOP: Outcome.APPLIED})
    assert _status(past).broken_off == ""

    begun = past.began(_SHOP, revision=SECOND)
    assert (_status(past).broken_off, bool(_status(past).unfinished)) == ("", True)
    past.abandoned("the machine is gone")

    status = _status(past)
    assert [unit.outcome for unit in status.units] == [Outcome.APPLIED]
    assert status.unfinished == ""
    assert f"the last run, apply at {SECOND} (by " in status.broken_off
    assert f"entry {begun.id[:10]}" in status.broken_off

    past.applied({_SHOP: Outcome.APPLIED}, revision=SECOND)
    assert _status(past).broken_off == ""


def _status(past: Past) -> Status:
    return status_of(past.state, (_SHOP,), stack="shop", at_work=False)
