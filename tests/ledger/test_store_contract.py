"""What every store does alike: the same suite over memory, a directory, a cluster, Git, and Git with a remote."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import LedgerError, Locked, LockLost
from orchestrator.ledger.entry import Kind, LedgerState
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.holder import Hold, Lock, Waiter
from orchestrator.ledger.store import Store
from orchestrator.ledger.verification import Verdict, verify
from orchestrator.plans.events import Outcome
from orchestrator.stack.model import UnitId
from tests.ledger.builders import NOON, deployment, entry, holder, owned, record
from tests.ledger.conftest import DEAD, Ledger


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    """Where nothing was recorded, nothing is known and nobody holds the lock."""
    store = ledger()
    assert store.read() == LedgerState()
    assert list(store.history(10)) == []
    assert store.sight().hold is None


def test_what_one_writer_records_every_other_reads(ledger: Ledger) -> None:
    """The state after an entry is what its writer is given, and what all others read."""
    writer, reader = ledger(), ledger()
    lock = writer.acquire(holder())
    writer.append(entry(1, inventory=[owned("web")]), lock=lock)
    after = writer.append(
        entry(2, Kind.FINISHED, units=[record()], inventory=[owned("web", uid="u1")]), lock=lock
    )
    assert after == reader.read() == writer.read()
    assert after.inventory == (owned("web", uid="u1"),)
    assert after.units[UnitId("modules.network")].outcome is Outcome.APPLIED


def test_history_is_newest_first_and_limited(ledger: Ledger) -> None:
    """History gives the entries as they were recorded, the last one first."""
    store = ledger()
    lock = store.acquire(holder())
    entries = [entry(1), entry(2, Kind.PROGRESSED, deleted=[deployment()]), entry(3, Kind.FINISHED)]
    for each in entries:
        store.append(each, lock=lock)
    assert list(ledger().history(10)) == entries[::-1]
    assert list(ledger().history(2)) == entries[:0:-1]


def test_a_started_run_stays_open_until_it_finished(ledger: Ledger) -> None:
    """The entry that started a run is in the state until the one that ends it."""
    store = ledger()
    lock = store.acquire(holder())
    started = replace(entry(1), units=(record(outcome=Outcome.PLANNED),))
    assert store.append(started, lock=lock).open == started
    assert store.append(entry(2, Kind.PROGRESSED), lock=lock).open == started
    assert store.append(entry(3, Kind.FINISHED), lock=lock).open is None


def test_a_ledger_that_moved_takes_no_more_entries(ledger: Ledger) -> None:
    """Whoever comes with an older stack file is told where it goes on; when it comes back it goes on here."""
    store = ledger()
    lock = store.acquire(holder())
    moved = replace(entry(1, Kind.NOTED), moved="the directory /srv/ledgers")
    state = store.append(moved, lock=lock)
    assert ledger().read() == state
    with pytest.raises(LedgerError, match="was moved to the directory /srv/ledgers, by Ada"):
        store.append(entry(2), lock=lock)
    back = store.rewrite([entry(2, Kind.NOTED)], lock=lock, base=state)
    assert back.moved is None
    other = ledger()
    assert other.read() == back
    assert other.rooted()
    assert store.append(entry(3), lock=lock).head == "entry-3"


def test_a_taken_lock_is_refused_by_name(ledger: Ledger) -> None:
    """Whoever comes second is told who holds the lock, since when, and how to get rid of it."""
    ledger().acquire(holder("first", user="Ada"))
    with pytest.raises(Locked) as refused:
        ledger().acquire(holder("second", user="Grace"))
    assert refused.value.message == (
        "shop/production is locked since 2025-03-14 12:00:00 UTC by Ada on build-7 "
        "(process 4711, orchestrator apply shop)"
    )
    assert "orchestrator unlock shop --env production" in refused.value.hint


def test_a_released_lock_can_be_taken(ledger: Ledger) -> None:
    """A lock that was given back is free for others."""
    first = ledger()
    first.release(first.acquire(holder("first")))
    second = ledger()
    assert second.acquire(holder("second")).holder.token == "second"
    held = first.sight().hold
    assert held is not None
    assert held.holder.token == "second"


def test_a_dead_holder_is_succeeded(ledger: Ledger) -> None:
    """A lock whose holder is dead for certain is taken over, and the new holder knows from whom."""
    gone = holder(DEAD)
    ledger().acquire(gone)
    lock = ledger().acquire(holder("next"))
    assert lock.succeeded is not None
    assert lock.succeeded.holder == gone


def test_a_writer_that_lost_its_lock_records_nothing(ledger: Ledger) -> None:
    """After the lock went to somebody else, an entry is refused and the ledger stays as it was."""
    slow, quick = ledger(), ledger()
    lock = slow.acquire(holder("slow"))
    slow.append(entry(1), lock=lock)
    assert quick.break_lock(lock.holder)
    quick.acquire(holder("quick", user="Grace"))
    with pytest.raises(LedgerError, match="taken away from this run: Grace on build-7"):
        slow.append(entry(2, Kind.FINISHED), lock=lock)
    assert quick.read().head == "entry-1"


def test_a_broken_lock_that_nobody_took_is_lost_too(ledger: Ledger) -> None:
    """Without a lock nothing is recorded, also when it is free."""
    store = ledger()
    lock = store.acquire(holder())
    assert ledger().break_lock(lock.holder)
    with pytest.raises(LedgerError, match="nobody has it now"):
        store.append(entry(1), lock=lock)


def test_only_the_expected_holder_is_broken(ledger: Ledger) -> None:
    """Breaking names the holder that was seen; another one keeps the lock."""
    ledger().acquire(holder("present"))
    assert not ledger().break_lock(holder("earlier"))
    with pytest.raises(Locked):
        ledger().acquire(holder("next"))


def test_releasing_a_lost_lock_leaves_the_new_holder_alone(ledger: Ledger) -> None:
    """A writer that gives back what it lost takes nothing from anybody."""
    slow, quick = ledger(), ledger()
    lock = slow.acquire(holder("slow"))
    quick.break_lock(lock.holder)
    quick.acquire(holder("quick"))
    slow.release(lock)
    held = ledger().sight().hold
    assert held is not None
    assert held.holder.token == "quick"


def test_an_entry_has_to_follow_the_last_one(ledger: Ledger) -> None:
    """An entry written against an older state is refused, and nothing is recorded."""
    store = ledger()
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    with pytest.raises(LedgerError, match="moved on since this run read it"):
        store.append(replace(entry(3), previous="entry-0"), lock=lock)
    assert store.read().head == "entry-1"


def test_writers_take_turns(ledger: Ledger) -> None:
    """Each of several writers finds what the others recorded before it."""
    for number, writer in enumerate([ledger(), ledger(), ledger()], start=1):
        lock = writer.acquire(holder(f"writer-{number}"))
        assert writer.append(entry(number), lock=lock).head == f"entry-{number}"
        writer.release(lock)
    assert [each.id for each in ledger().history(5)] == ["entry-3", "entry-2", "entry-1"]


def test_a_heartbeat_shows_to_everybody(ledger: Ledger) -> None:
    """Each beat, and each entry, is another mark; when it was is told by the holder's clock."""
    writer, watcher = ledger(), ledger()
    lock = writer.acquire(holder())
    first = _hold(watcher)
    assert first.beat == NOON
    writer.beat(lock, at=NOON + timedelta(minutes=1))
    second = _hold(watcher)
    writer.append(replace(entry(2), previous=""), lock=lock)
    third = _hold(watcher)
    writer.beat(lock, at=NOON + timedelta(minutes=2))
    assert [second.beat, third.beat] == [NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)]
    assert len({first.mark, second.mark, third.mark, _hold(watcher).mark}) == 4
    assert _hold(watcher).holder == holder()
    assert writer.append(replace(entry(3), previous="entry-2"), lock=lock).head == "entry-3"


