"""What every store does alike when its place takes nothing for a while: no outcome is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.troubles import NotShared
from orchestrator.ledger.verification import verify
from orchestrator.plans.events import Outcome
from tests.git import git
from tests.ledger.builders import OWNER, entry, holder, owned, record, run
from tests.ledger.conftest import DEAD, is_dead, open_store
from tests.ledger.hindrances import Hindered, Silent, stuck

FAILED = entry(3, Kind.FINISHED, units=[record(outcome=Outcome.FAILED)], outcome=Outcome.FAILED)

FAILED_AT_ONCE = replace(FAILED, id="entry-2", previous="entry-1")


def test_what_was_done_is_kept_and_recorded_by_the_next_run(hindered: Hindered) -> None:
    """Outcomes that the place does not take are kept in this clone, which says so, and records them first of all."""
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    with hindered.failing():
        with pytest.raises(NotShared, match=r"what was done is (kept|recorded) in this clone"):
            store.append(entry(2, Kind.PROGRESSED, inventory=[owned("web")]), lock=lock)
        with pytest.raises(NotShared, match="what was done is") as kept:
            store.append(FAILED, lock=lock, last=True)
    assert "the next run" in kept.value.hint
    again = hindered.open()
    assert again.sight().unsettled

    lock = again.acquire(holder("next"))

    assert again.read() == kept.value.state
    assert [each.attempts for each in again.read().bad.values()] == [1]
    assert verify(again.links()).sound == 3
    assert not again.sight().unsettled
    again.release(lock)
    assert hindered.open().acquire(holder("third")).brought == ()


def test_a_run_records_what_it_could_not_a_moment_ago(hindered: Hindered) -> None:
    """When the place takes something again, the next entry of the same run takes along what was kept."""
    store = hindered.open()
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    with hindered.failing(), pytest.raises(NotShared):
        store.append(entry(2, Kind.PROGRESSED), lock=lock)
    store.append(FAILED, lock=lock, last=True)
    assert [each.id for each in store.history(9)] == ["entry-3", "entry-2", "entry-1"]
    assert store.sight().hold is None
    assert not store.sight().unsettled


def test_what_is_kept_may_be_said_again(hindered: Hindered) -> None:
    """Whoever tries once more to record it keeps it no second time, and records it when the place is there."""
    store = hindered.open()
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    with hindered.failing():
        with pytest.raises(NotShared):
            store.append(FAILED_AT_ONCE, lock=lock, last=True)
        with pytest.raises(NotShared) as kept:
            store.append(FAILED_AT_ONCE, lock=lock, last=True)
    assert store.append(FAILED_AT_ONCE, lock=lock, last=True) == kept.value.state
    assert [each.id for each in store.history(9)] == ["entry-2", "entry-1"]
    store.release(lock)
    assert (store.sight().hold, store.sight().unsettled) == (None, False)
    assert [each.attempts for each in store.read().bad.values()] == [1]


def test_what_is_merely_meant_is_not_kept(hindered: Hindered) -> None:
    """Where the place does not take an intent nothing was done, and nobody hears of it later."""
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    with hindered.failing(), pytest.raises(LedgerError) as refused:
        store.append(entry(1), lock=lock)
    assert not isinstance(refused.value, NotShared)
    assert not hindered.open().sight().unsettled


def test_what_is_meant_after_something_that_waits_is_not_kept_either() -> None:
    """What follows a failure is not begun while the failure itself waits to be recorded."""
    shelf = Silent(MemoryShelf())
    store = ChainStore(OWNER, shelf, is_dead=is_dead, memory=MemoryShelf())
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    shelf.fall_silent()
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    with pytest.raises(LedgerError, match=r"does not answer$"):
        store.append(entry(3), lock=lock)
    shelf.answer()
    store.release(lock)
    assert store.acquire(holder("next")).brought == (entry(2).message,)


def test_what_others_outran_is_recorded_after_theirs(hindered: Hindered) -> None:
    """Where another clone went on meanwhile, what waits follows that as late, and takes nothing back."""
    if hindered.other is None:  # a ledger that is in one clone alone
        return
    store, other = hindered.open(), hindered.other()
    lock = store.acquire(holder(DEAD))
    begun = replace(entry(1), units=(record(outcome=Outcome.PLANNED),))
    store.append(begun, lock=lock)
    with hindered.failing():
        with pytest.raises(NotShared):
            store.append(entry(2, Kind.PROGRESSED, inventory=[owned("late", uid="u1")]), lock=lock)
        with pytest.raises(NotShared):
            store.append(FAILED, lock=lock)
    taken = other.acquire(holder("other"))
    for each in (entry(4), entry(5, Kind.FINISHED, units=[record()])):
        other.append(_of_another_run(each, other.read().head), lock=taken)
    other.release(taken)
    before = other.read()
    again = hindered.open()
    assert again.read() == before

    brought = again.acquire(holder("next")).brought

    assert [each.endswith("(recorded late)") for each in brought] == [True, True]
    after = other.read()
    assert [each.id for each in other.history(9)] == [f"entry-{n}" for n in (3, 2, 5, 4, 1)]
    assert (after.units, after.inventory, after.open) == (before.units, (owned("late"),), None)
    assert verify(other.links()).sound == 5


def _of_another_run(each: Entry, after: str) -> Entry:
    return replace(each, previous=after, run=replace(run(), id="run-2"))


def test_what_no_place_takes_is_told() -> None:
    """Where this clone cannot keep it either, that is what the error says."""
    shelf, memory = Silent(MemoryShelf()), Silent(MemoryShelf())
    store = ChainStore(OWNER, shelf, is_dead=is_dead, memory=memory)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    shelf.fall_silent()
    memory.fall_silent()
    with pytest.raises(LedgerError, match="what was done is recorded nowhere"):
        store.append(entry(2, Kind.FINISHED), lock=lock)


def test_what_no_ref_takes_is_told(shop: Path) -> None:
    """The same in Git, where even the ref for what waits cannot be moved."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    for name in ("orchestrator", "orchestrator-aside"):
        leave, _ = stuck(shop / ".git" / "refs" / name / f"{OWNER}.lock")
        leave()
    with pytest.raises(LedgerError, match="what was done is recorded nowhere"):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    assert git(shop, "for-each-ref", "refs/orchestrator-aside") == ""
