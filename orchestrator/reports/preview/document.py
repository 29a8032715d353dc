"""A preview as JSON for programs; each plan in it is what ``plan --output json`` writes."""

from orchestrator.plans.preview import Preview, StackPreview
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
        "refusals": [error_json(each)["error"] for each in preview.refusals],
        "error": error_json(preview.error)["error"] if preview.error else None,
        "plan": plan_json(preview.plan) if preview.plan else None,
    }
