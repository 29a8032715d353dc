"""What every store does alike when its place takes nothing for a while: no outcome is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.troubles import NotShared
from orchestrator.ledger.verification import verify
from orchestrator.plans.events import Outcome
from tests.git import git
from tests.ledger.builders import OWNER, entry, holder, owned, record, run
from tests.ledger.conftest import DEAD, aside_in, is_dead, open_store
from tests.ledger.hindrances import Hindered, Silent, stuck

FAILED = entry(3, Kind.FINISHED, units=[record(outcome=Outcome.FAILED)], outcome=Outcome.FAILED)

ASIDE = f"refs/orchestrator-aside/{OWNER}"

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
    store.append(entry(1), lock=lock)
    with hindered.failing(), pytest.raises(LedgerError) as refused:
        store.append(entry(2, Kind.PROGRESSED), lock=lock, meant=True)
    assert not isinstance(refused.value, NotShared)
    assert store.append(entry(2, Kind.PROGRESSED), lock=lock).head == "entry-2"
    assert not hindered.open().sight().unsettled


def test_what_is_meant_after_something_that_waits_is_not_kept_either(hindered: Hindered) -> None:
    """What follows a failure is not begun while the failure itself waits to be recorded."""
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    with hindered.failing():
        with pytest.raises(NotShared):
            store.append(entry(2, Kind.FINISHED), lock=lock)
        with pytest.raises(LedgerError) as refused:
            store.append(entry(3), lock=lock)
    assert not isinstance(refused.value, NotShared)
    again = hindered.open()
    again.acquire(holder("next"))
    assert again.read().head == "entry-2"


def test_what_waits_and_cannot_be_read_is_named(hindered: Hindered) -> None:
    """Nothing is begun without it, and nothing else stands still; who gives it up goes on."""
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    with hindered.failing(), pytest.raises(NotShared):
        store.append(FAILED_AT_ONCE, lock=lock)
    if aside_in(hindered.clone).tip() == "":  # it is ahead of its remote
        return
    tree = git(hindered.clone, "mktree", stdin="")
    git(hindered.clone, "update-ref", ASIDE, git(hindered.clone, "commit-tree", tree, "-m", "x"))

    again = hindered.open()
    assert (again.sight().unsettled, again.read().head) == (True, "entry-1")
    with pytest.raises(LedgerError, match=f"cannot be read: {ASIDE}: .* no entry.json") as told:
        again.acquire(holder("next"))

    assert f"git update-ref -d {ASIDE}" in told.value.hint
    assert again.sight().hold in {None, store.sight().hold}
    git(hindered.clone, "update-ref", "-d", ASIDE)
    assert again.acquire(holder("next")).brought == ()


def test_what_is_kept_where_nothing_can_be_is_told(hindered: Hindered) -> None:
    """A ref that stands at what is not there takes nothing: no outcome is said to be kept then."""
    if hindered.other and isinstance(hindered.open(), GitStore):
        return  # it goes ahead of its remote
    broken = hindered.clone / ".git" / ASIDE
    broken.parent.mkdir(parents=True)
    broken.write_text(f"{'1' * 40}\n", encoding="utf-8")
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    with hindered.failing(), pytest.raises(LedgerError, match="is recorded nowhere") as told:
        store.append(FAILED_AT_ONCE, lock=lock)
    assert not isinstance(told.value, NotShared)


def test_what_waits_follows_the_ledger_to_another_place(hindered: Hindered) -> None:
    """It is brought neither to where the ledger ended nor to where none is yet, but to where it goes on."""
    store = hindered.open()
    lock = store.acquire(holder(DEAD))
    begun = entry(1)
    store.append(begun, lock=lock)
    with hindered.failing(), pytest.raises(NotShared):
        store.append(FAILED_AT_ONCE, lock=lock)
    if hindered.other is None or isinstance(store, GitStore):
        return  # nobody else can move it, or it is ahead of its remote until that is asked
    mover = hindered.other()
    taken = mover.acquire(holder("mover"))
    moved = replace(entry(3, Kind.NOTED), previous="entry-1", moved="elsewhere")
    moved = replace(moved, run=replace(run(), id="run-2", operation=Operation.MOVE))
    mover.append(moved, lock=taken, meant=True)
    mover.release(taken)

    again = hindered.open()
    assert again.acquire(holder("from an older file")).brought == ()
    elsewhere = ChainStore(OWNER, MemoryShelf(), is_dead=is_dead, aside=aside_in(hindered.clone))
    importer = elsewhere.acquire(holder("importer"))
    assert (importer.brought, elsewhere.read().head) == ((), "")
    noted = replace(entry(4, Kind.NOTED), run=replace(run(), id="run-3"))
    elsewhere.rewrite([begun, moved, noted], lock=importer, base=LedgerState())
    elsewhere.release(importer)

    assert len(elsewhere.acquire(holder("next")).brought) == 1
    assert [each.attempts for each in elsewhere.read().bad.values()] == [1]
    assert not again.sight().unsettled


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


def test_what_no_place_takes_is_told(shop: Path) -> None:
    """Where this clone cannot keep it either, that is what the error says."""
    shelf = Silent(MemoryShelf())
    store = ChainStore(OWNER, shelf, is_dead=is_dead, aside=aside_in(shop))
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    shelf.fall_silent()
    stuck(shop / ".git" / f"{ASIDE}.lock")[0]()
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
