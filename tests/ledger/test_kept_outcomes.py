"""Outcomes that could not be recorded when it was time: none is lost, whatever happened since."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError, LedgerLost
from orchestrator.ledger.entry import Entry, Kind, LedgerState
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.store import Store
from orchestrator.ledger.troubles import NotShared
from orchestrator.ledger.verification import verify
from orchestrator.plans.events import Outcome
from tests.git import git, make_clone
from tests.ledger.builders import entry, holder, owned, record, run
from tests.ledger.conftest import DEAD, open_store

LEDGER = "refs/orchestrator/shop/production"
LOCK = "refs/orchestrator-lock/shop/production"
SEEN = "refs/orchestrator-seen/shop/production"
ASIDE = "refs/orchestrator-aside/shop/production"


def left_by_a_crash(shop: Path, name: str) -> Path:
    """Leave a lock file of Git, as a crash does, and return it."""
    stale = shop / ".git" / f"{name}.lock"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.touch()
    return stale


@pytest.mark.parametrize("name", [LEDGER, LOCK, SEEN, "packed-refs"])
def test_nothing_is_begun_that_could_not_be_recorded(shop: Path, name: str) -> None:
    """A lock file that is in the way is found with the intent, and named with what to do about it."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder(DEAD))
    stale = left_by_a_crash(shop, name)
    with pytest.raises(LedgerError, match=f"the lock file {stale} is in the way") as refused:
        store.append(entry(1), lock=lock)
    assert f"rm {stale}" in refused.value.hint
    stale.unlink()
    assert store.read() == LedgerState()
    assert store.append(entry(1), lock=lock).head == "entry-1"


def test_nothing_is_pushed_that_this_clone_could_not_follow(shop: Path, remote: Path) -> None:
    """With a remote the same holds, before the remote hears of anything."""
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(LedgerError, match=f"the lock file {stale} is in the way"):
        open_store(shop).acquire(holder())
    stale.unlink()
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(LedgerError, match=f"the lock file {stale} is in the way"):
        store.append(entry(1), lock=lock)
    assert git(remote, "for-each-ref", LEDGER) == ""


def test_what_was_done_is_kept_where_git_cannot_move_the_ledger(shop: Path) -> None:
    """Outcomes that meet a lock file are kept, one after the other, and recorded by the next who takes the lock."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(NotShared, match="kept in this clone beside the ledger") as kept:
        store.append(entry(2, Kind.PROGRESSED, inventory=[owned("web")]), lock=lock)
    assert f"rm {stale}; the next run records it" in kept.value.hint
    with pytest.raises(NotShared) as last:
        store.append(entry(3, Kind.FINISHED), lock=lock, last=True)
    assert last.value.state.head == "entry-3"
    assert last.value.state.inventory == (owned("web"),)
    assert store.read().head == "entry-1"
    stale.unlink()
    again = open_store(shop, remote=None)
    assert again.sight().unsettled
    assert again.acquire(holder("next")).brought == (entry(2).message, entry(3).message)
    assert again.read() == last.value.state
    assert verify(again.links()).sound == 3
    assert not again.sight().unsettled
    assert git(shop, "for-each-ref", ASIDE) == ""


def test_a_run_records_what_it_could_not_a_moment_ago(shop: Path) -> None:
    """When the lock file is gone by then, the next entry of the same run takes along what was kept."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.PROGRESSED), lock=lock)
    stale.unlink()
    store.append(entry(3, Kind.FINISHED), lock=lock, last=True)
    assert [each.id for each in store.history(9)] == ["entry-3", "entry-2", "entry-1"]
    assert store.sight().hold is None


