"""What follows when units could not be planned: one error that names them all, mistakes joined."""

from collections.abc import Mapping
from typing import TypeVar

from orchestrator.engine.walk import Ending, Failed, Skipped
from orchestrator.errors import Interrupted, InvalidStack, OrchestratorError
from orchestrator.stack.model import UnitId

T = TypeVar("T")


def raise_failures(endings: Mapping[UnitId, Ending[T]]) -> None:
    """Raise what the failed units of a walk raised: a single error as it is, several as one.

    An interruption wins over everything, since other failures are often its echo.
    """
    failed = {unit: end.error for unit, end in endings.items() if isinstance(end, Failed)}
    for error in failed.values():
        if isinstance(error, Interrupted):
            raise error
    if any(isinstance(end, Skipped) and not end.because for end in endings.values()):
        message = "stopped before everything was planned; nothing was changed"
        raise Interrupted(message)
    if len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise _joined(failed)


def _joined(failed: Mapping[UnitId, OrchestratorError]) -> OrchestratorError:
    if all(isinstance(error, InvalidStack) for error in failed.values()):
        mistakes = (
            m
            for error in failed.values()
            if isinstance(error, InvalidStack)
            for m in error.mistakes
        )
        return InvalidStack(tuple(dict.fromkeys(mistakes)))
    detail = "\n".join(_paragraph(unit, error) for unit, error in failed.items())
    return OrchestratorError(f"{len(failed)} units could not be planned", detail=detail)


def _paragraph(unit: UnitId, error: OrchestratorError) -> str:
    message = error.message.removeprefix(f"{unit}: ")
    mistakes = error.mistakes if isinstance(error, InvalidStack) else ()
    told = (*map(str, mistakes), *error.detail.splitlines())
    lines = [f"{unit}: {message}", *(f"  {line}" for line in told)]
    return "\n".join([*lines, f"  hint: {error.hint}"] if error.hint else lines)
