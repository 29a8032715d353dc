"""What is written with ``--output json``, made by the code that writes it from a small example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from orchestrator.errors import InvalidStack, Mistake, Place, TerraformError
from orchestrator.plans.change import Action, Change, FieldChange, Subject
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
    RunDetail,
    RunLine,
    StackLine,
    Status,
    Trace,
    UnitDifference,
    UnitEnding,
    UnitStatus,
)
from orchestrator.plans.plan import Plan, Revision, UnitPlan
from orchestrator.plans.preview import (
    Afterwards,
    Became,
    Found,
    Preview,
    Refreshed,
    StackPreview,
)
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.plans.report import Report, UnitResult
from orchestrator.plans.rollback import Rollback
from orchestrator.plans.values import ABSENT, Unknown, masked
from orchestrator.reports.doctor import Finding, findings_json
from orchestrator.reports.history.answers import blame_json, comparison_json, explanation_json
from orchestrator.reports.history.runs import detail_json, history_json
from orchestrator.reports.history.stacks import stacks_json
from orchestrator.reports.history.status import status_json
from orchestrator.reports.json import dumps, error_json, plan_json, report_json
from orchestrator.reports.preview.document import preview_json, refreshed_json, stack_json
from orchestrator.reports.rollback import rollback_json
from orchestrator.stack.model import Json, UnitId

_REVISION = Revision(commit="3f2c1a9d7e60b1f4a5c8d2e9f0a1b2c3d4e5f607", subject="Scale the shop")
_DATABASE, _SHOP = UnitId("modules.database"), UnitId("manifests.shop")
_AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_WHO = "Ada Lovelace <ada@example.org>"
_ENTRY = "8c1e05f25f0a4a52b0e36a0a9d3d3f5e"

_PLAN = Plan(
    stack="shop",
    environment="production",
    revision=_REVISION,
    units=(
        UnitPlan(
            unit=_DATABASE,
            changes=(
                Change(
                    subject=Subject.RESOURCE,
                    name="aws_db_instance.shop",
                    action=Action.UPDATE,
                    fields=(
                        FieldChange(path="allocated_storage", before=20, after=40),
                        FieldChange(path="password", before=masked("old"), after=masked("new")),
                    ),
                ),
            ),
            effective=True,
        ),
        UnitPlan(
            unit=_SHOP,
            changes=(
                Change(
                    subject=Subject.OBJECT,
                    name="ConfigMap shop/database",
                    action=Action.CREATE,
                    fields=(
                        FieldChange(
                            path="data.host",
                            before=ABSENT,
                            after=Unknown(sources=("modules.database.host",)),
                        ),
                    ),
                ),
            ),
            pending=("modules.database.host",),
            effective=True,
        ),
    ),
)
_ERROR = TerraformError(
    "modules.database: apply failed: error modifying DB instance (stacks/shop/database/main.tf:4)",
    hint="check the provider's credentials in the environment",
    detail="Error modifying DB instance\n  stacks/shop/database/main.tf:4",
)
_REPORT = Report(
    plan=Plan(stack="shop", environment="production", revision=_REVISION, units=()),
    results=(
        UnitResult(
            unit=_DATABASE,
            outcome=Outcome.FAILED,
            unknown=("aws_db_instance.shop",),
            seconds=12.5,
            detail=_ERROR.message,
            error=_ERROR,
        ),
    ),
    entry=_ENTRY,
    seconds=13.25,
)
_MISTAKES = InvalidStack(
    (
        Mistake(
            message="there is no variable 'replcas'",
            place=Place(file="stacks/shop/shop/web.yaml", line=6, column=13),
            hint="did you mean 'replicas'?",
        ),
    )
)
_STATUS = Status(
    stack="shop",
    environment="production",
    units=(
        UnitStatus(
            unit=_SHOP,
            outcome=Outcome.APPLIED,
            applied=_REVISION,
            at=_AT,
            by=_WHO,
            health="healthy",
            objects=5,
        ),
    ),
)
_LINE = HistoryLine(
    entry=_ENTRY,
    run="1f0e4ab4e5c94e2f8b1d3a5c7e9f0b2d",
    kind="finished",
    at=_AT,
    who=_WHO,
    message="apply shop/production at 3f2c1a9d7e: 1 created, 1 updated",
    revision=_REVISION,
    outcome=Outcome.APPLIED,
    plan="d04d2473820f295fb7b0d6b4ff0a2f1bb9d1a8c7e6f50413926b7a8d9c0e1f23",
)
_ROLLBACK = Rollback(
    stack="shop",
    environment="production",
    revision=Revision(
        commit="52f9e01c1b08d7a6f5e4c3b2a1908f7e6d5c4b3a",
        subject="Roll shop/production back to 3f2c1a9d7e",
    ),
    target=_REVISION,
    entry=_ENTRY,
    at=_AT,
    by=_WHO,
    changed=("stacks/shop/stack.yaml",),
    notices=("shop/staging is made of that too: stacks/shop/stack.yaml",),
    branch="rollback/shop-production-52f9e01c1b",
    here=False,
    remote="origin",
    requested=True,
    address="https://github.com/acme/shop/compare/main...rollback/shop-production-52f9e01c1b?expand=1",
)
_PREVIEW = Preview(
    base="52f9e01c1b08d7a6f5e4c3b2a1908f7e6d5c4b3a",
    head=_REVISION.commit,
    stacks=(
        StackPreview(
            stack="shop",
            environment="production",
            plan=_PLAN,
            reasons=("modules.database: stacks/shop/stack.yaml changed",),
        ),
    ),
)
_RUN = RunLine(
    entries=(_LINE,),
    ending=Ending.FINISHED,
    operation="apply",
    host="build-7",
    command="orchestrator apply shop --env production",
)
_HISTORY = History(stack="shop", environment="production", runs=(_RUN,))
_SCALED = PlannedChange(
    action=Action.UPDATE, name="Deployment shop/web", fields=("spec.replicas: 2 → 3",)
)
_DETAIL = RunDetail(
    stack="shop",
    environment="production",
    run=_RUN,
    plan=PlanRecord(units=(PlannedUnit(unit=_SHOP, changes=(_SCALED,)),)),
    units=(UnitEnding(unit=_SHOP, outcome=Outcome.APPLIED, seconds=4.25, health="healthy"),),
)
_COMPARISON = Comparison(
    stack="shop",
    environment="production",
    before=_LINE,
    after=_LINE,
    units=(UnitDifference(unit=_SHOP, before=None, after=_STATUS.units[0]),),
    objects=(
        ObjectDifference(name="Deployment shop/web", unit=_SHOP, difference=Difference.ADDED),
    ),
)
_BLAME = Blame(
    stack="shop",
    environment="production",
    name="Deployment shop/web",
    unit=_SHOP,
    changed=Trace(run=_RUN, outcome=Outcome.APPLIED, certain=True, how=(_SCALED,)),
)
_EXPLANATION = Explanation(
    unit=_SHOP,
    says="was not begun at 3f2c1a9d7e (by Ada Lovelace, 2026-03-14 09:26:53 UTC)",
    entry=_ENTRY,
    because=(
        Explanation(
            unit=_DATABASE,
            says="failed at 3f2c1a9d7e after 12.5 s (by Ada Lovelace, 2026-03-14 09:26:53 UTC)",
            why="error modifying DB instance (stacks/shop/database/main.tf:4)",
            entry=_ENTRY,
            next="correct it, and apply again: what is done stays done",
        ),
    ),
)
_STACK = StackLine(
    stack="shop",
    environment="default",
    says="applied",
    declared=False,
    revision=_REVISION,
    at=_AT,
    by=_WHO,
    modules=2,
    objects=5,
)
_REFRESHED = Refreshed(
    number=9,
    found=Found.STALE,
    stale={"shop/production": "main moved on in what it is made of"},
)
_MERGED = Refreshed(
    number=12,
    found=Found.MERGED,
    afterwards=(Afterwards(name="shop/production", became=Became.APPLIED, at=_AT, as_shown=True),),
)
_FINDING = Finding(what="Git", found="2.39.5 (/usr/bin/git)")


def _block(value: dict[str, Json]) -> str:
    return f"```json\n{dumps(value)}```"


SHAPES: Mapping[str, Callable[[], str]] = {
    "a plan": lambda: _block(plan_json(_PLAN)),
    "a run": lambda: _block(report_json(_REPORT)),
    "an error": lambda: _block(error_json(_MISTAKES)),
    "a status": lambda: _block(status_json(_STATUS)),
    "a rollback": lambda: _block(
        {"format": 1, "rollback": rollback_json(_ROLLBACK), "plan": {"...": "as above"}}
    ),
    "a preview": lambda: _block(
        {
            **preview_json(_PREVIEW),
            "stacks": [{**stack_json(_PREVIEW.stacks[0]), "plan": {"...": "as above"}}],
        }
    ),
    "a refresh": lambda: _block(refreshed_json((_REFRESHED, _MERGED))),
    "a history": lambda: _block(history_json(_HISTORY)),
    "one run": lambda: _block(detail_json(_DETAIL)),
    "a comparison": lambda: _block(comparison_json(_COMPARISON)),
    "a blame": lambda: _block(blame_json(_BLAME)),
    "an explanation": lambda: _block(explanation_json(_EXPLANATION)),
    "all stacks": lambda: _block(stacks_json((_STACK,))),
    "findings": lambda: _block(findings_json((_FINDING,))),
}
"""The documents by what they are about."""
