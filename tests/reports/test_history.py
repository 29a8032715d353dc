"""What ledgers tell, as people read it: 80 columns, and what asks for attention below what is well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from orchestrator.plans.history import (
    Blame,
    Comparison,
    Difference,
    Ending,
    Explanation,
    History,
    HistoryLine,
    ObjectDifference,
    OpenRun,
    RunDetail,
    RunLine,
    StackLine,
    Status,
    Trace,
    UnitDifference,
    UnitEnding,
    UnitStatus,
)
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.plans.remembered import Approval, BadRevision, Healthy
from orchestrator.reports.history.answers import (
    render_blame,
    render_comparison,
    render_explanation,
)
from orchestrator.reports.history.runs import render_history, render_run
from orchestrator.reports.history.stacks import render_stacks
from orchestrator.reports.history.status import render_status
from orchestrator.stack.model import UnitId
from tests.plans.builders import REVISION

_WHO = "Ada Lovelace <ada@example.org>"
_AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_BASE, _SHOP = UnitId("modules.base"), UnitId("manifests.shop")
_WHY = "Deployment shop/web is not ready after 5m0s\n  Pod web-1: image web:2 cannot be pulled"
_BAD = BadRevision(
    revision=REVISION, at=_AT, by=_WHO, why=_WHY, entry="2c1e05f25f0a4a52", attempts=2
)


def _line(number: int, message: str, outcome: Outcome | None = None, kind: str = "") -> HistoryLine:
    return HistoryLine(
        entry=f"{number}c1e05f25f0a4a52",
        at=_AT + timedelta(minutes=number),
        who=_WHO,
        message=f"apply shop/production at {REVISION}: {message}",
        revision=REVISION,
        outcome=outcome,
        plan="d04d2473820f295fb7b0d6b4",
        run="a",
        kind=kind or ("finished" if outcome else "started"),
    )


def _run(*lines: HistoryLine, ending: Ending = Ending.FINISHED, told: str = "") -> RunLine:
    return RunLine(
        entries=lines,
        ending=ending,
        operation="apply",
        host="build-7",
        command="orchestrator apply shop --env production",
        told=told,
    )


def _unit(unit: UnitId, outcome: Outcome, **given: object) -> UnitStatus:
    known = {"applied": REVISION, "at": _AT, "by": _WHO, **given}
    return UnitStatus(unit=unit, outcome=outcome, **known)  # type: ignore[arg-type]


def test_a_history_of_every_ending() -> None:
    """A run is one line, by its newest entry; what did not end well says so first."""
    runs = (
        _run(_line(6, "1 to update"), ending=Ending.AT_WORK),
        _run(_line(5, "2 created", Outcome.APPLIED), _line(4, "2 to create")),
        _run(_line(3, "1 created, failed at modules.db", Outcome.FAILED), _line(2, "3 to create")),
        _run(_line(1, "3 to create"), ending=Ending.UNFINISHED),
        _run(_line(0, "3 to create"), ending=Ending.ABANDONED, told="gone"),
    )
    assert (
        render_history(History(stack="shop", environment="production", runs=runs))
        == """\
shop/production

