"""What every store does alike: the same suite over memory, Git, and Git with a remote."""

from dataclasses import replace

import pytest

from orchestrator.errors import LedgerError, Locked
from orchestrator.ledger.entry import Kind, LedgerState
from orchestrator.plans.events import Outcome
from orchestrator.stack.model import UnitId
from tests.ledger.builders import deployment, entry, holder, owned, record
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