def test_a_holder_that_lost_its_lock_gives_no_heartbeat(ledger: Ledger) -> None:
    """A beat moves the lock from where the holder left it, or not at all."""
    slow, quick = ledger(), ledger()
    lock = slow.acquire(holder("slow"))
    quick.break_lock(lock.holder)
    with pytest.raises(LockLost, match="nobody has it now"):
        slow.beat(lock, at=NOON)
    quick.acquire(holder("quick", user="Grace"))
    with pytest.raises(LockLost):
        slow.beat(lock, at=NOON)
    assert _hold(quick).holder.token == "quick"


def test_a_silent_holder_is_succeeded_by_its_mark(ledger: Ledger) -> None:
    """Who proved a holder dead by its silence takes the lock only if it stayed silent."""
    silent, next_ = ledger(), ledger()
    lock = silent.acquire(holder("silent"))
    seen = _hold(next_)
    silent.beat(lock, at=NOON)
    with pytest.raises(Locked):
        next_.acquire(holder("next"), over=seen.mark)
    assert not next_.break_lock(seen.holder, mark=seen.mark)
    seen = _hold(next_)
    assert next_.acquire(holder("next"), over=seen.mark).succeeded == seen
    with pytest.raises(LockLost):
        silent.append(entry(1), lock=lock)
    assert ledger().read() == LedgerState()
    silent.release(lock)
    assert _hold(ledger()).holder.token == "next"
    assert ledger().break_lock(holder("next"), mark=_hold(ledger()).mark)