WHEN (UTC)        ENTRY       BY            WHAT
2026-03-14 09:32  6c1e05f25f  Ada Lovelace  at work: apply at 3f2c1a9d4e: 1 to update
2026-03-14 09:31  5c1e05f25f  Ada Lovelace  apply at 3f2c1a9d4e: 2 created
2026-03-14 09:29  3c1e05f25f  Ada Lovelace  failed: apply at 3f2c1a9d4e: 1 created, failed at modules.db
2026-03-14 09:27  1c1e05f25f  Ada Lovelace  never finished: apply at 3f2c1a9d4e: 3 to create
2026-03-14 09:26  0c1e05f25f  Ada Lovelace  abandoned: apply at 3f2c1a9d4e: 3 to create
"""
    )


def test_one_run_whole() -> None:
    """What it was going to do, what became of it unit by unit, and why, down to the condition."""
    scaled = PlannedChange(
        action=Action.UPDATE, name="Deployment shop/web", fields=("spec.replicas: 2 → 3",)
    )
    detail = RunDetail(
        stack="shop",
        environment="production",
        run=_run(_line(2, "failed at manifests.shop", Outcome.FAILED), _line(1, "1 to update")),
        plan=PlanRecord(
            units=(
                PlannedUnit(unit=_BASE),
                PlannedUnit(unit=_SHOP, changes=(scaled,)),
                PlannedUnit(unit=UnitId("modules.db"), deferred="waits for modules.base.subnets"),
            )
        ),
        units=(
            UnitEnding(unit=_BASE, outcome=Outcome.UNCHANGED),
            UnitEnding(unit=_SHOP, outcome=Outcome.FAILED, seconds=301.25, drift=1, why=_WHY),
        ),
    )
    assert (
        render_run(detail)
        == """\
apply of shop/production: failed

  revision  3f2c1a9d4e (Sell socks)
  by        Ada Lovelace <ada@example.org> on build-7
  command   orchestrator apply shop --env production
  began     2026-03-14 09:27:53 UTC
  ended     2026-03-14 09:28:53 UTC
  digest    d04d2473820f295f

Plan, as it was recorded before the first effect:
  manifests.shop
    ~ Deployment shop/web
        spec.replicas: 2 → 3
  modules.db
    ? waits for modules.base.subnets

UNIT            OUTCOME    TOOK     HEALTH
modules.base    unchanged  -        -
manifests.shop  failed     301.2 s  1 drifted

manifests.shop: Deployment shop/web is not ready after 5m0s
    Pod web-1: image web:2 cannot be pulled

WHEN (UTC)           ENTRY       KIND      WHAT
2026-03-14 09:28:53  2c1e05f25f  finished  apply at 3f2c1a9d4e: failed at manifests.shop
2026-03-14 09:27:53  1c1e05f25f  started   apply at 3f2c1a9d4e: 1 to update
"""
    )


def test_a_status_with_all_that_asks_for_attention() -> None:
    """The table first; then failures, what is open, bad revisions, approvals, and what Git forgot."""
    status = Status(
        stack="shop",
        environment="production",
        units=(
            _unit(_BASE, Outcome.APPLIED, protected=True),
            _unit(_SHOP, Outcome.FAILED, why=_WHY, drift=1),
            UnitStatus(unit=UnitId("manifests.new")),
            _unit(UnitId("modules.old"), Outcome.APPLIED, declared=False),
        ),
        unfinished=f"apply shop/production at {REVISION}: 1 to create (by {_WHO}, 2026-03-14)",
        open=OpenRun(
            entry="1c1e05f25f0a4a52", at=_AT, who=_WHO, message="", done=(_BASE,), units=(_SHOP,)
        ),
        bad=(_BAD,),
        approvals=(
            Approval(
                plan=PlanRecord(), digest="d04d2473820f295fb7b0", who=_WHO, at=_AT, why="as agreed"
            ),
        ),
        healthy=Healthy(revision=REVISION, at=_AT, entry="0c1e05f25f0a4a52"),
        vanished=(_vanished(),),
    )
    assert (
        render_status(status)
        == """\
shop/production

UNIT            REVISION    WHEN (UTC)        BY            STATE
modules.base    3f2c1a9d4e  2026-03-14 09:26  Ada Lovelace  applied, protected
manifests.shop  3f2c1a9d4e  2026-03-14 09:26  Ada Lovelace  failed, 1 drifted
manifests.new   -           -                 -             not applied yet
modules.old     3f2c1a9d4e  2026-03-14 09:26  Ada Lovelace  applied, no longer in Git

manifests.shop: Deployment shop/web is not ready after 5m0s
`orchestrator explain UNIT` tells all that is recorded of it.

