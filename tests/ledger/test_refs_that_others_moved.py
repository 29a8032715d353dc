"""Refs and commits that somebody else moved or took away meanwhile: no outcome is lost, no run stopped, for that."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.ledger.entry import Kind
from orchestrator.ledger.stores.marks import part
from orchestrator.ledger.troubles import NotShared
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository
from tests.git import git
from tests.ledger.builders import OWNER, entry, holder, run
from tests.ledger.conftest import DEAD, aside_in, open_store, record_entries
from tests.ledger.hindrances import moved_away, stuck

LEDGER = "refs/orchestrator/shop/production"


def test_what_waits_is_recorded_though_its_commit_is_gone(shop: Path) -> None:
    """A commit that was dropped and collected since is no parent of its entry; the entry names it all the same."""
    record_entries(open_store(shop, remote=None), 1)
    gone = Revision(commit="a" * 40)
    aside_in(shop).keep(entry(2, Kind.FINISHED, of=run(revision=gone)))
    store = open_store(shop, remote=None)

    assert store.acquire(holder("next")).brought == (entry(2).message,)

    assert next(store.history(1)).run.revision == gone
    assert not store.sight().unsettled


def test_what_neither_remote_nor_clone_takes_waits_aside(shop: Path, remote: Path) -> None:
    """Where the remote is away, and a lock file keeps this clone from going ahead of it, the outcome still waits."""
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    leave, come_back = moved_away(remote)
    jam, free = stuck(shop / ".git" / f"{LEDGER}.lock")
    leave()
    jam()
    with pytest.raises(NotShared, match="kept in this clone, apart from the ledger") as kept:
        store.append(entry(2, Kind.FINISHED), lock=lock, last=True)
    with pytest.raises(NotShared, match="kept in this clone, apart from the ledger") as again:
        store.append(entry(2, Kind.FINISHED), lock=lock, last=True)
    assert (kept.value.away, again.value.away) == (True, True)
    come_back()
    free()
    following = open_store(shop)
    assert following.acquire(holder("next")).brought == (entry(2).message,)
    assert following.read() == kept.value.state


def test_a_look_at_another_remote_takes_no_lock_away(shop: Path, remote: Path) -> None:
    """It makes this clone forget who has the lock; whoever has it asks before he believes that."""
    other = remote.with_name("upstream.git")
    git(shop, "init", "--quiet", "--bare", str(other))
    git(shop, "remote", "add", "upstream", other.as_uri())
    store = open_store(shop, remote="upstream")
    lock = store.acquire(holder())

    open_store(shop).read()
    store.beat(lock, at=holder().since)
    open_store(shop).read()
    assert store.append(entry(1), lock=lock).head == "entry-1"
    open_store(shop).read()
    store.release(lock)

    assert git(other, "for-each-ref", "--format=%(refname)") == LEDGER


def test_what_waits_is_recorded_after_its_remote_was_removed(shop: Path, remote: Path) -> None:  # noqa: ARG001
    """Where the ledger was seen on a remote that the repository has no more, it goes on in the clone."""
    record_entries(open_store(shop), 1)
    git(shop, "remote", "remove", "origin")
    aside_in(shop).keep(entry(2, Kind.FINISHED))
    store = open_store(shop, remote=None)

    assert store.rooted()
    assert store.acquire(holder("next")).brought == (entry(2).message,)


def test_what_a_ledger_took_along_when_it_moved_does_not_wait(shop: Path, remote: Path) -> None:  # noqa: ARG001
    """A clone that is ahead of a remote, and whose own ledger went on elsewhere with all that, has nothing to bring."""
    record_entries(open_store(shop), 1)
    repository = open_repository(shop).plumbing()
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(entry(2, Kind.FINISHED), lock=lock)
    before = git(shop, "rev-parse", LEDGER)
    store.append(replace(entry(3, Kind.NOTED), moved="elsewhere"), lock=lock)
    moved = git(shop, "rev-parse", LEDGER)

    part(repository, OWNER)
    assert (aside_in(shop).tip(), git(shop, "rev-parse", LEDGER)) == ("", moved)

    git(shop, "update-ref", LEDGER, before)
    part(repository, OWNER)
    assert [each.id for each in aside_in(shop).entries(aside_in(shop).tip())] == ["entry-2"]
