"""Ledgers of single documents that somebody damaged: all of it is noticed, told with its place, and gone on from."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError, LedgerLost, LockLost, NewerFormat
from orchestrator.ledger.entry import Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.stores.chain import ChainStore
from orchestrator.ledger.stores.cluster import ClusterShelf
from orchestrator.ledger.stores.directory import DirectoryShelf
from orchestrator.ledger.stores.documents import (
    Head,
    Numbered,
    encode_head,
    encode_numbered,
    lenient_head,
    referred,
)
from orchestrator.ledger.stores.memory import MemoryShelf
from orchestrator.ledger.stores.shelf import Shelf
from orchestrator.ledger.troubles import LedgerReplaced, NotShared
from orchestrator.ledger.verification import Verdict, verify
from orchestrator.plans.plan import Revision
from tests.ledger.builders import OWNER, entry, holder, owned, run
from tests.ledger.conftest import aside_in, is_dead


@pytest.fixture
def store(shelf: Shelf, tmp_path: Path) -> ChainStore:
    """Return a ledger of four entries, with a memory of what was seen of it."""
    (tmp_path / "memory").mkdir()
    memory = DirectoryShelf(tmp_path / "memory", "seen")
    store = ChainStore(OWNER, shelf, is_dead=is_dead, memory=memory)
    lock = store.acquire(holder())
    for number in range(1, 5):
        store.append(entry(number, inventory=[owned(f"web-{number}")]), lock=lock)
    store.release(lock)
    return store


def change(shelf: Shelf, name: str, by: Callable[[bytes], bytes]) -> None:
    """Change a document behind everybody's back; what the server protects is made anew."""
    found = shelf.read(name)
    assert found is not None
    assert shelf.remove(name, over=found.version)
    assert shelf.write(name, by(found.content), over="")


def lose(shelf: Shelf, name: str) -> None:
    """Delete a document behind everybody's back."""
    found = shelf.read(name)
    assert found is not None
    assert shelf.remove(name, over=found.version)


def entries_of(shelf: Shelf) -> list[str]:
    """Return the names of the entries, oldest first."""
    return sorted(shelf.find("entry"))


def repaired(store: ChainStore) -> LedgerState:
    """Go on from what holds, as a repair does, and return the state then."""
    verdict = verify(store.links())
    lock = store.acquire(holder("repairer"))
    base = fold_all(verdict.entries[: verdict.sound])
    noted = entry(9, Kind.NOTED, of=run(operation=Operation.REPAIR))
    noted = replace(noted, previous=verdict.state.head)
    state = store.rewrite([*verdict.entries[verdict.sound :], noted], lock=lock, base=base)
    store.release(lock)
    assert verify(store.links()).broken is None
    assert store.read() == state
    return state


def test_a_changed_entry_is_found(store: ChainStore, shelf: Shelf) -> None:
    """An entry that says something else than it did has not the digest that the next one names."""
    second = entries_of(shelf)[1]
    change(shelf, second, lambda content: content.replace(b"web-2", b"web-9"))
    assert store.read().head == "entry-4"  # nothing of it is needed for the state
    verdict = verify(store.links())
    assert verdict.broken is not None
    assert verdict.broken.place == shelf.place(second)
    assert verdict.broken.why.startswith("was changed")
    assert verdict.sound == 1
    with pytest.raises(LedgerError, match=r"is damaged: .* was changed by other means"):
        list(store.history(9))
    assert [each.ref.name for each in repaired(store).inventory] == ["web-1"]


def test_a_missing_entry_is_found(store: ChainStore, shelf: Shelf) -> None:
    """What leads to an entry that is not there leads nowhere; what was before it holds."""
    third = entries_of(shelf)[2]
    lose(shelf, third)
    verdict = verify(store.links())
    assert verdict.broken is not None
    assert (verdict.broken.place, verdict.broken.why) == (shelf.place(third), "is missing")
    assert [each.id for each in verdict.entries] == ["entry-1", "entry-2"]
    assert len(repaired(store).inventory) == 2


