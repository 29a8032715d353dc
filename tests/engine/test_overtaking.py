"""A newer revision in line ends the waiting for health, and says whose it is."""

from dataclasses import replace

import pytest

from orchestrator import clock
from orchestrator.engine.overtaking import Overtaken, stopping, watched
from orchestrator.ledger.holder import Waiter
from orchestrator.ledger.lease import Lease
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.processes import Stop
from tests.end_to_end.commands import eventually
from tests.ledger.builders import OWNER, holder

_PAUSE = 0.01


@pytest.fixture
def store() -> Store:
    """Return a ledger in memory."""
    return ChainStore(OWNER, MemoryShelf(), is_dead=lambda _: False)


def _lease(store: Store) -> Lease:
    lock = store.acquire(replace(holder("first"), lease=600.0))
    return Lease(
        store, lock, subject="shop/production", on_end=lambda _: None, on_trouble=lambda _: None
    )


def _waiter(name: str, overtakes: str, *, user: str = "Ada") -> Waiter:
    waiting = replace(holder(name, user=user), revision="3f2c1a9d4e5b6a79", since=clock.now())
    return Waiter(holder=waiting, patience=600.0, overtakes=overtakes)


def test_whoever_overtakes_this_holder_is_seen(store: Store) -> None:
    """It is told by its revision and its name, while the block lasts."""
    overtaken, lease = Overtaken(), _lease(store)

    with watched(lease, overtaken, pause=_PAUSE):
        assert overtaken.by == ""
        store.line_up(_waiter("second", "first"))
        eventually(lambda: overtaken.by, "the waiter to be seen")

    assert overtaken.by == "3f2c1a9d4e of Ada"
    assert "3f2c1a9d4e of Ada" in overtaken.error().message


def test_others_who_wait_end_nothing(store: Store) -> None:
    """Those with an older commit, and those who meant a holder before, wait their turn."""
    overtaken, lease = Overtaken(), _lease(store)
    store.line_up(_waiter("a", "", user="Ada"))
    store.line_up(_waiter("b", "somebody", user="Alan"))
    store.line_up(_waiter("c", "first", user="Grace"))

    with watched(lease, overtaken, pause=_PAUSE):
        eventually(lambda: overtaken.by, "the one who overtakes")

    assert overtaken.by == "3f2c1a9d4e of Grace"


@pytest.mark.parametrize(("asked", "newer"), [(True, False), (False, True), (False, False)])
def test_either_reason_stops_the_waiting(*, asked: bool, newer: bool) -> None:
    """What is waited for hears a request to stop as well as a newer revision; nothing else hears of that one."""
    stop, overtaken = Stop(), Overtaken()
    with stopping(stop, overtaken) as both:
        if asked:
            stop.request()
        if newer:
            overtaken.tell("3f2c1a9 of Ada")

        assert both.requested is (asked or newer)
        assert stop.requested is asked


def test_the_first_one_counts() -> None:
    """A run is overtaken once."""
    overtaken = Overtaken()

    overtaken.tell("3f2c1a9 of Ada")
    overtaken.tell("9c1d2e0 of Grace")

    assert overtaken.by == "3f2c1a9 of Ada"
