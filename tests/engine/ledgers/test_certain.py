"""What a repair leaves a ledger to remember of objects: nothing that another ledger or a lost run may have changed."""

from collections.abc import Collection
from dataclasses import replace

from orchestrator.engine.ledgers.certain import missed, uncertain
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.taking_in import Later
from orchestrator.plans.objects import ObjectRef, OwnedObject
from orchestrator.workloads.planning.drift.memory import in_common
from tests.engine.test_doubts import ONE, TWO, UNIT, WEB
from tests.ledger.builders import entry

JOB = OwnedObject(
    ref=ObjectRef(group="batch", version="v1", kind="Job", namespace="shop", name="migrate"),
    unit=UNIT,
    uid="u9",
    fingerprint=ONE,
)
THERE = {WEB.ref, JOB.ref}


def found(
    kept: OwnedObject,
    aside: LedgerState | None,
    there: Collection[ObjectRef] = THERE,
    later: Later = Later.KEPT,
) -> list[OwnedObject]:
    """Return what is certain of one object, or nothing where all that is known of it is."""
    return [*uncertain(LedgerState(inventory=(kept,)), aside, there, later={UNIT: later})]


def other(*objects: OwnedObject) -> LedgerState:
    """Return a ledger that is set aside."""
    return LedgerState(inventory=objects)


def test_of_an_object_that_two_ledgers_know_what_both_say_is_certain() -> None:
    """Whichever applied it last: what one of them took out was not taken by others."""
    theirs = replace(WEB, uid="u2", fingerprint=TWO)
    assert found(WEB, other(theirs)) == [replace(WEB, fingerprint=in_common(ONE, TWO))]
    assert found(WEB, other(replace(WEB, uid="u2"))) == []
    assert found(WEB, other()) == []
    begun = replace(entry(3), inventory=(replace(WEB, uid="", fingerprint=TWO),))
    assert found(WEB, replace(other(WEB), open=begun)) == found(WEB, other(theirs))


def test_of_an_object_that_is_gone_only_what_others_left_there_is_certain() -> None:
    """The other ledger may have deleted it; where that one says that it left it, others did."""
    assert found(WEB, other(), ()) == [OwnedObject(ref=WEB.ref, unit=UNIT)]
    assert found(WEB, other(replace(WEB, uid="")), ()) == [OwnedObject(ref=WEB.ref, unit=UNIT)]
    assert found(WEB, other(WEB), ()) == []
    assert missed(WEB) == OwnedObject(ref=WEB.ref, unit=UNIT)


def test_where_entries_are_lost_nothing_is_certain() -> None:
    """Nobody can tell what they applied or deleted."""
    assert found(WEB, None) == [replace(WEB, fingerprint=in_common(ONE, ""))]
    assert found(WEB, None, ()) == [OwnedObject(ref=WEB.ref, unit=UNIT)]


def test_a_job_that_ran_is_not_forgotten() -> None:
    """It may be gone by itself: it is remembered as the ledger has it that is later, and runs no second time."""
    theirs = replace(JOB, uid="u2", fingerprint=TWO)
    for there in (THERE, ()):
        assert found(JOB, other(), there) == found(JOB, None, there) == []
        assert found(JOB, other(theirs), there) == []
        assert found(JOB, other(theirs), there, Later.ASIDE) == [replace(JOB, fingerprint=TWO)]
    assert missed(JOB) == JOB