@pytest.mark.usefixtures("store")
def test_a_state_that_is_not_what_the_entries_say_is_found(shelf: Shelf) -> None:
    """The state has a digest too; the entries tell what it has to be, and lose nothing by it."""
    (state,) = shelf.find("state")
    change(shelf, state, lambda content: content.replace(b"web-2", b"web-9"))
    fresh = ChainStore(OWNER, shelf, is_dead=is_dead)
    with pytest.raises(LedgerError, match=r"is damaged: .* was changed by other means") as refused:
        fresh.read()
    assert "orchestrator ledger repair shop --env production" in refused.value.hint
    verdict = verify(fresh.links())
    assert verdict.broken is not None
    assert (verdict.sound, len(verdict.entries)) == (3, 4)
    assert len(repaired(fresh).inventory) == 4


def test_a_ledger_that_is_gone_is_not_an_empty_one(store: ChainStore, shelf: Shelf) -> None:
    """Who saw entries is not told that nothing was ever applied; the entries that are left are found again."""
    lose(shelf, "head")
    with pytest.raises(LedgerLost, match="is gone: this clone saw 4 entries there") as refused:
        store.read()
    assert "put it back from a backup" in refused.value.hint
    assert verify(store.links()).sound == 4
    assert len(repaired(store).inventory) == 4


def test_a_ledger_that_was_put_back_is_noticed(store: ChainStore, shelf: Shelf) -> None:
    """An old head leads back to entries that hold, and is still not what was seen last."""
    found = shelf.read("head")
    assert found is not None
    lock = store.acquire(holder())
    store.append(entry(5), lock=lock)
    store.release(lock)
    change(shelf, "head", lambda _: found.content)
    with pytest.raises(LedgerLost, match="was cut short: this clone saw 5 entries there, and now"):
        store.read()
    assert verify(store.links()).sound == 5


@pytest.mark.usefixtures("store")
def test_an_older_head_is_found_by_what_follows(shelf: Shelf) -> None:
    """Also where nobody saw it; one entry after it is no proof, since its writer may have died before he named it."""
    fresh = ChainStore(OWNER, shelf, is_dead=is_dead)
    backups: list[dict[str, bytes]] = []
    lock = fresh.acquire(holder())
    for number in (5, 6):
        head = shelf.read("head")
        assert head is not None
        states = {name: each.content for name, each in shelf.find("state").items()}
        backups.append({**states, "head": head.content})
        fresh.append(entry(number, inventory=[owned(f"web-{number}")]), lock=lock)
    fresh.release(lock)

    def put_back(backup: dict[str, bytes]) -> Verdict:
        for name in ("head", *shelf.find("state")):
            lose(shelf, name)
        for name, content in backup.items():
            assert shelf.write(name, content, over="")
        return verify(fresh.links())

    assert put_back(backups[1]).broken is None
    verdict = put_back(backups[0])
    assert verdict.broken is not None
    assert verdict.broken.place == shelf.place("head")
    assert (verdict.sound, verdict.cut) == (6, False)
    assert len(repaired(fresh).inventory) == 6


def test_another_ledger_in_the_same_place_is_noticed(store: ChainStore, shelf: Shelf) -> None:
    """A ledger that is longer than the one that was seen has to lead back to it; a repair can only go on from it."""
    for name in ("head", *entries_of(shelf)):
        lose(shelf, name)
    other = ChainStore(OWNER, shelf, is_dead=is_dead)
    lock = other.acquire(holder())
    for number in range(1, 7):
        other.append(entry(number), lock=lock)
    told = "was replaced by another one: entry 4 is not the one"
    with pytest.raises(LedgerLost, match=told) as lost:
        store.read()
    assert not isinstance(lost.value, LedgerReplaced)
    assert other.read().head == "entry-6"


@pytest.mark.parametrize("entries", [2, 6])
def test_of_two_ledgers_in_a_place_one_is_set_aside(
    store: ChainStore, shelf: Shelf, entries: int
) -> None:
    """Their entries are both there: it is known what the one says that is not gone on with, which is the shorter."""
    change(shelf, "head", lambda _: encode_head(Head(mark="begun anew")))
    other = ChainStore(OWNER, shelf, is_dead=is_dead)
    lock = other.acquire(holder())
    for number in range(1, entries + 1):
        of = run(revision=Revision(commit="b" * 40))
        other.append(entry(number, of=of, inventory=[owned(f"b-{number}")]), lock=lock)
    other.release(lock)
    with pytest.raises(LedgerReplaced) as lost:
        store.read()
    assert lost.value.state is not None
    going_on = verify(store.links()).state
    told = {owned.ref.name for owned in lost.value.state.inventory}
    kept = {owned.ref.name for owned in going_on.inventory}
    ours, theirs = (
        {f"{name}-{number}" for number in range(1, count + 1)}
        for name, count in (("web", 4), ("b", entries))
    )
    assert (kept, told) == ((ours, theirs) if entries < 4 else (theirs, ours))