Unfinished: apply shop/production at 3f2c1a9d4e: 1 to create (by Ada Lovelace <ada@example.org>, 2026-03-14)
  It was done with modules.base.
  Nothing is recorded of manifests.shop.
  If nobody is going to finish it:
    orchestrator abandon 1c1e05f25f shop --env production --why …
The next apply goes on from what it left.

Bad revision: 3f2c1a9d4e failed, 2 times, last 2026-03-14 09:26 UTC: Deployment
  shop/web is not ready after 5m0s
Last healthy: 3f2c1a9d4e, 2026-03-14 09:26 UTC, entry 0c1e05f25f

Approved: plan d04d2473820f295f, by Ada Lovelace, 2026-03-14 09:26 UTC: as
  agreed; not applied yet

shop/default is no longer declared in Git, and still has 3 objects and 1 module
applied.
  to destroy it: orchestrator destroy shop --env default
"""
    )


def test_a_last_run_that_did_not_come_to_its_end_is_told_with_what_that_means() -> None:
    """What its units say may be from before."""
    units = (_unit(_SHOP, Outcome.APPLIED),)
    status = Status(stack="shop", environment="production", units=units)
    told = render_status(replace(status, broken_off=f"the last run, apply at {REVISION}"))
    assert told.endswith(
        "\n\nBroken off: the last run, apply at 3f2c1a9d4e; what it was at is as it left it\n"
    )


def test_what_failed_before_the_stack_was_well_asks_for_no_attention() -> None:
    """A revision that was reverted long ago is counted, so that one that failed since stands out."""
    past = replace(_BAD, at=_AT - timedelta(days=1))
    well = Status(
        stack="shop",
        environment="production",
        units=(),
        bad=(past, past, _BAD),
        healthy=Healthy(revision=REVISION, at=_AT, entry="0c1e05f25f0a4a52"),
    )
    told = render_status(well)
    assert told.count("Bad revision: ") == 1
    assert told.endswith(
        "entry 0c1e05f25f\n2 revisions that failed before it: not applied again without --retry.\n"
    )
    one = render_status(replace(well, bad=(past,)))
    assert "Bad revision" not in one
    assert "1 revision that failed before it" in one
    assert render_status(replace(well, healthy=None)).count("Bad revision: ") == 3


def test_all_stacks() -> None:
    """Those in Git, those of which only a ledger is left, and one whose file cannot be read."""
    lines = (
        StackLine(stack="blog", environment="default", says="not applied yet"),
        _vanished(),
        StackLine(
            stack="torn",
            environment="default",
            says="applied",
            declared=None,
            revision=REVISION,
            at=_AT,
            by=_WHO,
            modules=1,
        ),
    )
    assert (
        render_stacks(lines)
        == """\
STACK         REVISION    WHEN (UTC)        BY            STATE
blog/default  -           -                 -             not applied yet
shop/default  3f2c1a9d4e  2026-03-14 09:26  Ada Lovelace  applied, no longer in Git
torn/default  3f2c1a9d4e  2026-03-14 09:26  Ada Lovelace  applied, its file cannot be read

shop/default is no longer declared in Git, and still has 3 objects and 1 module
applied.
  to destroy it: orchestrator destroy shop --env default
"""
    )


def test_what_differs_between_two_entries() -> None:
    """Units by revision and state, objects by what became of them."""
    comparison = Comparison(
        stack="shop",
        environment="production",
        before=_line(1, "2 created", Outcome.APPLIED),
        after=_line(2, "1 updated", Outcome.APPLIED),
        units=(
            UnitDifference(
                unit=_SHOP,
                before=_unit(_SHOP, Outcome.APPLIED, health="healthy"),
                after=_unit(_SHOP, Outcome.FAILED),
            ),
            UnitDifference(unit=_BASE, before=None, after=_unit(_BASE, Outcome.APPLIED)),
        ),
        objects=(
            ObjectDifference(
                name="Deployment shop/web", unit=_SHOP, difference=Difference.MADE_ANEW
            ),
            ObjectDifference(
                name="Service shop/web",
                unit=_SHOP,
                difference=Difference.MOVED,
                previous="manifests.old",
            ),
        ),
    )
    assert (
        render_comparison(comparison)
        == """\
