"""A preview as JSON for programs; each plan in it is what ``plan --output json`` writes."""

from collections.abc import Iterable

from orchestrator.errors import OrchestratorError
from orchestrator.plans.approvals import plain
from orchestrator.plans.preview import Preview, Refreshed, StackPreview
from orchestrator.reports.json import FORMAT, error_json, plan_json
from orchestrator.stack.model import Json


def preview_json(preview: Preview) -> dict[str, Json]:
    """Return a preview: the two commits, why it failed as a whole, and what merging does to each stack."""
    return {
        "format": FORMAT,
        "base": {"commit": preview.base},
        "head": {"commit": preview.head},
        "error": error_json(preview.error)["error"] if preview.error else None,
        "notes": list(preview.notes),
        "stacks": [stack_json(each) for each in preview.stacks],
    }


def stack_json(preview: StackPreview) -> dict[str, Json]:
    """Return what merging does to one stack in an environment, and why it was planned."""
    return {
        "stack": preview.stack,
        "environment": preview.environment,
        "reasons": list(preview.reasons),
        "overruled": list(preview.overruled),
        "unjudged": preview.unjudged,
        "ruling": preview.ruling.value,
        "refusals": _errors(preview.refusals),
        "awaited": _errors(preview.awaited),
        "later": _errors(preview.later),
        "approved_by": [plain(each) for each in preview.approved_by],
        "error": error_json(preview.error)["error"] if preview.error else None,
        "plan": plan_json(preview.plan) if preview.plan else None,
    }


def _errors(errors: Iterable[OrchestratorError]) -> list[Json]:
    return [error_json(each)["error"] for each in errors]


def refreshed_json(requests: Iterable[Refreshed]) -> dict[str, Json]:
    """Return how requests stood when their comments were brought up to date."""
    return {"format": FORMAT, "requests": [_request_json(each) for each in requests]}


def _request_json(one: Refreshed) -> dict[str, Json]:
    return {
        "number": one.number,
        "found": one.found.name.lower().replace("_", "-"),
        "stale": dict(one.stale),
        "afterwards": [
            {"name": each.name, "became": each.became.value, "as_shown": each.as_shown}
            for each in one.afterwards
        ],
    }
