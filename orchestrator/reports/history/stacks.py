"""All stacks as text and as JSON: those in Git, and those of which only a ledger is left."""

from collections.abc import Iterator, Sequence

from orchestrator.plans.history import StackLine
from orchestrator.reports.history.tables import filled, name_of, table
from orchestrator.reports.json import FORMAT, revision_json, time_json
from orchestrator.stack.model import Json

_HEAD = ("STACK", "REVISION", "WHEN (UTC)", "BY", "STATE")


def render_stacks(lines: Sequence[StackLine]) -> str:
    """Return all stacks as a table, and what to do with those that are gone from Git; ends in a newline."""
    return "\n".join(_lines(lines)) + "\n"


def stacks_json(lines: Sequence[StackLine]) -> dict[str, Json]:
    """Return all stacks, sorted."""
    return {"format": FORMAT, "stacks": [line_json(each) for each in lines]}


def line_json(line: StackLine) -> Json:
    """Return one stack in one environment; ``declared`` is null where its file cannot be read."""
    return {
        "stack": line.stack,
        "environment": line.environment,
        "declared": line.declared,
        "state": line.says,
        "revision": revision_json(line.revision) if line.revision else None,
        "at": time_json(line.at) if line.at else None,
        "by": line.by,
        "modules": line.modules,
        "objects": line.objects,
    }


def way_out(line: StackLine) -> Iterator[str]:
    """Yield what is left of a stack that Git declares no more, and how to take it away."""
    yield filled(f"{line.name} is no longer declared in Git, and {left_of(line)}.")
    yield f"  to destroy it: orchestrator destroy {line.stack} --env {line.environment}"


def left_of(line: StackLine) -> str:
    """Return ``still has 3 objects and 1 module applied``."""
    parts = [
        f"{number} {what}{'s' if number != 1 else ''}"
        for number, what in ((line.objects, "object"), (line.modules, "module"))
        if number
    ]
    return f"still has {' and '.join(parts)} applied"


def _lines(lines: Sequence[StackLine]) -> Iterator[str]:
    if not lines:
        yield "There is no stack here, and no ledger of one."
        return
    yield from table([_HEAD, *(_row(each) for each in lines)])
    for each in lines:
        if each.vanished:
            yield ""
            yield from way_out(each)


def _row(line: StackLine) -> tuple[str, ...]:
    return (
        line.name,
        str(line.revision) if line.revision else "-",
        f"{line.at:%Y-%m-%d %H:%M}" if line.at else "-",
        name_of(line.by),
        _state(line),
    )


def _state(line: StackLine) -> str:
    match line.declared:
        case False:
            return f"{line.says}, no longer in Git"
        case None:
            return f"{line.says}, its file cannot be read"
        case _:
            return line.says
