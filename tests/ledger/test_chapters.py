"""Old entries are bound: few documents, the same chain, whatever breaks off, and whoever looks meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from orchestrator.errors import LedgerError
from orchestrator.ledger.archive import Archive, decode_archive, encode_archive
from orchestrator.ledger.entry import LedgerState
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.chapters import CHAPTER, Binding
from orchestrator.ledger.stores.documents import ENTRY
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.stores.shelf import Document, Shelf
from orchestrator.ledger.verification import verify
from tests.ledger.builders import OWNER, holder
from tests.ledger.conftest import entry_at, is_dead, record_entries

_BINDING = Binding(pages=4, single=3)
_LAST = 19


def _store(shelf: Shelf, binding: Binding | None = _BINDING) -> ChainStore:
    return ChainStore(OWNER, shelf, is_dead=is_dead, binding=binding)


def _numbers(documents: Mapping[str, Document]) -> list[int]:
    return sorted(int(name.split("-")[1]) for name in documents)


def test_old_entries_are_bound_and_the_chain_is_whole(shelf: Shelf) -> None:
    """The newest stay single; history, verification, export and later entries are as if nothing had been bound."""
    record_entries(_store(shelf), _LAST)

    single, chapters = shelf.find(ENTRY), shelf.find(CHAPTER)
    assert _numbers(single) == [*range(13, _LAST + 1)]
    assert _numbers(chapters) == [4, 8, 12]
    fresh = _store(shelf)
    entries = [entry_at(number, "") for number in range(1, _LAST + 1)]
    assert [*fresh.history(100)] == [*fresh.history(_LAST)] == entries[::-1]
    assert [*fresh.history(9)] == entries[:-10:-1]
    verdict = verify(fresh.links())
    assert (verdict.sound, verdict.broken, verdict.entries) == (_LAST, None, tuple(entries))
    archive = Archive(owner=OWNER, entries=verdict.entries)
    assert decode_archive(encode_archive(archive)) == archive
    record_entries(_store(shelf), _LAST + 5, first=_LAST + 1)
    assert fresh.read().head == f"entry-{_LAST + 5}"
    assert len(shelf.find(ENTRY)) < _BINDING.pages + _BINDING.single + _BINDING.pages // 2


def test_a_ledger_that_is_read_in_is_bound_at_once(shelf: Shelf) -> None:
    """However many entries come in one go."""
    entries = [entry_at(number, "") for number in range(1, _LAST + 1)]
    store = _store(shelf)
    lock = store.acquire(holder())
    store.rewrite(entries, lock=lock, base=LedgerState())
    assert _numbers(shelf.find(ENTRY)) == [*range(17, _LAST + 1)]
    assert verify(_store(shelf).links()).state == fold_all(entries)


def test_without_being_told_each_entry_stays_a_document() -> None:
    """Where there is room, the files can be read one by one."""
    shelf = MemoryShelf()
    record_entries(_store(shelf, None), _LAST)
    assert (len(shelf.find(ENTRY)), len(shelf.find(CHAPTER))) == (_LAST, 0)


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_chapter_that_was_tampered_with_is_damage(harm: str) -> None:
    """Its entries have not the digests any more by which the ones after them know them."""
    shelf = MemoryShelf()
    record_entries(_store(shelf), _LAST)
    name, chapter = min(shelf.find(CHAPTER).items())
    if harm == "changed":
        shelf.write(name, chapter.content.replace(b"entry 2", b"entry 7"), over=chapter.version)
    else:
        shelf.remove(name, over=chapter.version)

    assert verify(_store(shelf).links()).broken is not None
    with pytest.raises(LedgerError):
        _store(shelf).history(100)
    assert len([*_store(shelf).history(10)]) == 10


class Watched:
    """A shelf that calls somebody when documents are listed, and may refuse to remove any."""

    def __init__(self, shelf: MemoryShelf) -> None:
        self._shelf = shelf
        self.listed: Callable[[], object] = bool
        self.refuses = False

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the shelf does."""
        return getattr(self._shelf, name)

    def find(self, kind: str) -> Mapping[str, Document]:
        """Find, and call before anybody sees it."""
        found = self._shelf.find(kind)
        listed, self.listed = self.listed, bool
        listed()
        return found

    def remove(self, name: str, *, over: str) -> bool:
        """Remove, unless it refuses to remove entries."""
        if self.refuses and name.startswith(ENTRY):
            raise LedgerError("the place does not answer")
        return self._shelf.remove(name, over=over)


def test_binding_that_breaks_off_is_gone_on_with() -> None:
    """The entry that set it off is recorded; what is there twice by then is cleared the next time."""
    shelf = Watched(MemoryShelf())
    shelf.refuses = True
    record_entries(_store(shelf), 12)
    assert len(shelf.find(ENTRY)) == 12
    assert verify(_store(shelf).links()).sound == 12
    shelf.refuses = False
    record_entries(_store(shelf), 14, first=13)
    assert _numbers(shelf.find(ENTRY)) == [*range(9, 15)]
    assert _numbers(shelf.find(CHAPTER)) == [4, 8]
    assert verify(_store(shelf).links()).sound == 14


def test_whoever_reads_while_entries_are_bound_finds_them() -> None:
    """They are looked for as single ones first: what goes meanwhile is in a chapter already."""
    shelf = Watched(MemoryShelf())
    record_entries(_store(shelf, None), 11)
    shelf.listed = lambda: record_entries(_store(shelf), 12, first=12)
    assert [*_store(shelf).history(100)] == [entry_at(number, "") for number in range(11, 0, -1)]
    assert len(shelf.find(CHAPTER)) > 0


def test_a_ledger_that_is_looked_through_while_it_grows_is_whole() -> None:
    """Somebody who appended meanwhile damaged nothing: it is looked through once more."""
    shelf = Watched(MemoryShelf())
    record_entries(_store(shelf), 11)
    shelf.listed = lambda: record_entries(_store(shelf), 12, first=12)
    verdict = verify(_store(shelf).links())
    assert (verdict.broken, verdict.sound) == (None, 12)
