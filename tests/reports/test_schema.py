"""The published schema of a plan says what is written, no less and no more."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from orchestrator.plans.change import Action, Touch
from orchestrator.plans.plan import Considered, Lasting, Left, Plan, Restored, Since, Unrestored
from orchestrator.plans.values import Redacted, masked
from orchestrator.reports.json import plan_json
from orchestrator.reports.schema import plan_schema
from orchestrator.stack.model import UnitId
from tests.plans.builders import REVISION, change, field_change, plan, unit_plan
from tests.reports.preview.samples import SAMPLES

_SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "plan.schema.json").read_text(encoding="utf-8")
)
_PLANS = [
    (f"{name} {number}", each.plan)
    for name, make in SAMPLES.items()
    for number, each in enumerate(make().stacks[:3])
    if each.plan is not None
]


def test_what_is_published_is_what_the_code_says() -> None:
    """The file in the docs is the schema, and the schema is one."""
    assert plan_schema() == _SCHEMA
    Draft7Validator.check_schema(_SCHEMA)


@pytest.mark.parametrize("made", [made for _, made in _PLANS], ids=[name for name, _ in _PLANS])
def test_a_plan_is_as_the_schema_says(made: Plan) -> None:
    """Every key of every plan stands in the schema, and all that the schema promises is there."""
    Draft7Validator(_closed(_SCHEMA)).validate(plan_json(made))


def test_all_that_there_is_stands_in_the_schema() -> None:
    """A plan that has one of everything, also of what is rare, is as the schema says."""
    at = datetime(2026, 3, 14, tzinfo=UTC)
    touch = Touch(by="ada", at=at, through="scale")
    lasting = (Unrestored(unit=UnitId("manifests.a"), name="Job a/b", why=Lasting.RAN),)
    back = Restored(
        revision=REVISION, entry="e", at=at, by="ada", over=REVISION, unrestored=lasting
    )
    fields = (
        field_change("a", touch=touch),
        field_change("b", before=masked("x"), after=Redacted(value="y", fingerprint="z")),
    )
    considered = (Considered(unit=UnitId("manifests.a"), taken=True, reason="it changed"),)
    made = plan(
        unit_plan(
            "manifests.a",
            *(change(action=action, fields=fields) for action in Action),
            left=(Left(name="Service a/b", fields=("spec",), to="ada"),),
            drift=(change(),),
        ),
        since=Since(revision=REVISION, considered=considered),
        restores=back,
    )

    Draft7Validator(_closed(_SCHEMA)).validate(plan_json(made))


@pytest.mark.parametrize("spoiled", ["format", "units", "digest"])
def test_what_is_no_plan_is_refused(spoiled: str) -> None:
    """Something that lacks what a plan has, or is of another format, is no plan for the schema."""
    document = plan_json(plan(unit_plan()))
    assert Draft7Validator(_SCHEMA).is_valid(document)

    document[spoiled] = None

    assert not Draft7Validator(_SCHEMA).is_valid(document)


def _closed(schema: Any) -> Any:
    """Return a schema that allows no key which it does not name."""
    match schema:
        case {"properties": {}}:
            closed = {key: _closed(value) for key, value in schema.items()}
            return {**closed, "additionalProperties": False}
        case dict():
            return {key: _closed(value) for key, value in schema.items()}
        case list():
            return [_closed(item) for item in schema]
        case _:
            return schema