def test_a_repair_of_another_clone_is_told_with_how_to_accept_it(
    store: ChainStore, shelf: Shelf, tmp_path: Path
) -> None:
    """What took the place of what this clone saw says who repaired it, when, and how to go on with it."""
    lose(shelf, entries_of(shelf)[-1])
    other = ChainStore(OWNER, shelf, is_dead=is_dead)
    assert repaired(other).head == "entry-9"
    with pytest.raises(LedgerLost, match="entry 4 is not the one that this clone saw") as lost:
        store.read()
    seen = tmp_path / "memory" / "seen" / "seen.json"
    assert "; entry 4 is a repair by Ada Lovelace on 2025-03-14 12:09:00 UTC" in lost.value.hint
    assert lost.value.hint.endswith(f"go on with it here after rm {seen}")
    seen.unlink()
    assert store.read().head == "entry-9"


def test_a_head_that_cannot_be_read_is_damage(store: ChainStore, shelf: Shelf) -> None:
    """Nothing is concluded from a head that is none, and the entries stand for themselves."""
    change(shelf, "head", lambda _: b"{}")
    with pytest.raises(LedgerError, match="cannot be read"):
        store.read()
    assert verify(store.links()).sound == 4
    assert len(repaired(store).inventory) == 4


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("left", [None, b'{"format":2'], ids=["missing", "cut"])
def test_no_lock_makes_an_empty_ledger_of_a_lost_head(shelf: Shelf, left: bytes | None) -> None:
    """Also to a clone that saw nothing it is damage, before, under and after a lock; a repair has all entries."""
    lose(shelf, "head")
    assert left is None or shelf.write("head", left, over="")
    fresh = ChainStore(OWNER, shelf, is_dead=is_dead)
    before = verify(fresh.links())
    assert (before.sound, before.broken and before.broken.place) == (4, shelf.place("head"))
    lock = fresh.acquire(holder("first"))
    with pytest.raises(
        LedgerError, match=r"is damaged: .*head.* (is missing|cannot be read)"
    ) as told:
        fresh.append(replace(entry(1), previous=""), lock=lock)
    assert "orchestrator ledger repair shop --env production" in told.value.hint
    fresh.release(lock)
    with pytest.raises(LedgerError, match=re.escape(told.value.message)):
        fresh.read()
    assert verify(fresh.links()) == before
    assert repaired(fresh).inventory == before.state.inventory


def test_a_lost_head_is_kept_as_it_was_and_says_who_may_go_on() -> None:
    """Whatever bytes it has: whoever looks at it by hand finds them, and the second of two repairers is kept out."""
    shelf = MemoryShelf()
    store = ChainStore(OWNER, shelf, is_dead=is_dead)
    assert shelf.write("head", b'\xff{"format": 2', over="")
    slow = store.acquire(holder("slow"))
    assert store.break_lock(slow.holder)
    quick = store.acquire(holder("quick"))
    found = shelf.read("head")
    assert found is not None
    assert lenient_head(found.content).lost == b'\xff{"format": 2'
    with pytest.raises(LockLost):
        store.rewrite([entry(1, Kind.NOTED)], lock=slow, base=LedgerState())
    assert store.rewrite([entry(1, Kind.NOTED)], lock=quick, base=LedgerState()) == store.read()


def test_an_entry_that_nobody_named_yet_is_no_ledger(shelf: Shelf) -> None:
    """A first writer that died between entry and head recorded nothing, and nothing is damaged by it."""
    store = ChainStore(OWNER, shelf, is_dead=is_dead)
    lock = store.acquire(holder())
    assert shelf.write("entry-00000001-0123456789abcdef", b"half", over="")
    assert store.read() == LedgerState()
    assert store.append(entry(1), lock=lock).head == "entry-1"


