"""Leases: heartbeats while a run lasts, an end that nobody misses, and what proves that a holder is dead."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.errors import LedgerError, LockLost, UsageError
from orchestrator.ledger.holder import GRACE, Hold
from orchestrator.ledger.lease import LEASE_SECONDS, Lease, lease_of
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.watch import Watch
from orchestrator.processes import Stop
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from tests.git import git
from tests.ledger.builders import NOON, OWNER, entry, holder
from tests.ledger.conftest import Ledger, is_dead, open_store

LONG = 600.0


class Told:
    """What a lease told, and a wait for it."""

    def __init__(self) -> None:
        self.ends: list[LockLost] = []
        self.troubles: list[LedgerError] = []
        self.ended = threading.Event()
        self.troubled = threading.Event()

    def end(self, error: LockLost) -> None:
        """Note that it ended."""
        self.ends.append(error)
        self.ended.set()

    def trouble(self, error: LedgerError) -> None:
        """Note that heartbeats fail."""
        self.troubles.append(error)
        self.troubled.set()


def lease_on(store: Store, told: Told, *, length: float, name: str = "first") -> Lease:
    """Take the lock with a lease of that many seconds."""
    lock = store.acquire(replace(holder(name), lease=length))
    return Lease(store, lock, subject="shop/production", on_end=told.end, on_trouble=told.trouble)


def test_heartbeats_keep_a_lease(ledger: Ledger) -> None:
    """A holder that runs for longer than its lease keeps the lock, as others can see."""
    told, watcher = Told(), ledger()
    lease = lease_on(ledger(), told, length=3.0)
    marks: set[str] = set()
    began = clock.lasting()
    with lease.beating():
        while clock.lasting() < began + 5.0:
            hold = watcher.sight().hold
            assert hold is not None
            marks.add(hold.mark)
            told.ended.wait(0.1)
        assert lease.holds
        assert lease.append(entry(1)).head == "entry-1"
    assert len(marks) > 3
    assert told.ends == []


def test_entries_are_heartbeats(ledger: Ledger) -> None:
    """What records all the time needs no further beats: a run costs few pushes."""
    told, store = Told(), ledger()
    lease = lease_on(store, told, length=LONG)
    with lease.beating():
        lease.append(entry(1))
        recorded = store.sight().hold
        lease.append(entry(2))
        assert recorded is not None
    last = store.sight().hold
    assert last is not None
    assert last.beat == entry(2).at


def test_a_lock_that_was_taken_ends_the_lease_at_the_next_beat(ledger: Ledger) -> None:
    """The run is told who has it, and records nothing more."""
    told = Told()
    lease = lease_on(ledger(), told, length=2.5)
    with lease.beating():
        other = ledger()
        other.break_lock(lease.lock.holder)
        other.acquire(holder("quick", user="Grace"))
        assert told.ended.wait(60)
        assert not lease.holds
        with pytest.raises(LockLost, match="taken away from this run"):
            lease.append(entry(1))
    assert len(told.ends) == 1
    assert ledger().read().head == ""


def test_a_remote_that_is_down_for_a_while_ends_no_lease(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Beats that fail are told once and tried again; when the remote is back in time the run goes on."""
    told, store = Told(), open_store(shop)
    lease = lease_on(store, told, length=20.0)
    with lease.beating():
        remote.rename(tmp_path / "away")
        assert told.troubled.wait(60)
        (tmp_path / "away").rename(remote)
        before = git(remote, "rev-parse", "refs/orchestrator-lock/shop/production")
        _eventually(
            lambda: git(remote, "rev-parse", "refs/orchestrator-lock/shop/production") != before
        )
        assert lease.holds
        assert lease.append(entry(1)).head == "entry-1"
    assert len(told.troubles) == 1
    assert told.ends == []


