"""What the tables of ledgers are made of: columns, moments, names and runs in few words."""

import textwrap
from collections.abc import Iterator, Sequence

from orchestrator.plans.events import Outcome
from orchestrator.plans.history import Ending, HistoryLine, RunLine

COLUMNS = 79
SHORT = 10
"""How many letters of an entry's id are shown."""


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their cells below one another."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def filled(text: str, *, indent: str = "", hanging: str = "") -> str:
    """Return a sentence folded at the last column."""
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def name_of(who: str) -> str:
    """Return a person's name without the address, or a dash for nobody."""
    return who.partition(" <")[0] or "-"


def told(message: str, *, stack: str, environment: str) -> str:
    """Return an audit sentence without the stack's name, which stands above the table."""
    return message.replace(f" {stack}/{environment} at ", " at ", 1)


def what(run: RunLine, *, stack: str, environment: str) -> str:
    """Return a run in a sentence, with what became of it first where that is not what it wanted."""
    sentence = told(run.last.message, stack=stack, environment=environment)
    sign = _sign(run)
    return f"{sign}: {sentence}" if sign else sentence


def outcome_of(run: RunLine) -> str:
    """Return what became of a run in one or two words."""
    if run.ending is Ending.FINISHED and run.last.outcome:
        return run.last.outcome.value
    return run.ending.value


def entry_of(line: HistoryLine) -> str:
    """Return an entry's id, short."""
    return line.entry[:SHORT]


def _sign(run: RunLine) -> str:
    match run.ending:
        case Ending.NOTED:
            return ""
        case Ending.FINISHED:
            plain = run.last.outcome in {Outcome.FAILED, Outcome.INTERRUPTED}
            return run.last.outcome.value if plain and run.last.outcome else ""
        case _:
            return run.ending.value
