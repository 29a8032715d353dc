"""Write the parts of docs/ that code knows best: what `make docs` does.

A page says with a pair of comments where such a part stands:

    <!-- begin NAME, written by `make docs` -->
    <!-- end NAME -->

What is between them is replaced; the JSON Schemas and plots are files of their own. A test holds that nothing is
left to write.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.agent.configuration.schema import agent_json_schema
from orchestrator.reports.json import dumps
from orchestrator.reports.schema import plan_schema
from orchestrator.stack.published import json_schema, project_json_schema
from tools.documentation import commands, endings, keys, metrics, plot, shapes
from tools.documentation.numbers import measured, numbers, rows_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

PARTS: Mapping[str, Callable[[], str]] = {
    "keys": keys.tables,
    "keys of the agent": keys.agent_tables,
    "metrics of the agent": metrics.table,
    "verbs": commands.verbs,
    "targets": lambda: commands.targets(ROOT / "Makefile"),
    "kinds of errors": endings.errors,
    "numbers": numbers,
    **{f"JSON of {name}": shape for name, shape in shapes.SHAPES.items()},
}
SCHEMAS = {
    "stack.schema.json": json_schema,
    "orchestrator.schema.json": project_json_schema,
    "plan.schema.json": plan_schema,
    "agent.schema.json": agent_json_schema,
}
PLOTS: Mapping[str, Callable[[], str]] = {
    "benchmarks.svg": lambda: plot.render(rows_of(measured()))
}

_PART = re.compile(
    r"(?P<begin><!-- begin (?P<name>[\w ]+), written by `make docs` -->\n)"
    r".*?"
    r"(?P<end><!-- end (?P=name) -->\n)",
    re.DOTALL,
)


def main() -> int:
    """Write what is out of date, and say so."""
    for file, text in written().items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {file.relative_to(ROOT)}\n")
    return 0


def written() -> dict[Path, str]:
    """Return every file of docs/ as it has to be."""
    pages = {file: _filled(file.read_text(encoding="utf-8")) for file in sorted(DOCS.glob("*.md"))}
    schemas = {DOCS / name: dumps(schema()) for name, schema in SCHEMAS.items()}
    return pages | schemas | {DOCS / name: drawn() for name, drawn in PLOTS.items()}


def _filled(page: str) -> str:
    def fill(found: re.Match[str]) -> str:
        return f"{found['begin']}\n{PARTS[found['name']]().strip()}\n\n{found['end']}"

    return _PART.sub(fill, page)


if __name__ == "__main__":
    sys.exit(main())