def test_a_queue_is_in_the_order_of_coming(ledger: Ledger) -> None:
    """Everybody sees who waits, the first one first, and not who left, gave up long ago or died."""
    now = datetime.now(UTC).replace(microsecond=0)
    early, late = (
        _waiter(name, since=now + timedelta(seconds=number))
        for number, name in enumerate(["early", "late"])
    )
    stores = ledger(), ledger(), ledger()
    stores[0].line_up(late)
    stores[1].line_up(early)
    stores[2].line_up(_waiter("forgotten", since=now - timedelta(hours=1)))
    stores[2].line_up(_waiter(DEAD, since=now))
    seen = ledger().sight()
    assert seen.hold is None
    assert seen.waiting == (early, late)
    assert seen.ahead_of(late) == (early,)
    assert seen.ahead_of(early) == ()
    stores[1].leave(early)
    stores[1].leave(early)
    assert ledger().sight().waiting == (late,)
    assert ledger().acquire(holder("quick")).holder.token == "quick"


def test_eight_writers_at_once_make_one_chain(ledger: Ledger) -> None:
    """Of eight writers one at a time holds the lock, and what all of them record is one chain."""
    holding = threading.Semaphore(1)
    stores = [ledger() for _ in range(8)]

    def writer(number: int) -> None:
        store = stores[number]
        lock = _acquire_patiently(store, f"writer-{number}")
        assert holding.acquire(blocking=False), "two writers hold the lock"
        following = replace(entry(), id=f"entry-of-{number}", previous=store.read().head)
        assert store.append(following, lock=lock).head == following.id
        holding.release()
        store.release(lock)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(writer, range(8)))
    verdict = verify(ledger().links())
    assert verdict.broken is None
    assert sorted(each.id for each in verdict.entries) == [f"entry-of-{n}" for n in range(8)]
    assert verdict.state == ledger().read()


def test_what_was_done_is_known_when_its_answer_is_lost(forgetful: Store) -> None:
    """An answer that never comes neither makes a lock be given up nor an entry be recorded twice."""
    lock = forgetful.acquire(holder())
    assert forgetful.append(entry(1), lock=lock).head == "entry-1"
    forgetful.beat(lock, at=NOON)
    assert forgetful.append(entry(2, Kind.FINISHED), lock=lock).head == "entry-2"
    forgetful.release(lock)
    assert forgetful.sight().hold is None
    assert [each.id for each in forgetful.history(9)] == ["entry-2", "entry-1"]


