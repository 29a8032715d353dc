"""Runs are read as far as the question takes, and an entry is named as people see it."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.history.opening import Book, bare_session, read_files
from orchestrator.engine.history.reading import entries_to, found, read_history, read_run
from orchestrator.engine.session import Surroundings
from orchestrator.errors import UsageError
from orchestrator.ledger.entry import Entry
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.plans.events import Outcome
from orchestrator.plans.objects import Owner
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from tests.engine.history.past import Past
from tests.git import make_repository
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import is_dead

_RUNS = 50


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Return a ledger of as many runs, whose ids say their number."""
    past = Past()
    for _ in range(_RUNS):
        past.applied({"modules.base": Outcome.APPLIED})
    store = ChainStore(OWNER, MemoryShelf(), is_dead=is_dead)
    lock = store.acquire(holder())
    for told in past.entries:
        store.append(told, lock=lock)
    store.release(lock)
    return _book(tmp_path, store)


def _book(tmp_path: Path, store: Store) -> Book:
    around = Surroundings(
        settings=Settings.read(), directory=tmp_path, on_event=lambda _event: None
    )
    repository = open_repository(make_repository(tmp_path / "shop"))
    session = bare_session(around, repository, read_files(repository))
    owner = Owner(stack="shop", environment="production")
    stack = replace(session.stack, name=owner.stack, environment=owner.environment)
    return Book(
        session=replace(session, stack=stack), store=store, state=store.read(), declared=None
    )


def test_as_many_runs_as_are_wanted(book: Book) -> None:
    """Each whole, newest first; all of them when more are wanted than there are."""
    for limit, expected in ((1, 1), (7, 7), (_RUNS, _RUNS), (999, _RUNS)):
        runs = read_history(book, limit).runs
        assert len(runs) == expected
        assert {len(run.entries) for run in runs} == {2}
        assert runs[0].last.entry == f"entry-{2 * _RUNS}"


def test_a_run_is_found_by_any_of_its_entries(book: Book) -> None:
    """Also by its first one, and by one that is far back."""
    for number in (2 * _RUNS, 2 * _RUNS - 1, 1):
        detail = read_run(book, f"entry-{number}" if number > 1 else "entry-1")
        assert f"entry-{number}" in {line.entry for line in detail.run.entries}


def _entries(*ids: str) -> list[Entry]:
    return [replace(entry(), id=each) for each in ids]


def test_an_entry_is_named_by_how_its_id_begins() -> None:
    """In whatever case; by all of it, where another one begins with that."""
    entries = _entries("8c1e05f25f0a", "8c1e05f25f0a4a52", "77aa")
    assert found(entries, "77AA").id == "77aa"
    assert found(entries, "8c1e05f25f0a").id == "8c1e05f25f0a"
    assert found(entries, "8c1e05f25f0a4").id == "8c1e05f25f0a4a52"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("8c1e05", "2 entries begin with '8c1e05': 8c1e05f25f0a, 8c1e05f25f99"),
        ("dead", "there is no entry 'dead' in this ledger"),
        ("8c", "'8c' is too short"),
    ],
)
def test_a_name_that_is_not_plain_is_asked_back(wanted: str, message: str) -> None:
    """The message has enough of the ids to tell them apart."""
    with pytest.raises(UsageError, match=message):
        found(_entries("8c1e05f25f0a", "8c1e05f25f99"), wanted)


def test_a_short_name_is_looked_for_in_all_of_the_ledger(book: Book) -> None:
    """Another entry far back may begin so too; one as long as tables show it is found without."""
    with pytest.raises(UsageError, match="100 entries begin with 'entry-'"):
        entries_to(book, "entry-")
    named = f"{'e' * 10}-last"
    lock = book.store.acquire(holder("again"))
    book.store.append(replace(entry(2 * _RUNS + 1), id=named), lock=lock)

    entries, last = entries_to(book, named[:10])

    assert last.id == named
    assert len(entries) < _RUNS
