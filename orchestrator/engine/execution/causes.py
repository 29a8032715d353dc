"""Why a unit failed or was not reached, in the words that the ledger keeps. Pure."""

from collections.abc import Sequence

from orchestrator.errors import OrchestratorError
from orchestrator.plans.events import Outcome
from orchestrator.plans.report import UnitResult

_MOST_LINES = 40


def cause(result: UnitResult) -> str:
    """Return why a unit did not succeed, with the conditions that the error tells; empty when it did."""
    if result.error is None:
        return result.detail if result.outcome is Outcome.SKIPPED else ""
    return _told(result.detail, result.error)


def cause_of_skipping(results: Sequence[UnitResult], trouble: OrchestratorError | None) -> str:
    """Return why a unit whose phase never came was not begun."""
    kept = [each.unit for each in results if each.error is not None]
    if kept:
        return f"since {', '.join(dict.fromkeys(kept))} did not succeed"
    return _told(trouble.message, trouble) if trouble else "stopped"


def _told(message: str, error: OrchestratorError) -> str:
    lines = [message, *error.detail.splitlines()]
    more = [f"and {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([*lines[:_MOST_LINES], *more])
