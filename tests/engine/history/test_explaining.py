"""Why a unit waits or failed, from what its last run recorded."""

from dataclasses import replace

from orchestrator.engine.history.explaining import Explaining, explained
from orchestrator.plans.events import Outcome
from orchestrator.stack.model import UnitId
from tests.engine.history.past import FIRST, SECOND, Past, planned
from tests.ledger.builders import record

_BASE, _PLATFORM, _SHOP = (
    UnitId("modules.base"),
    UnitId("manifests.platform"),
    UnitId("manifests.shop"),
)


def test_a_unit_that_was_not_begun_leads_down_to_the_condition_that_failed() -> None:
    """Through every unit that waited on the way; the condition stands as the run told it."""
    past = Past()
    past.began(_BASE, _PLATFORM, _SHOP)
    past.finished(
        replace(record(_BASE, Outcome.FAILED), why="quota exceeded\n  3 of 3 used", seconds=4.0),
        replace(record(_PLATFORM, Outcome.SKIPPED), why="since modules.base did not succeed"),
        replace(record(_SHOP, Outcome.SKIPPED), why="since manifests.platform did not succeed"),
        failed=True,
    )

    shop = Explaining(run=past.told()[0]).unit(_SHOP)

    (platform,) = shop.because
    (base,) = platform.because
    assert [each.unit for each in (shop, platform, base)] == [_SHOP, _PLATFORM, _BASE]
    assert "was not begun" in shop.says
    assert "failed at" in base.says
    assert "after 4.0 s" in base.says
    assert base.why == "quota exceeded\n  3 of 3 used"
    assert base.next


def test_a_unit_that_was_not_begun_for_another_reason_says_it() -> None:
    """Such as a plan that was refused in its turn."""
    past = Past()
    past.began(_SHOP)
    past.finished(
        replace(record(_SHOP, Outcome.SKIPPED), why="the plan of its turn does more"), failed=True
    )

    shop = Explaining(run=past.told()[0]).unit(_SHOP)

    assert (shop.because, shop.why) == ((), "the plan of its turn does more")


def test_a_unit_of_a_run_that_was_killed_says_what_was_to_be_done() -> None:
    """Nothing else is recorded; the next apply goes on."""
    past = Past()
    past.began(_SHOP, plan=[planned(_SHOP, "Deployment shop/web")])

    shop = Explaining(run=past.told()[0]).unit(_SHOP)

    assert "by a run that never finished" in shop.says
    assert shop.why == "to create Deployment shop/web"
    assert "goes on" in shop.next


def test_a_unit_of_a_run_that_is_at_work_may_wait_for_its_turn() -> None:
    """Why it could not be planned with the others is why it waits."""
    past = Past()
    past.began(_SHOP, plan=[planned(_SHOP, deferred="waits for modules.base.url")])

    shop = Explaining(run=past.told(at_work=True)[0]).unit(_SHOP)

    assert "waits for its turn" in shop.says
    assert shop.why == "waits for modules.base.url"


def test_a_unit_that_is_well_says_so() -> None:
    """With its health, and the drift that the run met."""
    past = Past()
    past.began(_SHOP)
    past.finished(replace(record(_SHOP), drift=2, seconds=1.5))

    shop = Explaining(run=past.told()[0]).unit(_SHOP)

    assert "was applied, healthy, 2 drifted things found" in shop.says
    assert (shop.why, shop.next) == ("", "")


def test_a_unit_that_was_brought_back_leads_to_what_failed() -> None:
    """It is well, and so is one beside it; what somebody wants to know is what the run before failed at."""
    past = Past()
    past.applied({_SHOP: Outcome.APPLIED, _PLATFORM: Outcome.APPLIED})
    past.applied({_SHOP: Outcome.FAILED, _PLATFORM: Outcome.UNCHANGED}, revision=SECOND)
    units = (record(_SHOP), record(_PLATFORM, Outcome.UNCHANGED))
    past.brought_back(*units, revision=FIRST)

    shop, platform = (explained(past.told(), unit) for unit in (_SHOP, _PLATFORM))

    assert f"was brought back to {FIRST}: applied, healthy" in shop.says
    assert f"was brought back to {FIRST}: unchanged" in platform.says
    for each in (shop, platform):
        (failed,) = each.because
        assert (failed.unit, failed.why) == (_SHOP, "it did not work")
        assert f"failed at {SECOND}" in failed.says
    past.applied({_SHOP: Outcome.APPLIED, _PLATFORM: Outcome.APPLIED}, revision=SECOND)
    assert explained(past.told(), _SHOP).because == ()