def test_a_lock_that_cannot_be_read_is_named(store: ChainStore, shelf: Shelf) -> None:
    """Nobody can tell who holds it: it says where it is, and keeps nobody from reading."""
    if isinstance(shelf, ClusterShelf):
        return  # the server keeps a Lease, with the rest beside it
    assert shelf.write("lock", b"{}", over="")
    for ask in (store.sight, partial(store.acquire, holder())):
        with pytest.raises(LedgerError, match="cannot be read: ") as told:
            ask()
        assert shelf.place("lock") in told.value.message
        assert "delete it" in told.value.hint
    assert store.read().head == "entry-4"


def test_what_cannot_be_read_of_the_queue_and_the_memory_is_nothing(
    store: ChainStore, shelf: Shelf, tmp_path: Path
) -> None:
    """Neither decides anything: a waiter orders nobody, and a clone that forgot, which is told once, is a fresh one."""
    assert shelf.write("waiter-half", b"{", over="")
    assert store.sight().waiting == ()
    seen = tmp_path / "memory" / "seen" / "seen.json"
    kept, told = seen.read_bytes(), list[str]()
    seen.write_bytes(b"")
    memory = DirectoryShelf(tmp_path / "memory", "seen")
    for _ in range(2):
        fresh = ChainStore(OWNER, shelf, is_dead=is_dead, memory=memory, tell=told.append)
        assert fresh.read().head == "entry-4"
        assert fresh.read().head == "entry-4"
    assert seen.read_bytes() == kept
    assert len(told) == 1
    assert f"cannot be read ({seen}): whether entries were lost since cannot be told" in told[0]


def test_a_head_of_a_newer_version_is_not_touched(store: ChainStore, shelf: Shelf) -> None:
    """A newer format is no damage: it is neither half understood nor repaired away."""
    change(shelf, "head", newer)
    for ask in (store.read, store.links, partial(store.acquire, holder())):
        with pytest.raises(NewerFormat, match=r"newer orchestrator \(format 99") as refused:
            ask()
        assert "install the version" in refused.value.hint
    assert store.sight().hold is None


def test_an_entry_of_a_newer_version_is_not_touched(store: ChainStore, shelf: Shelf) -> None:
    """Also where only the last entry is newer, what is there is left alone."""
    found = shelf.read("head")
    assert found is not None
    head = lenient_head(found.content)
    following = Numbered(number=5, before=head.entry, entry=entry(5))
    content = newer(encode_numbered(following))
    last = referred("entry", 5, content)
    shelf.write(last.name, content, over="")
    named = replace(head, number=5, id="entry-5", entry=last)
    change(shelf, "head", lambda _: encode_head(named))
    with pytest.raises(NewerFormat):
        list(store.history(9))
    with pytest.raises(NewerFormat):
        verify(store.links())


def newer(content: bytes) -> bytes:
    """Return a document as a later version would write it."""
    lines = [{**json.loads(line), "format": 99} for line in content.splitlines()]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def test_what_a_crash_left_behind_is_in_nobodys_way(store: ChainStore, shelf: Shelf) -> None:
    """An entry that was written and never named by the head was never recorded."""
    (first, *_) = entries_of(shelf)
    found = shelf.read(first)
    assert found is not None
    assert shelf.write("entry-00000005-0123456789abcdef", found.content, over="")
    assert verify(store.links()).broken is None
    assert store.read().head == "entry-4"
    lock = store.acquire(holder())
    assert store.append(entry(5), lock=lock).head == "entry-5"
    assert verify(store.links()).sound == 5


def test_what_waits_is_recorded_after_a_repair(shelf: Shelf, shop: Path) -> None:
    """An outcome of a run whose ledger was lost under it is kept, hinders no repair, and begins no new ledger."""
    memory = MemoryShelf()
    store = ChainStore(OWNER, shelf, is_dead=is_dead, memory=memory, aside=aside_in(shop))
    lock = store.acquire(holder())
    for number in range(1, 5):
        store.append(entry(number), lock=lock)
    started = entry(5)
    store.append(started, lock=lock)
    lose(shelf, "head")
    with pytest.raises(NotShared, match=r"is gone: .*; what was done is kept in this clone"):
        store.append(entry(6, Kind.FINISHED), lock=lock)
    store.release(lock)

    state = repaired(store)

    assert state.open == started
    assert len(store.acquire(holder("next")).brought) == 1
    assert (store.read().head, store.read().open) == ("entry-6", None)