def test_a_run_goes_on_where_only_this_clone_is_stuck(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """What the remote took is recorded; that this clone could not follow keeps nothing from being done."""
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    stale = left_by_a_crash(shop, LEDGER)
    store.append(entry(2, Kind.PROGRESSED), lock=lock)
    store.append(entry(3, Kind.FINISHED), lock=lock, last=True)
    other = open_store(make_clone(remote, tmp_path / "other"))
    assert other.read().head == store.read().head == open_store(shop).read().head == "entry-3"
    assert other.sight().hold is None
    stale.unlink()
    follower = replace(entry(4), previous="entry-3")
    again = open_store(shop)
    assert again.append(follower, lock=again.acquire(holder("next"))).head == "entry-4"


def kept_while_others_went_on(keeper: Path, remote: Path, tmp_path: Path) -> tuple[Store, Store]:
    """Let a run end while its remote is away, and another clone apply before it is heard of; return both stores."""
    store = open_store(keeper)
    lock = store.acquire(holder(DEAD))
    begun = replace(entry(1), units=(record(outcome=Outcome.PLANNED),))
    store.append(begun, lock=lock)
    remote.rename(tmp_path / "gone")
    for kept in (
        entry(2, Kind.PROGRESSED, inventory=[owned("late", uid="u1")]),
        entry(3, Kind.FINISHED, units=[record(outcome=Outcome.FAILED)], outcome=Outcome.FAILED),
    ):
        with pytest.raises(NotShared):
            store.append(kept, lock=lock)
    (tmp_path / "gone").rename(remote)
    other = open_store(make_clone(remote, tmp_path / "other"))
    taken = other.acquire(holder("other"))
    for each in (entry(4), entry(5, Kind.FINISHED, units=[record()])):
        other.append(_of_another_run(each, other.read().head), lock=taken)
    other.release(taken)
    return open_store(keeper), other


def _of_another_run(each: Entry, after: str) -> Entry:
    return replace(each, previous=after, run=replace(run(), id="run-2"))


@pytest.mark.parametrize("depth", ["", "--depth=1"])
def test_an_outcome_that_others_outran_is_recorded_after_theirs(
    shop: Path, remote: Path, tmp_path: Path, depth: str
) -> None:
    """It was kept in one clone; when another has gone on from its beginning, it follows, and takes nothing back."""
    shop = make_clone(remote, tmp_path / "keeper", depth) if depth else shop
    store, other = kept_while_others_went_on(shop, remote, tmp_path)
    before = other.read()
    assert store.read() == before
    assert store.sight().unsettled
    waiting = git(shop, "rev-parse", ASIDE)
    lock = store.acquire(holder("next"))
    store.release(lock)
    assert store.read().head == "entry-3"  # though the look at the lock was a moment ago
    assert [each.endswith("(recorded late)") for each in lock.brought] == [True, True]
    assert [each.id for each in other.history(9)] == [
        f"entry-{number}" for number in (3, 2, 5, 4, 1)
    ]
    after = other.read()
    assert after.units == before.units
    assert after.inventory == (owned("late"),)
    assert after.open is None
    assert verify(other.links()).sound == 5
    assert git(shop, "for-each-ref", ASIDE) == ""
    git(shop, "update-ref", ASIDE, waiting)  # as if it had died before it forgot them
    assert open_store(shop).acquire(holder("third")).brought == ()


def test_what_waits_survives_a_remote_that_is_away_again(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """As long as it cannot be recorded it stays where it is, also when only a part of it could be."""
    store, other = kept_while_others_went_on(shop, remote, tmp_path)
    store.read()
    hook = remote / "hooks" / "update"
    hook.write_text(f"#!/bin/sh\n[ $1 != {LEDGER} ]\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(LedgerError, match="refused the push"):
        open_store(shop).acquire(holder("next"))
    assert other.sight().hold is None
    hook.unlink()
    assert len(open_store(shop).acquire(holder("third")).brought) == 2


def test_what_waits_follows_a_ledger_that_was_lost_and_repaired(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """What waits in a clone hinders nobody from repairing what the remote lost, and is recorded after that."""
    store, other = kept_while_others_went_on(shop, remote, tmp_path)
    assert store.read().head == "entry-5"
    git(remote, "update-ref", "-d", LEDGER)
    with pytest.raises(LedgerLost, match="is gone"):
        open_store(shop).read()
    repairing = open_store(shop)
    verdict = verify(repairing.links())

    lock = repairing.acquire(holder("repairer"))
    repairing.rewrite(
        [replace(entry(6, Kind.NOTED), run=replace(run(), id="run-3"))],
        lock=lock,
        base=verdict.state,
    )
    repairing.release(lock)

    assert lock.brought == ()
    assert other.read().head == "entry-6"
    assert len(open_store(shop).acquire(holder("next")).brought) == 2
    assert [each.id for each in other.history(4)] == [f"entry-{number}" for number in (3, 2, 6, 5)]


def test_what_waits_begins_no_ledger_in_the_place_of_one_that_is_gone(shop: Path) -> None:
    """Without a remote, too: the lock alone would have made it the first entry, and nobody missed what was there."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.PROGRESSED), lock=lock)
    stale.unlink()
    git(shop, "update-ref", "-d", LEDGER)
    with pytest.raises(NotShared):
        store.append(entry(3, Kind.FINISHED), lock=lock)

    again = open_store(shop, remote=None)
    taken = again.acquire(holder("repairer"))

    assert taken.brought == ()
    with pytest.raises(LedgerLost):
        open_store(shop, remote=None).read()
    base = verify(again.links()).state
    again.rewrite([replace(entry(9, Kind.NOTED), previous="entry-1")], lock=taken, base=base)
    again.release(taken)
    assert len(open_store(shop, remote=None).acquire(holder("next")).brought) == 2
    assert open_store(shop, remote=None).read().head == "entry-3"


def test_what_was_done_is_kept_where_the_remote_cannot_move_the_ledger(
    shop: Path, remote: Path
) -> None:
    """A lock file that a crash left there takes no outcome either."""
    store = open_store(shop)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    stale = remote / f"{LEDGER}.lock"
    stale.touch()
    with pytest.raises(NotShared, match=r"lock files are held; what was done is recorded in this"):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    stale.unlink()
    assert store.append(entry(2, Kind.FINISHED), lock=lock).head == "entry-2"


def test_what_waits_hinders_no_repair_of_a_ledger_that_cannot_be_read(shop: Path) -> None:
    """Whoever repairs it takes the lock; what waits follows when it is whole again."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    stale = left_by_a_crash(shop, LEDGER)
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    stale.unlink()
    whole = git(shop, "rev-parse", LEDGER)
    tree = git(shop, "mktree", stdin="")
    by_hand = git(shop, "commit-tree", tree, "-p", whole, "-m", "by hand")
    for ref in (LEDGER, SEEN):
        git(shop, "update-ref", ref, by_hand)

    again = open_store(shop, remote=None)
    taken = again.acquire(holder("repairer"))

    assert taken.brought == ()
    with pytest.raises(LedgerError, match="is no ledger"):
        again.read()
    again.release(taken)
    for ref in (LEDGER, SEEN):
        git(shop, "update-ref", ref, whole)
    assert len(open_store(shop, remote=None).acquire(holder("next")).brought) == 1


def test_who_was_abandoned_and_not_outrun_ends_as_it_did(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Where others only left a note, the run is still open, and its late outcome closes it."""
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    remote.rename(tmp_path / "gone")
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED, units=[record()]), lock=lock)
    (tmp_path / "gone").rename(remote)
    other = open_store(make_clone(remote, tmp_path / "other"))
    note = replace(entry(3, Kind.NOTED), previous="entry-1", run=replace(run(), id="run-2"))
    _noted(other, note)
    again = open_store(shop)
    again.acquire(holder("next"))
    state = again.read()
    assert (state.head, state.open) == ("entry-2", None)
    assert [each.outcome for each in state.units.values()] == [Outcome.APPLIED]


def _noted(store: Store, note: Entry) -> None:
    lock: Lock = store.acquire(holder("other"))
    store.append(note, lock=lock)
    store.release(lock)


def test_a_ledger_without_a_remote_that_is_gone_is_not_an_empty_one(shop: Path) -> None:
    """A second ref knows where it was: its deletion is told with the last entry, and repaired from there."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    for number in (1, 2):
        store.append(entry(number), lock=lock)
    store.release(lock)
    git(shop, "update-ref", "-d", LEDGER)
    fresh = open_store(shop, remote=None)
    with pytest.raises(LedgerLost, match=r"in this clone is gone: the last entry .* entry 2"):
        fresh.read()
    verdict = verify(fresh.links())
    assert (verdict.sound, verdict.broken) == (2, None)
    lock = fresh.acquire(holder("repairer"))
    fresh.rewrite([replace(entry(3, Kind.NOTED))], lock=lock, base=verdict.state)
    assert [each.id for each in open_store(shop, remote=None).history(9)] == [
        "entry-3",
        "entry-2",
        "entry-1",
    ]


def test_a_ledger_without_a_remote_that_was_cut_short_is_told(shop: Path) -> None:
    """A ref that was moved back is noticed as well, and the hint says how to go on with what is there."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    for number in (1, 2, 3):
        store.append(entry(number), lock=lock)
    store.release(lock)
    git(shop, "update-ref", LEDGER, f"{LEDGER}~1")
    with pytest.raises(LedgerLost, match="in this clone was cut short") as refused:
        open_store(shop, remote=None).read()
    held = open_store(shop, remote=None)
    lock = held.acquire(holder())  # whoever repairs it takes it too
    with pytest.raises(LedgerLost, match="in this clone was cut short"):
        held.read()
    held.release(lock)
    for command in refused.value.hint.rpartition(": ")[2].split(" && "):
        git(shop, *command.split()[1:])
    assert open_store(shop, remote=None).read().head == "entry-2"


def test_what_could_not_be_recorded_can_be_tried_again(shop: Path, remote: Path) -> None:
    """As often as the remote is away it is kept once, and says that it is; then it is there, and the lock is free."""
    store = open_store(shop)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    ended = entry(2, Kind.FINISHED, inventory=[owned("web")])
    gone = remote.rename(remote.with_name("gone"))
    with pytest.raises(NotShared, match="recorded in this clone alone") as kept:
        store.append(ended, lock=lock, last=True)
    with pytest.raises(NotShared) as again:
        store.append(ended, lock=lock, last=True)
    assert (again.value.away, again.value.state) == (True, kept.value.state)
    gone.rename(remote)
    assert store.append(ended, lock=lock, last=True) == kept.value.state
    other = open_store(make_clone(remote, shop.with_name("other")))
    assert [each.id for each in other.history(9)] == ["entry-2", "entry-1"]
    assert other.sight().hold is None
    assert not store.sight().unsettled
