"""Protection goes along with what is protected, whichever set has it."""

import pytest

from orchestrator.engine.planning.standing import (
    heirs_of,
    notes_on_heirs,
    notes_on_protection,
    with_lifting,
)
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.change import Action
from orchestrator.plans.objects import OwnedObject
from orchestrator.stack.model import (
    Cluster,
    Ledger,
    ManifestSet,
    Stack,
    State,
    Terraform,
    UnitId,
)
from tests.ledger.builders import owned, record
from tests.plans.builders import change, unit_plan

_DATA, _RECORDS = UnitId("manifests.data"), UnitId("manifests.records")
_TAKEN = (owned("web", unit=_RECORDS), owned("new", unit=_RECORDS))


def _stack(**protect: bool | None) -> Stack:
    sets = (ManifestSet(name=name, path=name, protect=said) for name, said in protect.items())
    return Stack(
        name="shop",
        environment="production",
        file="stacks/shop/stack.yaml",
        vars={},
        state=State(),
        cluster=Cluster(),
        terraform=Terraform(),
        ledger=Ledger(remote=""),
        modules=(),
        manifests=tuple(sets),
    )


def _ledger(*, protect: bool) -> LedgerState:
    before = record(_DATA, protect=protect)
    return LedgerState(units={_DATA: before}, inventory=(owned("web", unit=_DATA),))


def test_who_takes_over_what_is_protected_is_protected_and_told() -> None:
    """Its own line lifts that as a change of its own, and with its own protection there is nothing to tell."""
    ledger, acting = _ledger(protect=True), unit_plan(_RECORDS, change())
    heirs = heirs_of(_TAKEN, _stack(records=None), ledger)

    assert heirs == {_RECORDS: (_DATA,)}
    (note,) = notes_on_heirs(heirs, _stack(records=None), ledger)
    assert note == (
        "manifests.records takes over what is protected in manifests.data, and is protected from then on,"
        " until `protect: false` is applied"
    )
    for said, lifted in ((None, False), (True, False), (False, True)):
        stack = _stack(records=said)
        (after,) = with_lifting([acting], stack, ledger, heirs=heirs, destroy=False)
        assert after.lifted is lifted
        assert bool(notes_on_heirs(heirs, stack, ledger)) is (said is None)


@pytest.mark.parametrize(
    ("stack", "kept", "taken"),
    [
        pytest.param(_stack(records=None), False, _TAKEN, id="from a set that is not protected"),
        pytest.param(
            _stack(data=True), True, (owned("web", unit=_DATA),), id="what was its own before"
        ),
        pytest.param(
            _stack(data=True, records=None), True, _TAKEN[1:], id="what nobody had before"
        ),
    ],
)
def test_what_is_taken_over_from_nobody_protected_protects_nobody(
    stack: Stack, *, kept: bool, taken: tuple[OwnedObject, ...]
) -> None:
    """A set is protected by what it has from protected ones, and by nothing else."""
    assert not heirs_of(taken, stack, _ledger(protect=kept))


def test_a_plan_says_what_of_it_takes_a_word() -> None:
    """What is protected and would go is told with the word for it, before anybody approves the plan or merges it."""
    stack, ledger = _stack(data=None), _ledger(protect=True)
    doomed = unit_plan(_DATA, change(action=Action.DELETE))

    told = notes_on_protection([doomed], stack, ledger, ())

    assert told == (
        "manifests.data is protected; applying this needs --acknowledge destroy:manifests.data",
    )
    assert notes_on_protection([doomed], stack, ledger, {"destroy:manifests.data"}) == ()
    assert notes_on_protection([doomed], stack, _ledger(protect=False), ()) == ()
    assert notes_on_protection([unit_plan(_DATA, change())], stack, ledger, ()) == ()
