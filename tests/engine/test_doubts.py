"""What a run may have changed is nobody else's, and what it did not change is not its own."""

from dataclasses import replace

from orchestrator.engine.execution.doubts import (
    announced,
    announced_late,
    learned,
    made_out,
)
from orchestrator.engine.planning.workloads import PlannedSet
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.change import Action
from orchestrator.plans.objects import OwnedObject
from orchestrator.plans.plan import UnitPlan
from orchestrator.stack.expressions import Tree
from orchestrator.stack.model import Drift, UnitId
from orchestrator.workloads.applying.sending import Sent
from orchestrator.workloads.manifests.wanted import WantedObject
from orchestrator.workloads.planning.drift.memory import Memory, in_common, remember
from orchestrator.workloads.planning.steps import ObjectStep, SetPlan
from tests.workloads.builders import ref

UNIT = UnitId("manifests.shop")


def memory(**data: Tree) -> str:
    """Return what is remembered of a ConfigMap with this data."""
    value: dict[str, Tree] = {"apiVersion": "v1", "kind": "ConfigMap", "data": data}
    item = WantedObject(unit=UNIT, value=value, ref=ref(), title="web", drift=Drift.REPORT)
    return remember(item, by_field=True)


ONE, TWO = memory(size="large", colour="red"), memory(colour="red", shape="round")
BOTH = in_common(ONE, TWO)
WEB = OwnedObject(ref=ref(), unit=UNIT, uid="u1", fingerprint=ONE)
OTHER = OwnedObject(ref=ref(name="other"), unit=UNIT, uid="u2", fingerprint=ONE)


def sets(
    action: Action = Action.UPDATE, fingerprint: str = TWO, *, name: str = "web"
) -> dict[UnitId, PlannedSet]:
    """Return a set with one step."""
    step = ObjectStep(
        ref=ref(name=name), action=action, manifest={}, remembered=lambda: fingerprint
    )
    result = SetPlan(unit=UNIT, steps=(step,))
    return {UNIT: PlannedSet(unit_plan=UnitPlan(unit=UNIT, effective=True), result=result)}


def test_what_two_have_in_common_is_what_neither_changes() -> None:
    """Only that can have been taken by others since; nothing is left of a whole."""
    assert Memory.of(BOTH).fields == Memory.of(memory(colour="red")).fields
    assert Memory.of(BOTH).whole == ""
    assert in_common(ONE, ONE) == ONE
    assert in_common(BOTH, memory(shape="round")) == in_common(memory(shape="round"), BOTH)
    assert (in_common("", TWO), in_common("a" * 16, "b" * 16)) == ("", ".")


def test_a_run_begins_with_what_it_sends_in_doubt() -> None:
    """What stays as it is, what others look after and what is new are not."""
    assert [*announced([WEB, OTHER], sets())] == [replace(WEB, fingerprint=BOTH), OTHER]
    assert [*announced([WEB], sets(Action.NO_OP))] == [WEB]
    assert [*announced([WEB], sets(fingerprint=ONE))] == [WEB]
    new = OwnedObject(ref=ref(name="new"), unit=UNIT)
    assert [*announced([WEB], sets(Action.CREATE, name="new"))] == [WEB, new]


def test_what_is_known_late_is_announced_late() -> None:
    """All else was announced already; what is not sent after all is in doubt no more."""
    state = LedgerState(inventory=(replace(WEB, fingerprint=BOTH),))
    assert [*announced_late(state, [WEB], sets())] == []
    third = memory(shape="round")
    (late,) = announced_late(state, [WEB], sets(fingerprint=third))
    assert late == replace(WEB, uid="", fingerprint=in_common(ONE, third))
    instead = [*announced_late(state, [WEB], sets(Action.CREATE, name="new"))]
    assert instead == [replace(WEB, uid=""), OwnedObject(ref=ref(name="new"), unit=UNIT)]


def test_a_failure_tells_accepted_sent_and_unsent_apart() -> None:
    """What was accepted is known, of what got no answer nobody can tell, and what was never sent is as before."""
    accepted = replace(WEB, uid="u3", fingerprint=TWO)
    known, unknown = Sent(known={WEB.ref: accepted}), Sent(open={WEB.ref})
    assert [*made_out([WEB], sets(), {UNIT: known})] == [accepted]
    assert [*made_out([WEB], sets(), {UNIT: unknown})] == [replace(WEB, fingerprint=BOTH)]
    assert [*made_out([WEB], sets(), {})] == [WEB]
    assert [*made_out([WEB], sets(Action.REPLACE), {})] == [replace(WEB, uid="")]


def test_what_is_as_git_wants_it_is_recorded_where_the_ledger_says_otherwise() -> None:
    """Others made it so, or the ledger did not know it; what it knows just so is nothing to record."""
    found = sets(Action.NO_OP)
    now = OwnedObject(ref=WEB.ref, unit=UNIT, fingerprint=TWO)
    assert [*learned([WEB, OTHER], found)] == [*learned([], found)] == [now]
    assert [*learned([now, OTHER], found)] == []
