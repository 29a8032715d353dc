"""What is said of a ledger that was looked through, and of what a repair would do."""

from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.plans.objects import ObjectRef
from orchestrator.plans.repairs import Checked, Kept, RepairPlan, Taken
from orchestrator.reports.repairs import (
    checked_json,
    render_checked,
    render_repair,
    repair_json,
)
from orchestrator.stack.model import UnitId

WHOLE = Checked(
    stack="shop",
    environment="production",
    entries=2,
    last="apply shop/production at 3f2c1a9: 1 created",
    at=datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
)
DAMAGED = replace(WHOLE, place="3f2c1a9d", why="holds no entry.json")
WEB = ObjectRef(group="apps", version="v1", kind="Deployment", namespace="shop", name="web")


def test_a_whole_ledger() -> None:
    """One that is whole is told with what its chain cannot tell, and there is nothing to do."""
    assert render_checked(WHOLE) == (
        "shop/production: the ledger is whole, 2 entries hold\n"
        "  last    apply shop/production at 3f2c1a9: 1 created (2026-11-20 10:30:00 UTC)\n"
        "  note    an end that was cut off before this clone saw it leaves no trace here; what exists tells:\n"
        "          orchestrator ledger repair shop --env production\n"
    )
    assert render_repair(RepairPlan(checked=WHOLE)) == (
        "shop/production: the ledger is whole, 2 entries hold\n"
        "  last    apply shop/production at 3f2c1a9: 1 created (2026-11-20 10:30:00 UTC)\n"
        "There is nothing to repair.\n"
    )
    assert checked_json(WHOLE)["broken"] is None


def test_what_a_repair_would_do() -> None:
    """All that would be recorded is named, and what could not be looked at."""
    plan = RepairPlan(
        checked=DAMAGED,
        again=1,
        units=(UnitId("modules.network"),),
        objects=(WEB,),
        uncertain=2,
        unseen=("secrets may not be listed by us, and were not looked at",),
    )
    assert render_repair(plan).partition("\n\n")[2] == (
        "A repair would\n"
        "  go on from the last of the 2 entries that hold\n"
        "  write the state beside 1 of them anew\n"
        "  record as there, with nobody knowing since when: modules.network\n"
        "  take into the inventory what carries the stack's labels:\n"
        "    Deployment shop/web\n"
        "  remember of 2 objects only what is certain: where it is not, Git counts, not drift\n"
        "  note: secrets may not be listed by us, and were not looked at\n"
    )
    told = repair_json(plan)
    assert told["broken"] == {"place": "3f2c1a9d", "why": "holds no entry.json"}
    assert (told["whole"], told["needed"], told["units"]) == (False, True, ["modules.network"])


def test_what_a_repair_could_not_look_at_is_told_also_where_it_found_nothing() -> None:
    """Nothing was found, which says nothing of what an account may not list."""
    unseen = "secrets may not be listed by us, and were not looked at"
    assert render_repair(RepairPlan(checked=WHOLE, unseen=(unseen,))).endswith(
        f"  note    {unseen}\nThere is nothing to repair, as far as one could look.\n"
    )


def test_a_repair_says_that_it_takes_another_ledgers_place() -> None:
    """Others may have gone on in what is there now: who repairs decides between the two."""
    lost = replace(
        WHOLE, lost="the ledger of shop/production on origin was replaced by another one"
    )
    aside = "  set aside the other ledger, with all that was recorded in it and not in these\n"
    assert aside in render_repair(RepairPlan(checked=replace(lost, replaced=True)))
    assert aside not in render_repair(RepairPlan(checked=lost))
    taken = Taken(kind=Kept.SUSPENSION, told="by Ada at 2026-11-20 10:30:00 UTC: the pumps")
    plan = RepairPlan(checked=replace(lost, replaced=True), taken=(taken,))
    assert render_repair(plan).endswith(
        f"{aside}  take in of the ledger that is set aside:\n"
        "    suspension  by Ada at 2026-11-20 10:30:00 UTC: the pumps\n"
    )
    assert repair_json(plan)["taken"] == [{"kind": "suspension", "told": taken.told}]


def test_an_empty_ledger_beside_things_that_exist() -> None:
    """No entry is no damage, unless something exists that must be in one."""
    empty = replace(WHOLE, entries=0, last="", at=None)
    assert not RepairPlan(checked=empty).needed
    found = RepairPlan(checked=empty, objects=(WEB,))
    assert found.needed
    assert "go on from an empty ledger, since no entry holds" in render_repair(found)


def test_a_whole_chain_that_knows_less_than_there_is() -> None:
    """One that was cut short holds from its beginning to its end: what exists beside it is taken in all the same."""
    found = RepairPlan(checked=WHOLE, objects=(WEB,))
    assert found.needed
    assert "Deployment shop/web" in render_repair(found)
