"""What a run that never finished leaves, told before the next one does anything."""

from orchestrator.engine.history.status import open_run
from orchestrator.engine.planning.unfinished import unfinished
from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from tests.engine.history.past import Past, planned
from tests.ledger.builders import record


def test_what_was_in_flight_is_told_unit_by_unit() -> None:
    """What is recorded as done, and of the others what was going to be done to them."""
    past = Past()
    past.applied({"modules.db": Outcome.APPLIED})
    started = past.began(
        "modules.base",
        "modules.db",
        "manifests.shop",
        plan=[
            planned("modules.db", "a", "b", action=Action.UPDATE),
            planned("manifests.shop", deferred="waits for modules.db.url"),
        ],
    )
    past.progressed(record("modules.base"))
    run = open_run(past.state, at_work=False)

    assert run is not None
    assert unfinished(run, started.plan) == (
        "the run of Ada Lovelace <ada@example.org> that began at 2025-03-14 12:03:00 UTC has not finished:"
        " it was done with modules.base; what became of modules.db (2 to update)"
        " and manifests.shop (to be planned in its turn) is not recorded; this plan starts from what it left"
    )


def test_a_plan_that_an_older_version_did_not_record_is_done_without() -> None:
    """The units are named all the same."""
    past = Past()
    past.began("modules.base")
    run = open_run(past.state, at_work=False)

    assert run is not None
    assert "what became of modules.base is not recorded" in unfinished(run, None)


def test_a_run_that_finished_leaves_nothing() -> None:
    """There is nothing to tell."""
    past = Past()
    past.applied({"modules.base": Outcome.FAILED})
    assert open_run(past.state, at_work=False) is None
