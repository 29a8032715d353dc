"""Children of the agent: each does one task on a command line of its own, within a time and some memory."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.agent import surveys, verdicts
from orchestrator.agent.decisions.agenda import Key, Task
from orchestrator.agent.surveys import Survey
from orchestrator.agent.verdicts import End, Verdict
from orchestrator.agent.work.order import Order
from orchestrator.errors import OrchestratorError
from orchestrator.processes import Command, Completed, Stop, run
from orchestrator.processes import Limits as ProcessLimits
from orchestrator.settings import Settings

_PEOPLE = ("GIT_AUTHOR_", "GIT_COMMITTER_")
_OUTPUT_BYTES = 16 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a child: the document that it wrote of its task."""

    key: Key
    task: Task
    revision: str
    verdict: Verdict | None = None
    survey: Survey | None = None
    astray: frozenset[Key] = frozenset()
    error: str = ""


def carry_out(order: Order, settings: Settings, stop: Stop) -> Result:
    """Have a child do what is ordered, and return what came of it, whatever befell it."""
    try:
        done = run(_command(order, settings), limits=_limits(order), stop=stop)
    except OrchestratorError as error:
        return _result(order, error.message, End.FAILED)
    if order.task is Task.PATROL:
        found_astray = surveys.decode_astray(done.stdout)
        # Of those that nobody could look at, each is looked at by itself.
        astray = frozenset(order.looks) if found_astray is None else found_astray
        return Result(key=order.key, task=order.task, revision=order.revision, astray=astray)
    if order.task is Task.SURVEY and (found := surveys.decode(done.stdout)):
        return Result(key=order.key, task=order.task, revision=order.revision, survey=found)
    verdict = verdicts.decode(done.stdout)
    if verdict is None:
        end = End.INTERRUPTED if done.interrupted else End.FAILED
        return _result(order, _befell(order, done), end)
    return Result(
        key=order.key,
        task=order.task,
        revision=order.revision,
        verdict=verdict,
        error=verdict.message,
    )


def _result(order: Order, error: str, end: End) -> Result:
    verdict = Verdict(end=end, message=error, revision=order.revision)
    return Result(
        key=order.key, task=order.task, revision=order.revision, verdict=verdict, error=error
    )


def _command(order: Order, settings: Settings) -> Command:
    return Command(
        argv=(sys.executable, "-P", "-m", "orchestrator", "-C", str(order.clone), *order.arguments),
        directory=order.clone,
        environment=_environment(settings),
    )


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return our environment without whom Git takes us for: records are written by the agent, whoever started it."""
    inherited = settings.environment
    return {name: inherited[name] for name in inherited if not name.startswith(_PEOPLE)}


def _limits(order: Order) -> ProcessLimits:
    limits = order.configuration.limits
    return ProcessLimits(
        timeout=limits.time, grace=limits.grace, output=_OUTPUT_BYTES, memory=limits.memory
    )


def _befell(order: Order, done: Completed) -> str:
    limits = order.configuration.limits
    if done.exceeded:
        return (
            f"it took more than the {limits.memory // 1024**2} MiB of memory that one run may take"
        )
    if done.timed_out:
        return f"it took longer than the {limits.time:g} seconds that one run may take"
    if done.interrupted:
        return "it was stopped before it had ended"
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if done.code < 0:
        return f"it was ended by signal {-done.code}"
    return said[-1] if said else f"it ended with {done.code} and said nothing"
