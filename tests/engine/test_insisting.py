"""Recording once more where the place of the ledger is away: for as long as nobody is in a hurry."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.insisting import appended
from orchestrator.engine.session import Session, Surroundings, open_session
from orchestrator.ledger.entry import Kind
from orchestrator.ledger.lease import Lease
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.ledger.troubles import NotShared
from orchestrator.plans.events import Event, Notice
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from tests.git import commit_file, make_repository
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import aside_in, is_dead
from tests.ledger.hindrances import moved_away, stuck

STACK = "version: 1\nname: shop\nmodules: {a: {source: ./a}}\n"


@pytest.mark.parametrize("before", [0, 1, 2])
def test_who_asks_twice_to_stop_is_not_kept_waiting(tmp_path: Path, before: int) -> None:
    """Whenever the second time comes, also before there is anything to record: what was done waits in this clone."""
    root, lease = _begun(tmp_path, lease=600.0)
    stop, told = Stop(), list[str]()

    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)
            for _ in range(2 - before):
                stop.request()

    for _ in range(before):
        stop.request()
    session = _session(root, hear, stop)
    moved_away(tmp_path / "kept")[0]()

    with pytest.raises(NotShared):
        appended(session, lease, entry(2, Kind.FINISHED), last=True)

    assert [text.partition("; ")[2] for text in told] == (
        [] if before == 2 else ["trying for 1m to record what was done"]
    )


def test_what_nobody_can_keep_is_tried_for_all_the_longer(tmp_path: Path) -> None:
    """Where this clone takes nothing either, an outcome is lost unless its place comes back, as places do."""
    root, lease = _begun(tmp_path, lease=15.0)
    jam, _ = stuck(root / ".git" / "refs" / "orchestrator-aside" / f"{OWNER}.lock")
    leave, come_back = moved_away(tmp_path / "kept")
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.text)
            if len(told) == 1:
                come_back()

    session = _session(root, hear, Stop())
    leave()
    jam()
    assert appended(session, lease, entry(2, Kind.FINISHED), last=True).head == "entry-2"
    assert told[1:] == ["what was done is recorded now"]


def _begun(tmp_path: Path, *, lease: float) -> tuple[Path, Lease]:
    """Return a repository, and the lease of a run that has begun in it."""
    root = make_repository(tmp_path / "shop")
    commit_file(root, "stacks/shop/a/main.tf", "\n")
    commit_file(root, "stacks/shop/stack.yaml", STACK)
    (tmp_path / "kept").mkdir()
    shelf = DirectoryShelf(tmp_path / "kept", str(OWNER))
    store = ChainStore(OWNER, shelf, is_dead=is_dead, aside=aside_in(root))
    lock = store.acquire(replace(holder(), lease=lease))
    store.append(entry(1), lock=lock)
    return root, Lease(store, lock, subject=str(OWNER), on_end=_ignore, on_trouble=_ignore)


def _session(root: Path, hear: Callable[[Event], None], stop: Stop) -> Session:
    around = Surroundings(settings=Settings.read(), directory=root, on_event=hear, stop=stop)
    return open_session(around, stack="shop", environment=None)


def _ignore(_error: Exception) -> None:
    pass
