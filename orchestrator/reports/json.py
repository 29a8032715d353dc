"""Plans, runs, ledger states and errors as JSON for programs; secrets are marked, never present."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from orchestrator.errors import InvalidStack, Mistake, OrchestratorError, Place
from orchestrator.plans.change import Change, FieldChange, Risk, Subject, Touch
from orchestrator.plans.digest import digest
from orchestrator.plans.plan import Plan, Restored, Revision, Since, UnitPlan, count
from orchestrator.plans.report import Fallback, Report, UnitResult, counted
from orchestrator.plans.risk import at_risk
from orchestrator.plans.values import Absent, Masked, Redacted, Unknown, Value
from orchestrator.stack.model import Json

FORMAT = 1
"""Version of the shapes below; it grows when something is renamed or removed, not when something is added."""


_NAMES: Final = frozenset(
    {
        "action",
        "cluster",
        "commit",
        "digest",
        "entry",
        "environment",
        "file",
        "kind",
        "name",
        "namespace",
        "operation",
        "outcome",
        "previous",
        "stack",
        "type",
        "unit",
    }
)
"""What only ever holds words of ours, or names that stand in Git: what is about something must say about what."""


def redacted(value: Json, redact: Callable[[str], str]) -> Json:
    """Return a document with its sentences and values redacted; names, and the words of the format, stay."""
    match value:
        case str():
            return redact(value)
        case list():
            return [redacted(item, redact) for item in value]
        case dict():
            return {key: _redacted_at(key, item, redact) for key, item in value.items()}
        case _:
            return value


def _redacted_at(key: str, value: Json, redact: Callable[[str], str]) -> Json:
    if key == "value":
        return _redacted_whole(value, redact)
    # What the subject of a change is, is a word of ours; that of a commit is a sentence.
    ours = key in _NAMES or (key == "subject" and value in set(Subject))
    return value if ours and isinstance(value, str) else redacted(value, redact)


def _redacted_whole(value: Json, redact: Callable[[str], str]) -> Json:
    match value:
        case dict():
            return {redact(key): _redacted_whole(item, redact) for key, item in value.items()}
        case list():
            return [_redacted_whole(item, redact) for item in value]
        case _:
            return redacted(value, redact)


def dumps(value: Json) -> str:
    """Return canonical, indented JSON, ending in a newline."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def plan_json(plan: Plan) -> dict[str, Json]:
    """Return a plan: stack, environment, revision, units with changes, counts and the digest."""
    counts = count(plan)
    return {
        "format": FORMAT,
        "stack": plan.stack,
        "environment": plan.environment,
        "revision": revision_json(plan.revision),
        "destroy": plan.destroy,
        "effective": plan.effective,
        "digest": digest(plan),
        "counts": {
            **{action.value: number for action, number in counts.actions.items()},
            "deferred": counts.deferred,
        },
        "risks": _risks(plan),
        "notes": list(plan.notes),
        "since": _since(plan.since) if plan.since else None,
        "restores": _restored(plan.restores) if plan.restores else None,
        "loosened": [
            {"guard": each.guard, "before": each.before, "after": each.after}
            for each in plan.loosened
        ],
        "units": [_unit(unit) for unit in plan.units],
    }


def _since(since: Since) -> dict[str, Json]:
    return {
        "revision": revision_json(since.revision),
        "units": [
            {"unit": each.unit, "taken": each.taken, "reason": each.reason}
            for each in since.considered
        ],
    }


def _restored(back: Restored) -> dict[str, Json]:
    return {
        "revision": revision_json(back.revision),
        "entry": back.entry,
        "at": time_json(back.at),
        "by": back.by,
        "over": revision_json(back.over),
        "unrestored": [
            {"unit": one.unit, "name": one.name, "why": one.why.value} for one in back.unrestored
        ],
    }


def report_json(report: Report) -> dict[str, Json]:
    """Return an executed plan: its outcome, the results of its units and the ledger's entry."""
    return {
        "format": FORMAT,
        "outcome": report.outcome.value,
        "seconds": round(report.seconds, 3),
        "entry": report.entry,
        "results": [_result(result) for result in report.results],
        "plan": plan_json(report.plan),
        "fallback": _fallback(report.fallback) if report.fallback else None,
    }