def test_an_entry_that_was_recorded_is_not_recorded_again(ledger: Ledger) -> None:
    """Who does not know whether an entry was recorded may say it again."""
    store = ledger()
    lock = store.acquire(holder())
    assert store.append(entry(1), lock=lock) == store.append(entry(1), lock=lock)
    assert [each.id for each in store.history(9)] == ["entry-1"]


def test_the_last_entry_gives_the_lock_back(ledger: Ledger) -> None:
    """The lock is free with the entry that ends a run; giving it back once more takes nothing from the next."""
    first = ledger()
    lock = first.acquire(holder("first"))
    assert first.append(entry(1), lock=lock, last=True).head == "entry-1"
    next_ = ledger()
    assert next_.sight().hold is None
    next_.acquire(holder("next"))
    first.release(lock)
    assert _hold(next_).holder.token == "next"
    with pytest.raises(LockLost):
        first.append(entry(2), lock=lock)


def test_a_chain_holds_from_its_beginning(ledger: Ledger) -> None:
    """Each entry follows the one before and leads to the state beside it; each is found at a place of its own."""
    store = ledger()
    lock = store.acquire(holder())
    store.append(entry(1, inventory=[owned("web")]), lock=lock)
    after = store.append(entry(2, Kind.FINISHED, units=[record()]), lock=lock)
    links = [*ledger().links()]
    assert [link.entry and link.entry.id for link in links] == ["entry-1", "entry-2"]
    assert len({link.place for link in links}) == 2
    assert verify(links) == Verdict(
        entries=tuple(link.entry for link in links if link.entry), state=after, sound=2
    )


def test_many_entries_are_written_at_once(ledger: Ledger) -> None:
    """A whole ledger is taken over in one step, into one that is empty, and goes on from there."""
    entries = [entry(number) for number in range(1, 41)]
    writer = ledger()
    lock = writer.acquire(holder())
    state = writer.rewrite(entries, lock=lock, base=LedgerState())
    assert state == fold_all(entries) == ledger().read()
    assert writer.append(entry(41), lock=lock).head == "entry-41"
    assert verify(ledger().links()).sound == 41
    assert [each.id for each in ledger().history(3)] == ["entry-41", "entry-40", "entry-39"]


def test_a_ledger_is_taken_back_to_an_entry(ledger: Ledger) -> None:
    """What follows an entry is replaced, all or nothing, by whoever holds the lock."""
    writer = ledger()
    lock = writer.acquire(holder())
    states = [writer.append(entry(number), lock=lock) for number in range(1, 4)]
    other = replace(entry(2, Kind.NOTED), id="other-2")
    with pytest.raises(LedgerError, match="moved on since"):
        writer.rewrite([replace(other, previous="entry-9")], lock=lock, base=states[0])
    assert ledger().read() == states[2]
    after = writer.rewrite([other], lock=lock, base=states[0])
    assert [each.id for each in writer.history(9)] == ["other-2", "entry-1"]
    assert after == writer.read() == ledger().read()
    ledger().break_lock(lock.holder)
    with pytest.raises(LockLost):
        writer.rewrite([], lock=lock, base=LedgerState())
    assert ledger().read() == after


def _acquire_patiently(store: Store, name: str) -> Lock:
    pause = threading.Event()
    for _ in range(200):
        with suppress(Locked):
            return store.acquire(holder(name))
        pause.wait(0.2)
    raise AssertionError("the lock was never free")


def _hold(store: Store) -> Hold:
    found = store.sight().hold
    assert found is not None
    return found


def _waiter(name: str, *, since: datetime) -> Waiter:
    return Waiter(holder=replace(holder(name), since=since), patience=60.0)
