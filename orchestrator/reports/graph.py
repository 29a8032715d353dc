"""A stack's graph for people: a text tree, or the languages of Graphviz and Mermaid."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from orchestrator.stack.graph import Graph
from orchestrator.stack.model import UnitId

_PHASES: Final = {"modules": "infrastructure", "manifests": "workloads"}


def render_text(graph: Graph, title: str) -> str:
    """Return every unit in order, by phase, with what it needs and why below it."""
    return "\n".join(_text_lines(graph, title)) + "\n"


def render_dot(graph: Graph, title: str) -> str:
    """Return the graph in Graphviz's language; an arrow goes from a unit to what needs it."""
    lines = [f"digraph {_quoted(title)} {{", "  rankdir=LR;", "  node [shape=box];"]
    for kind, phase in _PHASES.items():
        units = _units(graph, kind)
        if units:
            lines += [
                f"  subgraph {_quoted(f'cluster_{phase}')} {{",
                f"    label={_quoted(phase)};",
            ]
            lines += [f"    {_quoted(unit)};" for unit in units]
            lines.append("  }")
    for unit, need, reason in _edges(graph):
        lines.append(f"  {_quoted(need)} -> {_quoted(unit)} [tooltip={_quoted(reason)}];")
    return "\n".join([*lines, "}"]) + "\n"


def render_mermaid(graph: Graph, title: str) -> str:
    """Return the graph as a Mermaid flowchart; an arrow goes from a unit to what needs it."""
    lines = ["---", f"title: {_quoted(title)}", "---", "flowchart LR"]
    for kind, phase in _PHASES.items():
        units = _units(graph, kind)
        if units:
            lines.append(f"  subgraph {phase}")
            lines += [f'    {_mermaid_id(unit)}["{unit}"]' for unit in units]
            lines.append("  end")
    lines += [f"  {_mermaid_id(need)} --> {_mermaid_id(unit)}" for unit, need, _ in _edges(graph)]
    return "\n".join(lines) + "\n"


RENDERERS: Final[Mapping[str, Callable[[Graph, str], str]]] = {
    "text": render_text,
    "dot": render_dot,
    "mermaid": render_mermaid,
}


def _text_lines(graph: Graph, title: str) -> Iterator[str]:
    yield title
    phases = [(phase, units) for kind, phase in _PHASES.items() if (units := _units(graph, kind))]
    if not phases:
        yield "  (no units)"
    for phase, units in phases:
        yield f"  {phase}"
        for unit in units:
            yield f"    {unit}"
            needs = graph.needs[unit]
            for need in needs:
                branch = "└─" if need == needs[-1] else "├─"
                yield f"      {branch} {need} ({graph.reason(unit, need)})"


def _units(graph: Graph, kind: str) -> list[UnitId]:
    return [unit for unit in graph.order if unit.startswith(f"{kind}.")]


def _edges(graph: Graph) -> Iterator[tuple[UnitId, UnitId, str]]:
    for unit in graph.order:
        for need in graph.needs[unit]:
            yield unit, need, graph.reason(unit, need)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid_id(unit: UnitId) -> str:
    """Return a name that Mermaid cannot take for one of its own words, such as ``end``."""
    return unit.replace(".", "_").replace("-", "__")
