"""The agent's metrics as a table, from their catalogue."""

from __future__ import annotations

from orchestrator.agent.metrics.catalogue import CATALOGUE
from tools.documentation import markdown
from tools.documentation.markdown import code


def table() -> str:
    """Return a row for each."""
    rows = [
        (code(metric.name), metric.kind.value, ", ".join(map(code, metric.labels)), metric.said)
        for metric in CATALOGUE
    ]
    return markdown.table(("metric", "type", "labels", "what it says"), rows)
