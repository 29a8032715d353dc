"""Objects with a stack's marks that its ledger should know, and does not."""

import pytest

from orchestrator.engine.planning.unknown import (
    UNKNOWN_OBJECTS,
    refuse_unknown_objects,
    refuse_unknown_states,
    unknown_objects,
)
from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.model import UnitId
from tests.ledger.builders import OWNER, deployment, owned, record

EMPTY = LedgerState()
WEB, API = owned("web"), owned("api")


def told(*inventory: OwnedObject) -> LedgerState:
    """Return what a ledger with entries says."""
    unit = record("manifests.shop")
    return LedgerState(head="entry-1", units={unit.unit: unit}, inventory=inventory)


def test_what_neither_git_nor_the_ledger_knows() -> None:
    """An object that Git wants comes into the ledger anyway, and one that is in it is as it should be."""
    claimed = (owned("old"), WEB, API)
    assert unknown_objects(claimed, {deployment("web")}, told(API)) == (owned("old"),)
    assert unknown_objects(claimed, {deployment("web")}, told(*claimed)) == ()
    assert unknown_objects((), {deployment("web")}, EMPTY) == ()


def test_without_a_ledger_every_object_was_in_one() -> None:
    """Nothing is applied without an entry before it, so also what Git still wants proves that there were some."""
    assert unknown_objects((WEB, API), {deployment("web")}, EMPTY) == (API, WEB)
    approved = LedgerState(head="entry-1")  # a note says nothing of what was applied
    assert unknown_objects((WEB, API), {deployment("web")}, approved) == (API, WEB)


def test_a_ledger_is_not_begun_beside_states() -> None:
    """Modules that have something in their states are named, with both ways out."""
    refuse_unknown_states(OWNER, [])
    with pytest.raises(PlanRefused) as refused:
        refuse_unknown_states(OWNER, [UnitId("modules.a"), UnitId("modules.b")])
    assert "shop/production has no ledger, but modules.a, modules.b have" in str(refused.value)
    assert "orchestrator ledger repair shop --env production" in refused.value.hint
    assert "--acknowledge unknown-states" in refused.value.hint


@pytest.mark.parametrize("ledger", [EMPTY, told()])
def test_a_plan_beside_them_is_refused_with_their_names(ledger: LedgerState) -> None:
    """Nobody is left to find out by an orphan; who acknowledges them goes on, and deletes nothing."""

    def check(*acknowledged: str, again: LedgerState = ledger, alone: bool = False) -> None:
        refuse_unknown_objects(
            OWNER,
            lambda state: unknown_objects((WEB, API), (), state),
            ledger=ledger,
            again=lambda: again,
            acknowledged=acknowledged,
            alone=lambda: alone,
        )

    with pytest.raises(PlanRefused, match="2 objects that were applied by a stack") as refused:
        check()
    assert refused.value.detail.splitlines() == [
        "manifests.shop/Deployment shop/api",
        "manifests.shop/Deployment shop/web",
    ]
    assert "orchestrator ledger repair shop --env production" in refused.value.hint
    assert "name: the ledger was deleted or cut short, or another" in str(refused.value)
    with pytest.raises(PlanRefused, match="known to the clone alone that applied them"):
        check(alone=True)
    check(UNKNOWN_OBJECTS)
    check(again=told(WEB, API))  # an apply beside this plan made them since the ledger was read
    with pytest.raises(PlanRefused, match="1 object that was applied by"):
        check(again=told(WEB))
