"""What followed a rollout that failed, as text."""

from collections.abc import Iterator

from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Plan
from orchestrator.plans.report import Fallback, Report, accomplished


def fallback_lines(fallback: Fallback, failed: Plan) -> Iterator[str]:
    """Yield the sentences about bringing workloads back, and what stays as the failed apply left it."""
    if fallback.error is not None:
        yield "The workloads of the last healthy revision were not brought back:"
        yield from _error_lines(fallback.error)
    if fallback.report is not None:
        yield from _report_lines(fallback.report, failed)
    if fallback.left:
        yield "Left as the failed revision has it, since nobody agreed to more:"
        yield from (f"  {each}" for each in fallback.left)


def _error_lines(error: OrchestratorError) -> Iterator[str]:
    mistakes = error.mistakes if isinstance(error, InvalidStack) else ()
    yield f"  {error.message}"
    yield from (f"  {mistake.message}" for mistake in mistakes)
    yield from (f"  {line}" for line in error.detail.splitlines())
    if error.hint:
        yield f"  hint: {error.hint}"


def _report_lines(report: Report, failed: Plan) -> Iterator[str]:
    revision, entry = report.plan.revision, f" Ledger entry {report.entry[:10]}."
    if report.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}:
        yield (
            f"Brought back the workloads of {revision}, the last healthy revision: {accomplished(report)}. The"
            f" infrastructure stays at {failed.revision}, and so does what that added.{entry}"
        )
        return
    for result in report.failures:
        yield f"{result.unit}: {result.detail}"
    yield f"Failed to bring back the workloads of {revision}: {accomplished(report)}.{entry}"