shop/production
  from 1c1e05f25f  2026-03-14 09:27:53 UTC  apply at 3f2c1a9d4e: 2 created
  to   2c1e05f25f  2026-03-14 09:28:53 UTC  apply at 3f2c1a9d4e: 1 updated

UNIT            BEFORE                   AFTER
manifests.shop  3f2c1a9d4e, was healthy  3f2c1a9d4e, failed
modules.base    -                        3f2c1a9d4e, applied

-/+ Deployment shop/web  (manifests.shop)
  > Service shop/web  (manifests.shop, from manifests.old)
"""
    )


def test_who_changed_it_and_who_tried_since() -> None:
    """The commit, the entry, the change; a later run that failed may have changed it too."""
    scaled = PlannedChange(
        action=Action.UPDATE, name="Deployment shop/web", fields=("spec.replicas: 2 → 3",)
    )
    blame = Blame(
        stack="shop",
        environment="production",
        name="Deployment shop/web",
        unit=_SHOP,
        changed=Trace(
            run=_run(_line(1, "1 updated", Outcome.APPLIED)),
            outcome=Outcome.APPLIED,
            certain=True,
            how=(scaled,),
        ),
        attempts=(
            Trace(
                run=_run(_line(2, "failed at manifests.shop", Outcome.FAILED)),
                outcome=Outcome.FAILED,
                certain=False,
            ),
        ),
    )
    assert (
        render_blame(blame)
        == """\
Deployment shop/web of manifests.shop was last changed:
  commit  3f2c1a9d4e (Sell socks)
  entry   1c1e05f25f  apply at 3f2c1a9d4e: 1 updated
  by      Ada Lovelace <ada@example.org>, 2026-03-14 09:27:53 UTC
    ~ Deployment shop/web
        spec.replicas: 2 → 3

Tried since, and may have changed it:
  commit  3f2c1a9d4e (Sell socks)
  entry   2c1e05f25f  apply at 3f2c1a9d4e: failed at manifests.shop
  by      Ada Lovelace <ada@example.org>, 2026-03-14 09:28:53 UTC
  outcome failed
"""
    )


def test_why_a_unit_waits() -> None:
    """What it waits for is explained below it, in the words of the run."""
    explanation = Explanation(
        unit=_SHOP,
        says="was not begun at 3f2c1a9d4e (by Ada Lovelace, 2026-03-14 09:26:53 UTC)",
        entry="1c1e05f25f0a4a52",
        because=(
            Explanation(
                unit=_BASE,
                says="failed at 3f2c1a9d4e after 4.0 s (by Ada Lovelace, 2026-03-14 09:26:53 UTC)",
                why="quota exceeded\n  3 of 3 used",
                entry="1c1e05f25f0a4a52",
                next="correct it, and apply again",
            ),
        ),
    )
    assert (
        render_explanation(explanation)
        == """\
manifests.shop was not begun at 3f2c1a9d4e (by Ada Lovelace, 2026-03-14
  09:26:53 UTC)
  entry: 1c1e05f25f
  since this did not succeed:
    modules.base failed at 3f2c1a9d4e after 4.0 s (by Ada Lovelace, 2026-03-14
      09:26:53 UTC)
      quota exceeded
        3 of 3 used
      next: correct it, and apply again
"""
    )


def _vanished() -> StackLine:
    return StackLine(
        stack="shop",
        environment="default",
        says="applied",
        declared=False,
        revision=REVISION,
        at=_AT,
        by=_WHO,
        modules=1,
        objects=3,
    )
