"""What differs between the states after two entries."""

from dataclasses import replace

import pytest

from orchestrator.engine.history.comparing import (
    object_differences,
    states_after,
    unit_differences,
)
from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import LedgerState
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Difference
from orchestrator.stack.model import UnitId
from tests.engine.history.past import SECOND, Past
from tests.ledger.builders import owned


def test_objects_that_came_went_moved_and_changed() -> None:
    """Each is told once, by what became of it; what is as it was is not told."""
    kept, moved, changed = (
        owned("kept", uid="1"),
        owned("moved", uid="2"),
        owned("changed", uid="3"),
    )
    anew, gone, added = owned("anew", uid="4"), owned("gone", uid="5"), owned("added", uid="6")
    before = LedgerState(inventory=(kept, moved, changed, anew, gone))
    after = LedgerState(
        inventory=(
            kept,
            replace(moved, unit=UnitId("manifests.other")),
            replace(changed, fingerprint="f2"),
            replace(anew, uid="7"),
            added,
        )
    )

    found = {each.name: each for each in object_differences(before, after)}

    assert {name: each.difference for name, each in found.items()} == {
        "Deployment shop/added": Difference.ADDED,
        "Deployment shop/anew": Difference.MADE_ANEW,
        "Deployment shop/changed": Difference.CHANGED,
        "Deployment shop/gone": Difference.GONE,
        "Deployment shop/moved": Difference.MOVED,
    }
    assert found["Deployment shop/moved"].previous == "manifests.shop"
    assert [*object_differences(after, after)] == []


def test_units_by_revision_and_outcome() -> None:
    """A unit that is at another revision, failed, came or went is told; one that is as it was is not."""
    past = Past()
    first = past.applied(
        {
            "modules.base": Outcome.APPLIED,
            "modules.kept": Outcome.APPLIED,
            "manifests.shop": Outcome.APPLIED,
        }
    )
    last = past.applied(
        {
            "modules.base": Outcome.UNCHANGED,
            "manifests.shop": Outcome.FAILED,
            "manifests.new": Outcome.APPLIED,
        },
        revision=SECOND,
    )
    states = states_after(past.entries, {first.id, last.id})

    found = {each.unit: each for each in unit_differences(states[first.id], states[last.id])}

    assert found.keys() == {"modules.base", "manifests.shop", "manifests.new"}
    assert found[UnitId("manifests.new")].before is None
    shop = found[UnitId("manifests.shop")]
    assert shop.before
    assert shop.after
    assert (shop.before.outcome, shop.after.outcome) == (Outcome.APPLIED, Outcome.FAILED)
    assert shop.after.applied == shop.before.applied


def test_a_past_without_its_beginning_is_refused() -> None:
    """A state is never made up from some of the entries that led to it."""
    past = Past()
    past.applied({"modules.base": Outcome.APPLIED})
    with pytest.raises(LedgerError, match="the beginning of the ledger is not in this clone"):
        states_after(past.entries[1:], {"entry-2"})
