"""An error as people read it: what failed, the material that helps, and what to do next."""

from orchestrator.errors import InvalidStack, OrchestratorError
from orchestrator.reports.mistakes import render


def render_error(error: OrchestratorError) -> str:
    """Return an error as text, ending in a newline."""
    if isinstance(error, InvalidStack):
        return f"{render(error.mistakes).rstrip()}\n\nerror: {error.message}\n"
    lines = [f"error: {error.message}"]
    lines += [f"  {line}".rstrip() for line in error.detail.splitlines()]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines) + "\n"
