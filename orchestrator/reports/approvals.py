"""An approval that was given, as text and as JSON."""

from orchestrator.plans.approvals import SHOWN, Approved
from orchestrator.reports.json import FORMAT
from orchestrator.stack.model import Json


def render_approved(approved: Approved) -> str:
    """Return what was approved, and how many more are needed, ending in a newline."""
    names = ", ".join(name.partition(" <")[0] for name in approved.by)
    missing = approved.needed - len(approved.by)
    enough = f"{missing} more needed" if missing > 0 else "no more needed"
    if approved.own:
        enough = f"{enough}, but an agent that asks for approval does not count {approved.own}"
    return (
        f"Approved {approved.digest[:SHOWN]} of {approved.owner}: by {names}; {enough}."
        f" Ledger entry {approved.entry[:10]}.\n"
    )


def approved_json(approved: Approved) -> dict[str, Json]:
    """Return what was approved: its whole digest, by whom, how many are needed, and the ledger's entry."""
    return {
        "format": FORMAT,
        "stack": approved.owner.stack,
        "environment": approved.owner.environment,
        "digest": approved.digest,
        "approved_by": list(approved.by),
        "needed": approved.needed,
        "entry": approved.entry,
    }
