"""Objects with a stack's marks that its ledger should know, and does not."""

import pytest

from orchestrator.engine.planning.unknown import (
    UNKNOWN_OBJECTS,
    begun,
    refuse_unknown_objects,
    refuse_unknown_states,
    refuse_unseen,
    told_unseen,
    unknown_objects,
)
from orchestrator.errors import PlanRefused
from orchestrator.ledger.entry import Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.model import UnitId
from tests.ledger.builders import OWNER, deployment, entry, owned, record, run

EMPTY = LedgerState()
NOTED = LedgerState(head="entry-1")
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
    assert unknown_objects((WEB, API), {deployment("web")}, NOTED) == (API, WEB)  # a note is no run


def test_what_says_that_something_was_applied() -> None:
    """A run does, and what a repair found; somebody's word does not, nor what Terraform was told by hand."""
    found = entry(1, Kind.NOTED, units=[record()], of=run(operation=Operation.REPAIR))
    assert begun(fold_all([entry(1)]))
    assert begun(fold_all([entry(1), entry(2, Kind.FINISHED)]))
    assert begun(fold_all([found]))
    for operation in (Operation.APPROVE, Operation.SUSPEND, Operation.RESUME, Operation.REPAIR):
        assert not begun(fold_all([entry(1, Kind.NOTED, of=run(operation=operation))]))
    by_hand = entry(1, Kind.PROGRESSED, of=run(operation=Operation.TERRAFORM))
    assert not begun(fold_all([by_hand]))


def test_a_ledger_is_not_begun_beside_states() -> None:
    """Modules that have something in their states are named, with both ways out."""
    refuse_unknown_states(OWNER, [], ledger=EMPTY)
    with pytest.raises(PlanRefused, match="shop/production has no run, but modules"):
        refuse_unknown_states(OWNER, [UnitId("modules.a")], ledger=NOTED)
    with pytest.raises(PlanRefused) as refused:
        refuse_unknown_states(OWNER, [UnitId("modules.a"), UnitId("modules.b")], ledger=EMPTY)
    assert "shop/production has no ledger, but modules.a, modules.b have" in str(refused.value)
    assert "orchestrator ledger repair shop --env production" in refused.value.hint
    assert "--acknowledge unknown-states" in refused.value.hint


def test_what_could_not_be_looked_through_is_told() -> None:
    """Where the ledger knows of a run it is only said; where it knows of none, nothing else could tell."""
    kinds = tuple(f"kind{number}s" for number in range(12))
    unseen = told_unseen(kinds, ("metrics.k8s.io/v1beta1",))
    assert "we may not list kind0s, kind1s, " in unseen[0]
    assert "kind9s and 2 more: objects" in unseen[0]
    assert "no answer from metrics.k8s.io/v1beta1: objects" in unseen[1]
    assert told_unseen((), ()) == ()

    refuse_unseen(OWNER, unseen, ledger=told())
    refuse_unseen(OWNER, (), ledger=EMPTY)
    for ledger, what in ((EMPTY, "shop/production has no ledger"), (NOTED, "has no run")):
        with pytest.raises(PlanRefused, match=f"{what}, and what the stack has") as refused:
            refuse_unseen(OWNER, unseen, ledger=ledger)
        assert refused.value.detail.splitlines() == [*unseen]
        assert "--acknowledge unknown-objects" in refused.value.hint


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
    with pytest.raises(PlanRefused, match="known to the one alone that applied them"):
        check(alone=True)
    check(UNKNOWN_OBJECTS)
    check(again=told(WEB, API))  # an apply beside this plan made them since the ledger was read
    with pytest.raises(PlanRefused, match="1 object that was applied by"):
        check(again=told(WEB))
