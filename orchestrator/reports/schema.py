"""The JSON Schema of a plan, for whoever judges plans by programs: policy tools, pipelines, other reports.

It says what is there today and leaves room for more, since a program has to pass over what it does not know.
"""

from collections.abc import Mapping
from typing import Final

from orchestrator.plans.change import Action, Risk, Subject
from orchestrator.plans.plan import Lasting
from orchestrator.reports.json import FORMAT
from orchestrator.stack.model import Json

_DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # as the schemas of files
_TEXT: Final[dict[str, Json]] = {"type": "string"}
_FLAG: Final[dict[str, Json]] = {"type": "boolean"}
_NUMBER: Final[dict[str, Json]] = {"type": "integer", "minimum": 0}


def plan_schema() -> dict[str, Json]:
    """Return the JSON Schema of what ``plan --output json`` writes."""
    return {
        "$schema": _DIALECT,
        "title": "Plan",
        "description": "What applying a stack in an environment would do; secrets are marked, never present.",
        **_mapping(_PLAN),
        "$defs": _DEFINITIONS,
    }


def _mapping(properties: Mapping[str, Json], *, optional: tuple[str, ...] = ()) -> dict[str, Json]:
    """Return the schema of a mapping that has all of its properties but the optional ones."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


def _told(schema: Mapping[str, Json], description: str) -> dict[str, Json]:
    return {**schema, "description": description}


def _list(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: Json) -> dict[str, Json]:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(words: type[Action | Lasting | Risk | Subject]) -> dict[str, Json]:
    return {"enum": [word.value for word in words]}


_UNIT_NAME: Final = _told(_TEXT, "Such as modules.network or manifests.shop.")
_REVISION: Final = _mapping(
    {
        "commit": _TEXT,
        "subject": _told(_TEXT, "The first line of the commit's message."),
        "difference": _told(
            _TEXT, "A digest of what the working tree holds beyond the commit, or empty."
        ),
    }
)
_TOUCH: Final = _mapping(
    {
        "by": _TEXT,
        "through": _told(_TEXT, "The subresource, such as scale, or empty."),
        "at": _or_null({"type": "string", "format": "date-time"}),
    }
)
_FIELD: Final = _mapping(
    {
        "path": _told(_TEXT, "As people write it: spec.containers[name=web].image."),
        "before": _ref("value"),
        "after": _ref("value"),
        "forces_replacement": _FLAG,
        "drift": _told(_ref("touch"), "Who changed the field since the last apply."),
    },
    optional=("drift",),
)
_CHANGE: Final = _mapping(
    {
        "subject": _one_of(Subject),
        "name": _told(_TEXT, "A resource's address, an output's name, or `Kind namespace/name`."),
        "action": _one_of(Action),
        "previous": _told(_TEXT, "The former name of what moved, or empty."),
        "reason": _told(_TEXT, "Why, where that is not plain, or empty."),
        "type": _told(_TEXT, "What Terraform calls a resource's type, or empty."),
        "risk": _told(_or_null(_one_of(Risk)), "What is lost, of what is deleted or replaced."),
        "fields": _list(_ref("field")),
    }
)
_LEFT: Final = _mapping(
    {
        "name": _TEXT,
        "fields": _list(_mapping({"path": _TEXT})),
        "to": _told(_TEXT, "Who sets the fields, or empty."),
    }
)
_UNIT: Final = _mapping(
    {
        "unit": _UNIT_NAME,
        "removed": _told(_FLAG, "Whether Git no longer declares it."),
        "deferred": _told(_TEXT, "Why it is planned during the apply, or empty."),
        "unsettled": _told(_TEXT, "What the last run left undone, or empty."),
        "unlooked": _told(_TEXT, "Why it was not planned at all, or empty."),
        "pending": _list(_told(_TEXT, "An output, or a whole unit, that it waits for.")),
        "warnings": _list(_TEXT),
        "drift": _list(_ref("change")),
        "ignored": _told(_NUMBER, "Objects whose drift is not told."),
        "lifted": _told(_FLAG, "Whether its protection ends with this apply."),
        "left": _list(_ref("left")),
        "changes": _list(_ref("change")),
    }
)
_VALUE: Final[dict[str, Json]] = {
    "description": "A value, or a mark that stands for what cannot or must not be shown.",
    "oneOf": [
        _mapping({"value": True, "redacted": {"const": True}}, optional=("redacted",)),
        _mapping({"sensitive": {"const": True}}),
        _mapping({"absent": {"const": True}}),
        _mapping({"unknown": {"const": True}, "sources": _list(_TEXT)}),
    ],
}
_DEFINITIONS: Final[dict[str, Json]] = {
    "change": _CHANGE,
    "field": _FIELD,
    "left": _LEFT,
    "revision": _REVISION,
    "risked": _mapping({"unit": _UNIT_NAME, "name": _TEXT, "type": _TEXT}),
    "touch": _TOUCH,
    "unit": _UNIT,
    "value": _VALUE,
}
_SINCE: Final = _mapping(
    {
        "revision": _ref("revision"),
        "units": _list(_mapping({"unit": _UNIT_NAME, "taken": _FLAG, "reason": _TEXT})),
    }
)
_RESTORED: Final = _mapping(
    {
        "revision": _ref("revision"),
        "entry": _told(_TEXT, "The ledger's entry that applied it."),
        "at": {"type": "string", "format": "date-time"},
        "by": _TEXT,
        "over": _told(_ref("revision"), "What is undone, with all between the two."),
        "unrestored": _list(_mapping({"unit": _UNIT_NAME, "name": _TEXT, "why": _one_of(Lasting)})),
    }
)
_COUNTS: Final = _mapping(
    {**{action.value: _NUMBER for action in Action}, "deferred": _NUMBER},
    optional=tuple(action.value for action in Action),
)
_PLAN: Final[dict[str, Json]] = {
    "format": _told({"const": FORMAT}, "Grows when something is renamed or removed."),
    "stack": _told(_TEXT, "The stack's name."),
    "environment": _told(_TEXT, "The environment's name; default for a stack without any."),
    "revision": _told(_ref("revision"), "What is planned."),
    "destroy": _told(_FLAG, "Whether everything goes."),
    "effective": _told(_FLAG, "Whether applying it would or might change anything."),
    "digest": _told(_TEXT, "A hash over all effects."),
    "counts": _told(_COUNTS, "How many resources and objects each action touches."),
    "risks": _told(
        _mapping({risk.value: _list(_ref("risked")) for risk in Risk}),
        "What is deleted or replaced, by what that costs.",
    ),
    "notes": _told(_list(_TEXT), "Sentences about the plan as a whole."),
    "since": _told(_or_null(_SINCE), "What a plan of what changed took; null for any other plan."),
    "restores": _told(_or_null(_RESTORED), "What a rollback brings back; null for any other plan."),
    "loosened": _told(
        _list(_mapping({"guard": _TEXT, "before": _TEXT, "after": _TEXT})),
        "The guards that let more pass once it is applied, and hold until then.",
    ),
    "units": _told(_list(_ref("unit")), "In the order of their effects."),
}