def _fallback(fallback: Fallback) -> dict[str, Json]:
    """Return what followed a failed rollout: an executed plan of its own, or why there was none."""
    return {
        "report": report_json(fallback.report) if fallback.report else None,
        "error": error_json(fallback.error)["error"] if fallback.error else None,
        "left": [{"unit": each.unit, "name": each.name, "why": each.why} for each in fallback.left],
    }


def error_json(error: OrchestratorError) -> dict[str, Json]:
    """Return an error with its hint, detail, mistakes with places, and exit code."""
    mistakes = error.mistakes if isinstance(error, InvalidStack) else ()
    return {
        "format": FORMAT,
        "error": {
            "kind": type(error).__name__,
            "message": error.message,
            "hint": error.hint,
            "detail": error.detail,
            "exit_code": error.exit_code,
            "mistakes": [_mistake(mistake) for mistake in mistakes],
        },
    }


def revision_json(revision: Revision) -> dict[str, Json]:
    """Return a revision: commit, subject, and the digest of what differed from it, or an empty text."""
    return {
        "commit": revision.commit,
        "subject": revision.subject,
        "difference": revision.difference,
    }


def time_json(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def _risks(plan: Plan) -> dict[str, Json]:
    """Return what is deleted or replaced by what that costs."""
    found = at_risk(plan)
    return {
        risk.value: [
            {"unit": one.unit, "name": one.name, "type": one.type}
            for one in found
            if one.risk is risk
        ]
        for risk in Risk
    }


def _unit(unit: UnitPlan) -> dict[str, Json]:
    return {
        "unit": unit.unit,
        "removed": unit.removed,
        "deferred": unit.deferred,
        "unsettled": unit.unsettled,
        "unlooked": unit.unlooked,
        "pending": list(unit.pending),
        "warnings": list(unit.warnings),
        "drift": [_change(change) for change in unit.drift],
        "ignored": unit.ignored,
        "lifted": unit.lifted,
        "left": [
            {"name": one.name, "fields": [{"path": path} for path in one.fields], "to": one.to}
            for one in unit.left
        ],
        "changes": [_change(change) for change in unit.changes],
    }


def _change(change: Change) -> dict[str, Json]:
    return {
        "subject": change.subject.value,
        "name": change.name,
        "action": change.action.value,
        "previous": change.previous,
        "reason": change.reason,
        "type": change.type,
        "risk": change.risk.value if change.risk else None,
        "fields": [_field(item) for item in change.fields],
    }


def _field(item: FieldChange) -> dict[str, Json]:
    return {
        "path": item.path,
        "before": _value(item.before),
        "after": _value(item.after),
        "forces_replacement": item.forces_replacement,
        **({"drift": _touch(item.touch)} if item.touch else {}),
    }


def _touch(touch: Touch) -> dict[str, Json]:
    """Return who changed a field behind our back, and when, as far as that is known."""
    return {
        "by": touch.by,
        "through": touch.through,
        "at": time_json(touch.at) if touch.at else None,
    }


def _value(value: Value) -> Json:
    """Wrap every value, so that a marker cannot be mistaken for a value that looks like one."""
    match value:
        case Absent():
            return {"absent": True}
        case Unknown():
            return {"unknown": True, "sources": list(value.sources)}
        case Masked():
            return {"sensitive": True}
        case Redacted():
            return {"value": value.value, "redacted": True}
        case _:
            return {"value": value}


def _result(result: UnitResult) -> dict[str, Json]:
    return {
        "unit": result.unit,
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 3),
        "counts": {action.value: number for action, number in counted(result.changes).items()},
        "unknown": [*result.unknown],
        "detail": result.detail,
        "error": None if result.error is None else error_json(result.error)["error"],
    }


def _mistake(mistake: Mistake) -> dict[str, Json]:
    return {
        "message": mistake.message,
        "hint": mistake.hint,
        "place": _place(mistake.place),
        "related": _place(mistake.related),
    }


def _place(place: Place | None) -> Json:
    if place is None:
        return None
    return {"file": place.file, "line": place.line, "column": place.column}