def test_a_remote_that_stays_away_ends_the_lease_in_time(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """When no beat arrived for a lease, others may have the lock: the run stops, and keeps nothing either."""
    told, store = Told(), open_store(shop)
    lease = lease_on(store, told, length=2.0)
    began = clock.lasting()
    with lease.beating():
        remote.rename(tmp_path / "away")
        assert told.ended.wait(60)
        assert clock.lasting() - began >= 1.0
        with pytest.raises(LockLost, match="the lease on shop/production is over"):
            lease.append(entry(1))
    (tmp_path / "away").rename(remote)
    assert store.read().head == ""


@pytest.mark.usefixtures("remote")
def test_a_remote_that_hangs_does_not_hide_the_end_of_a_lease(shop: Path) -> None:
    """While a heartbeat gets no answer, whatever looks at the request to stop sees that the lease is over."""
    told, stop = Told(), Stop()
    plumbing = open_repository(shop).plumbing(patience=3.0)
    store = GitStore(OWNER, plumbing, remote="origin", is_dead=is_dead)
    lease = lease_on(store, told, length=2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, stop.unless(lambda: lease.holds):
        git(shop, "remote", "set-url", "origin", f"git://127.0.0.1:{silent.getsockname()[1]}/shop")
        with lease.beating():
            assert not stop.requested
            _eventually(lambda: stop.requested)
            assert stop.requests == 1
            with pytest.raises(LockLost):
                lease.check()


@pytest.mark.usefixtures("remote")
def test_an_answer_that_got_lost_loses_no_lock(shop: Path) -> None:
    """A beat that the remote took, and whose answer never came, is found there by the next."""
    told, store = Told(), open_store(shop)
    lease = lease_on(store, told, length=LONG)
    lock = "refs/orchestrator-lock/shop/production"
    before = git(shop, "rev-parse", lock)
    store.beat(lease.lock, at=NOON + timedelta(minutes=1))
    git(shop, "update-ref", lock, before)
    store.beat(lease.lock, at=NOON + timedelta(minutes=2))
    git(shop, "update-ref", lock, before)
    assert lease.append(entry(1)).head == "entry-1"
    git(shop, "update-ref", lock, before)
    store.release(lease.lock)
    assert store.sight().hold is None


def test_silence_is_measured_by_the_watcher_alone() -> None:
    """Whatever moments the holder writes: only the same mark, seen for long enough, proves anything."""
    now = 1000.0
    watch = Watch(is_dead=lambda _: False, seconds=lambda: now)
    hold = Hold(holder=replace(holder(), lease=100.0), mark="a", beat=NOON - timedelta(days=400))
    assert watch.proof(hold) == ""
    now += 100 * GRACE - 1
    assert watch.proof(hold) == ""
    assert watch.remaining(hold) == 1.0
    assert watch.proof(replace(hold, mark="b")) == ""
    now += 100 * GRACE
    proof = watch.proof(replace(hold, mark="b"))
    assert proof == "which gave no heartbeat for 2m5s; its lease is 1m40s"


def test_a_holder_without_heartbeats_is_never_proven_dead_by_silence() -> None:
    """An earlier version gave none: its silence means nothing."""
    now = 0.0
    watch = Watch(is_dead=lambda _: False, seconds=lambda: now)
    hold = Hold(holder=holder(), mark="a", beat=NOON)
    assert watch.proof(hold) == ""
    now += 1e9
    assert watch.proof(hold) == ""
    assert watch.remaining(hold) is None


def test_the_length_of_a_lease_is_a_setting() -> None:
    """It is a duration of at least a second."""
    settings = Settings.read()
    assert lease_of(replace(settings, lease="")) == LEASE_SECONDS
    assert lease_of(replace(settings, lease="90s")) == 90.0
    for wrong in ("soon", "0s", "100ms"):
        with pytest.raises(UsageError, match="ORCHESTRATOR_LEASE is"):
            lease_of(replace(settings, lease=wrong))


def _eventually(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(6000):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("waited in vain")
