"""Entries that a place could not take when it was time: kept in this clone until whoever holds the lock records them.

They tell what was done, so that they are not given up: the directory was full or away, the API server did not answer.
"""

from collections.abc import Sequence

from orchestrator.errors import LedgerError
from orchestrator.ledger.encoding import decode_entry, encode_entry
from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.stores.shelf import Shelf

_ASIDE = "aside"


def tells_what_was_done(entry: Entry) -> bool:
    """Whether something is lost with an entry that is not recorded: what is merely meant can be said again."""
    return entry.kind is not Kind.STARTED and not entry.moved


class Waiting:
    """The entries of one ledger that wait on a shelf of this clone, oldest first."""

    def __init__(self, shelf: Shelf | None) -> None:
        """Take the shelf; with None nothing can be kept."""
        self._shelf = shelf

    @property
    def possible(self) -> bool:
        """Whether there is a place to keep them in."""
        return self._shelf is not None

    def entries(self) -> tuple[Entry, ...]:
        """Return what waits; raises LedgerError when it cannot be read."""
        found = self._shelf.find(_ASIDE) if self._shelf else {}
        return tuple(decode_entry(found[name].content) for name in sorted(found))

    def keep(self, entry: Entry) -> None:
        """Keep an entry after those that wait already; raises LedgerError when that cannot be done."""
        if self._shelf is None:
            return
        names = sorted(self._shelf.find(_ASIDE))
        number = int(names[-1].rpartition("-")[2]) + 1 if names else 1
        name = f"{_ASIDE}-{number:08d}"
        if not self._shelf.write(name, encode_entry(entry), over=""):
            raise LedgerError(f"{self._shelf.place(name)} was written by another process meanwhile")

    def forget(self, entries: Sequence[Entry]) -> None:
        """Forget entries that are recorded by now."""
        ids = {each.id for each in entries}
        for name, found in self._shelf.find(_ASIDE).items() if self._shelf else ():
            if self._shelf and decode_entry(found.content).id in ids:
                self._shelf.remove(name, over=found.version)
