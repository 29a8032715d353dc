"""Ledgers of each kind whose place takes nothing for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ClusterError
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.shelf import Shelf


@dataclass(kw_only=True)
class Hindered:
    """How to open one ledger from this clone, and from another one (None: there is none), and how its place fails."""

    clone: Path
    open: Callable[[], Store]
    other: Callable[[], Store] | None
    fail: Callable[[], None]
    mend: Callable[[], None]

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let the place take nothing while the block lasts."""
        self.fail()
        try:
            yield
        finally:
            self.mend()


class Silent:
    """A shelf that does not answer while it is told so."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        """Do as the shelf does, or do not answer."""
        if self.silent and name != "title":
            raise ClusterError("the server does not answer", hint="see whether it runs")
        return getattr(self._shelf, name)

    def fall_silent(self) -> None:
        """Answer nothing from now on."""
        self.silent = True

    def answer(self) -> None:
        """Answer again."""
        self.silent = False


def moved_away(place: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return how to take a place away, and how to bring it back."""
    gone = place.with_name(f"{place.name}-gone")

    def leave() -> None:
        place.rename(gone)

    def come_back() -> None:
        gone.rename(place)

    return leave, come_back


def stuck(lock_file: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return how to leave a lock file of Git behind, as a crash does, and how to remove it."""

    def leave() -> None:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock_file.touch()

    return leave, lock_file.unlink
