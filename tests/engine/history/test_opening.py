"""A ledger is opened in whatever state the files are that it is about."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.engine.history.opening import Book, open_book
from orchestrator.engine.history.stacks import read_stacks
from orchestrator.engine.session import Surroundings
from orchestrator.errors import LedgerError, LedgerLost
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.plans.events import Event, Notice
from orchestrator.plans.objects import Owner
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_remote, make_repository
from tests.ledger.conftest import is_dead, open_store, record_entries

_STACK = "version: 1\nname: shop\nenvironments: {production: {}}\nmodules: {a: {source: ./a}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a repository with a stack, a remote, and a ledger of two entries in both."""
    repository = make_repository(tmp_path / "shop")
    commit_file(repository, "stack.yaml", _STACK)
    make_remote(tmp_path / "remote.git", of=repository)
    record_entries(open_store(repository), 2)
    return repository


def _opened(directory: Path, told: list[str] | None = None) -> Book:
    around = _surroundings(directory, _into(told if told is not None else []))
    return open_book(around, stack="shop", environment="production")


def _into(told: list[str]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)

    return listen


def _surroundings(
    directory: Path, listen: Callable[[Event], None] = lambda _event: None
) -> Surroundings:
    return Surroundings(settings=Settings.read(), directory=directory, on_event=listen)


def test_a_stack_that_can_be_read_tells_its_units(shop: Path) -> None:
    """Also one with mistakes: what it declares is what counts."""
    (shop / "stack.yaml").write_text(f"{_STACK}unknown: 1\n")
    assert _opened(shop).declared == ("modules.a",)


def test_a_stack_that_cannot_be_read_declares_nothing_that_is_known(shop: Path) -> None:
    """Nothing is called gone from Git on account of a slip in a file."""
    told: list[str] = []
    (shop / "stack.yaml").write_text("version: [")
    book = _opened(shop, told)
    assert (book.declared, book.vanished, book.state.head) == (None, False, "entry-2")
    assert told == ["stack.yaml cannot be read; the ledger can"]


def test_a_stack_that_is_gone_declares_nothing(shop: Path) -> None:
    """Git does tell: there is no such stack."""
    git(shop, "rm", "--quiet", "stack.yaml")
    book = _opened(shop)
    assert (book.declared, book.vanished, book.state.head) == ((), True, "entry-2")


def test_a_remote_that_is_away_is_told(shop: Path, tmp_path: Path) -> None:
    """What this clone has is read, and called that; a clone that has nothing is no ledger."""
    told: list[str] = []
    (tmp_path / "remote.git").rename(tmp_path / "gone")

    assert _opened(shop, told).state.head == "entry-2"

    assert len(told) == 1
    assert "what follows is what this clone has of the ledger" in told[0]
    git(shop, "update-ref", "-d", "refs/orchestrator/shop/production")
    with pytest.raises(LedgerError, match="does not answer"):
        _opened(shop)


def test_a_remote_that_lost_the_ledger_is_not_talked_over(shop: Path, tmp_path: Path) -> None:
    """It is no remote that is away: somebody has to look at it."""
    git(tmp_path / "remote.git", "update-ref", "-d", "refs/orchestrator/shop/production")
    with pytest.raises(LedgerLost):
        _opened(shop)


def test_ledgers_of_all_places_are_listed(shop: Path) -> None:
    """Those of the repository, and those of a stack that says itself where its ledger is."""
    base = shop / "ledgers"
    base.mkdir()
    commit_file(shop, ".gitignore", "/ledgers/\n")
    for stack, environment in (("blog", "default"), ("old", "default")):
        shelf = DirectoryShelf(base, f"{stack}/{environment}")
        owner = Owner(stack=stack, environment=environment)
        record_entries(ChainStore(owner, shelf, is_dead=is_dead), 1)
    commit_file(
        shop,
        "stacks/blog/stack.yaml",
        "version: 1\nname: blog\nledger: {store: directory, path: ledgers}\n",
    )
    around = _surroundings(shop)

    lines = read_stacks(around)

    assert {line.name: line.declared for line in lines} == {
        "blog/default": True,
        "old/default": False,
        "shop/production": True,
    }
    assert all(line.says != "not applied yet" for line in lines)


def test_a_ledger_that_is_damaged_hides_no_other(shop: Path) -> None:
    """It is listed as that, as one of a newer orchestrator is, never as one to begin, and told with what says more."""
    base = shop.parent / "kept"
    base.mkdir()
    for owner in (Owner(stack=name, environment="default") for name in ("headless", "whole")):
        shelf = DirectoryShelf(base, str(owner))
        record_entries(ChainStore(owner, shelf, is_dead=is_dead), 1)
    (base / "headless" / "default" / "head.json").unlink()
    commit_file(
        shop,
        "stacks/here/stack.yaml",
        f"version: 1\nname: here\nledger: {{store: directory, path: {base}}}\n",
    )
    trees = {"empty": ""}
    for name, state in (("odd", "{"), ("newer", '{"format":9}')):
        blob = git(shop, "hash-object", "-w", "--stdin", stdin=state)
        trees[name] = f"100644 blob {blob}\tstate.json\n"
    for name, tree in trees.items():
        by_hand = git(shop, "commit-tree", git(shop, "mktree", stdin=tree), "-m", "by hand")
        git(shop, "push", "--quiet", "origin", f"{by_hand}:refs/orchestrator/{name}/default")
    told: list[str] = []

    lines = read_stacks(_surroundings(shop, _into(told)))

    assert {line.name: line.says for line in lines} == {
        "empty/default": "its ledger cannot be read",
        "headless/default": "its ledger cannot be read",
        "here/default": "not applied yet",
        "newer/default": "its ledger cannot be read",
        "odd/default": "its ledger cannot be read",
        "shop/production": "unfinished",
        "whole/default": "unfinished",
    }
    assert [text.partition(": ")[0] for text in told] == [
        "the ledger of empty/default cannot be read",
        "the ledger of newer/default cannot be read",
        "the ledger of odd/default cannot be read",
        "the ledger of headless/default cannot be read",
    ]
