"""Progress on a terminal: a live tree of units with timings, and plans painted by their signs."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from orchestrator.plans.events import (
    ChangeDone,
    Event,
    Notice,
    Outcome,
    PhaseStarted,
    UnitFinished,
    UnitProgress,
    UnitStarted,
)
from orchestrator.plans.report import past

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

_COLOURS = (
    (re.compile(r"^ +\| \+"), "green"),  # lines of values that differ
    (re.compile(r"^ +\| -"), "red"),
    (re.compile(r"^ +\| @@"), "cyan"),
    (re.compile(r"^ +-/\+ "), "magenta"),
    (re.compile(r"^ +\+ "), "green"),
    (re.compile(r"^ +[~&>] "), "yellow"),
    (re.compile(r"^ +[-x] |^  ! "), "red"),
    (re.compile(r"^ +[?!] "), "cyan"),
)
_MARKS = {
    Outcome.FAILED: "[red]✗[/]",
    Outcome.INTERRUPTED: "[yellow]![/]",
    Outcome.SKIPPED: "[dim]–[/]",
    Outcome.UNCHANGED: "[dim]=[/]",
}


def paint(text: str) -> str:
    """Return a plan's text with each change's line in the colour of its sign."""
    return "".join(_painted(line) for line in text.splitlines(keepends=True))


def _painted(line: str) -> str:
    for pattern, colour in _COLOURS:
        if pattern.match(line):
            return click.style(line, fg=colour)
    return line


@dataclass(slots=True)
class _Row:
    activity: str
    since: float
    text: str = ""
    done: str = ""


class _Tree:
    """The units under way as rich renders them; asked for at each refresh."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._phase = ""
        self._notice = ""
        self._rows: dict[str, _Row] = {}

    def listen(self, event: Event) -> None:
        match event:
            case PhaseStarted():
                self._phase = event.phase
            case UnitStarted():
                self._rows[event.unit] = _Row(event.activity, self._seconds())
            case UnitProgress() if event.unit in self._rows:
                self._rows[event.unit].text = event.text
            case ChangeDone() if event.unit in self._rows:
                doing = "waiting for" if event.waiting else past(event.action)
                self._rows[event.unit].text = f"{doing} {event.name}"
            case UnitFinished():
                row = self._rows.setdefault(event.unit, _Row("", self._seconds()))
                row.done, row.text = _MARKS.get(event.outcome, "[green]✓[/]"), event.detail
                row.activity = f"{event.outcome.value} {event.seconds:.1f} s"
            case Notice():
                self._notice = event.text
            case _:
                pass  # about a unit that never started

    def _doing(self, row: _Row) -> str:
        return row.activity if row.done else f"{row.activity} {self._seconds() - row.since:.0f} s"

    def __rich__(self) -> "Group":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        rows = [(unit, row, self._doing(row)) for unit, row in tuple(self._rows.items())]
        widest_unit = max((len(unit) for unit, _, _ in rows), default=0)
        widest_activity = max((len(doing) for _, _, doing in rows), default=0)
        table = Table.grid(padding=(0, 1))
        for width in (1, widest_unit, widest_activity):
            table.add_column(no_wrap=True, min_width=width)
        # This is what is cut when room is short.
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for unit, row, doing in rows:
            mark = Text.from_markup(row.done or "[cyan]•[/]")
            table.add_row(mark, Text(unit), Text(doing), Text(row.text, style="dim"))
        head = [Text(self._notice, style="dim")] if self._notice else []
        title = [Text(self._phase, style="bold")] if self._phase else []
        return Group(*head, *title, table)


class LiveTree:
    """A live tree on stderr: it appears with the first event and stays, finished, when it is paused."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Take the clock to measure with; nothing is shown yet."""
        self._seconds = seconds
        self._tree: _Tree | None = None
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._held = False

    def listen(self, event: Event) -> None:
        """Show an event."""
        with self._lock:
            self._tree = self._tree or _Tree(self._seconds)
            self._tree.listen(event)
            self._start()

    def pause(self) -> None:
        """Leave what is shown as it stands; the next event starts a new tree."""
        with self._lock:
            self._stop()
            self._tree = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Draw nothing while the block runs, and go on with the same tree afterwards."""
        with self._lock:
            self._stop()
            self._held = True
        try:
            yield
        finally:
            with self._lock:
                self._held = False
                self._start()

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._live is None and self._tree is not None and not self._held:
            self._live = Live(self._tree, console=Console(stderr=True), refresh_per_second=10)
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
        self._live = None
