"""How a command can end: the kinds of errors, with the exit code that each owns."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import OrchestratorError
from tools.documentation.markdown import code, table


def errors() -> str:
    """Return the kinds of errors, each before the more special ones."""
    rows = [
        (code(kind.__name__), str(kind.exit_code), _sentence(kind))
        for kind in _below(OrchestratorError)
        if kind.__module__ == OrchestratorError.__module__
    ]
    return table(("kind", "exit code", "what it means"), rows)


def _below(kind: type[OrchestratorError]) -> Iterator[type[OrchestratorError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)


def _sentence(kind: type[OrchestratorError]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
