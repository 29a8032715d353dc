"""Ledgers that clones share: catching up, working on alone, and remotes that misbehave."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError, LedgerLost, NewerFormat
from orchestrator.ledger.entry import Kind
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.ledger.troubles import LedgerReplaced, NotShared
from orchestrator.ledger.verification import verify
from orchestrator.repository.repository import open_repository
from tests.git import commit_file, git, make_clone, make_remote
from tests.ledger.builders import NOON, OWNER, entry, holder, owned
from tests.ledger.conftest import DEAD, is_dead, open_store, record_entries

LEDGER = "refs/orchestrator/shop/production"
LOCK = "refs/orchestrator-lock/shop/production"


def test_an_outcome_that_cannot_be_pushed_is_kept(shop: Path, remote: Path, tmp_path: Path) -> None:
    """When the remote goes away in the middle, what was done is recorded here and brought there later."""
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1, inventory=[owned("web")]), lock=lock)
    remote.rename(tmp_path / "gone")
    with pytest.raises(LedgerError, match="recorded in this clone alone") as refused:
        store.append(entry(2, Kind.FINISHED), lock=lock)
    assert "the next run from this clone brings it there" in refused.value.hint
    (tmp_path / "gone").rename(remote)
    assert open_store(make_clone(remote, tmp_path / "other")).read().head == "entry-1"
    again = open_store(shop)
    assert again.read().head == "entry-2"
    again.append(entry(3), lock=again.acquire(holder("next")))
    assert open_store(make_clone(remote, tmp_path / "another")).read().head == "entry-3"
    assert [each.id for each in again.history(9)] == ["entry-3", "entry-2", "entry-1"]


def test_outcomes_that_cannot_be_pushed_follow_one_another(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """The error tells the state after the entry, so that the run's next one can be recorded here as well."""
    store = open_store(shop)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    remote.rename(tmp_path / "gone")
    with pytest.raises(NotShared) as first:
        store.append(entry(2, Kind.PROGRESSED), lock=lock)
    with pytest.raises(NotShared) as second:
        store.append(entry(3, Kind.FINISHED), lock=lock)
    assert (first.value.state.head, second.value.state.head) == ("entry-2", "entry-3")
    assert second.value.state.open is None


def test_what_was_kept_goes_with_the_lock(shop: Path, remote: Path, tmp_path: Path) -> None:
    """Taking it, a heartbeat and giving it back bring it there, without an entry of their own."""
    store, lock = _kept_alone(shop, remote, tmp_path)
    store.release(lock)
    other = open_store(make_clone(remote, tmp_path / "other"))
    assert other.read().head == "entry-2"
    assert other.sight().hold is None
    assert git(shop, "for-each-ref", "refs/orchestrator-lock") == ""
    assert store.append(entry(3), lock=store.acquire(holder("next"))).head == "entry-3"


def test_who_succeeds_a_dead_run_brings_what_it_kept(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Also when the successor has nothing to record."""
    _kept_alone(shop, remote, tmp_path)
    again = open_store(shop)
    again.release(again.acquire(holder("next")))
    assert open_store(make_clone(remote, tmp_path / "other")).read().head == "entry-2"


def _kept_alone(shop: Path, remote: Path, tmp_path: Path) -> tuple[Store, Lock]:
    """Record an entry on the remote and one, of a holder that counts as dead, here alone."""
    store = open_store(shop)
    lock = store.acquire(holder(DEAD))
    store.append(entry(1), lock=lock)
    remote.rename(tmp_path / "gone")
    with pytest.raises(NotShared):
        store.append(entry(2, Kind.FINISHED), lock=lock)
    (tmp_path / "gone").rename(remote)
    return store, lock


def test_an_intent_that_cannot_be_pushed_is_not_kept(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Without the remote nothing is begun, so that nothing is recorded either."""
    store = open_store(shop)
    lock = store.acquire(holder())
    remote.rename(tmp_path / "gone")
    with pytest.raises(LedgerError, match="the remote origin does not answer"):
        store.append(entry(1), lock=lock)
    (tmp_path / "gone").rename(remote)
    assert store.read().head == ""
    assert store.append(entry(1), lock=lock).head == "entry-1"


def test_a_ledger_from_before_the_remote_is_brought_there(shop: Path, tmp_path: Path) -> None:
    """What was recorded while there was no remote is not lost when one is added."""
    record_entries(open_store(shop, remote=None), 2)
    remote = make_remote(tmp_path / "remote.git", of=shop)
    store = open_store(shop)
    assert store.read().head == "entry-2"
    store.append(entry(3), lock=store.acquire(holder()))
    assert open_store(make_clone(remote, tmp_path / "clone")).read().head == "entry-3"


def test_ledgers_that_went_separate_ways_are_not_mixed(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """When this clone and the remote recorded different things, somebody has to decide; nothing is lost."""
    clone = make_clone(remote, tmp_path / "clone")
    record_entries(open_store(shop, remote=None), 2)
    record_entries(open_store(clone), 1, commit=git(clone, "rev-parse", "HEAD"))
    with pytest.raises(LedgerError, match="went separate ways") as refused:
        open_store(shop).read()
    command = refused.value.hint.rpartition(": ")[2]
    git(shop, *command.split()[1:])
    assert open_store(shop).read().head == "entry-1"


def test_a_clone_that_lagged_behind_catches_up(shop: Path, remote: Path, tmp_path: Path) -> None:
    """A clone that saw an older ledger reads the newest, and its own refs follow."""
    lagging = open_store(make_clone(remote, tmp_path / "clone"))
    record_entries(open_store(shop), 1)
    assert lagging.read().head == "entry-1"
    record_entries(open_store(shop), 3, first=2)
    assert lagging.read().head == "entry-3"
    assert git(tmp_path / "clone", "rev-parse", LEDGER) == git(remote, "rev-parse", LEDGER)


def test_a_ledger_that_was_put_back_stops_the_writer(shop: Path, remote: Path) -> None:
    """An entry moves the remote's ledger from where this writer knows it, or not at all."""
    store = open_store(shop)
    lock = store.acquire(holder())
    store.append(entry(1), lock=lock)
    before = git(remote, "rev-parse", LEDGER)
    store.append(entry(2), lock=lock)
    git(remote, "update-ref", LEDGER, before)
    with pytest.raises(LedgerError, match="was cut short: the last entry that this clone saw was"):
        store.append(entry(3), lock=lock)
    assert git(remote, "rev-parse", LEDGER) == before


def test_refs_with_longer_names_are_not_taken_for_ours(shop: Path, remote: Path) -> None:
    """A remote lists every ref whose name ends like the one that was asked for."""
    git(remote, "update-ref", f"refs/heads/{LEDGER}", "main")
    git(remote, "update-ref", f"refs/heads/{LOCK}", "main")
    store = open_store(shop)
    assert store.read().head == ""
    assert store.sight().hold is None


@pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none", "--no-single-branch"])
def test_a_fresh_clone_of_a_pipeline_reads_and_writes(
    shop: Path, remote: Path, tmp_path: Path, option: str
) -> None:
    """A shallow clone has all that a run needs, without the history being fetched; history asks for it."""
    for number in range(3):
        commit_file(shop, "a.txt", f"{number}\n")
    git(shop, "push", "--quiet", "origin", "main")
    git(remote, "config", "uploadpack.allowFilter", "true")
    record_entries(open_store(shop), 3, commit=git(shop, "rev-parse", "HEAD"))
    clone = make_clone(remote, tmp_path / "clone", option)
    store = open_store(clone)
    assert store.read().head == "entry-3"
    record_entries(open_store(shop), 4, first=4, commit=git(shop, "rev-parse", "HEAD"))
    assert store.read().head == "entry-4"
    if option == "--depth=1":
        # The entry before, too: it proves that the new one follows what was seen.
        assert git(clone, "rev-list", "--first-parent", "--count", LEDGER) == "2"
    record_entries(store, 5, first=5, commit=git(clone, "rev-parse", "HEAD"))
    assert [each.id for each in store.history(9)] == [
        f"entry-{number}" for number in (5, 4, 3, 2, 1)
    ]
    record_entries(open_store(shop), 6, first=6)
    assert store.read().head == "entry-6"
    assert open_store(shop).read().head == "entry-6"
    git(remote, "fsck", "--strict")


def test_a_remote_that_refuses_says_why(shop: Path, remote: Path) -> None:
    """A hook of the server that declines is quoted, with what to allow there or how to do without."""
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only branches here, please' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(LedgerError, match="refused the push: pre-receive hook declined") as refused:
        open_store(shop).acquire(holder())
    assert "only branches here, please" in refused.value.detail
    assert "refs/orchestrator/*" in refused.value.hint
    assert "ledger: {remote: false}" in refused.value.hint
    assert git(shop, "for-each-ref", "refs/orchestrator-lock") == ""


def test_a_remote_that_is_not_there_is_an_error(shop: Path) -> None:
    """Unreachable is not empty: without an answer nothing is read and nothing is begun."""
    git(shop, "remote", "add", "origin", "https://ada:s3cret-t0ken@127.0.0.1:1/shop.git")
    store = open_store(shop)
    for step in (store.read, lambda: store.acquire(holder()), store.sight):
        with pytest.raises(LedgerError, match="the remote origin does not answer") as refused:
            step()
        shown = f"{refused.value.message} {refused.value.hint} {refused.value.detail}"
        assert "s3cret-t0ken" not in shown
        assert "ada" not in shown


def test_a_remote_that_never_answers_is_given_up(shop: Path) -> None:
    """A connection that is accepted and then silent does not hold a run for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        git(shop, "remote", "add", "origin", f"git://127.0.0.1:{port}/shop.git")
        plumbing = open_repository(shop).plumbing(patience=0.5)
        store = GitStore(OWNER, plumbing, remote="origin", is_dead=is_dead)
        with pytest.raises(LedgerError, match=r"does not answer: no answer within [\d.]+ seconds"):
            store.read()


@pytest.mark.parametrize("depth", ["--depth=1", "--no-single-branch"])
def test_a_ledger_that_was_cut_short_is_put_back(
    shop: Path, remote: Path, tmp_path: Path, depth: str
) -> None:
    """A ref that was forced back says what was seen and what is there; a repair goes on from what this clone has."""
    record_entries(open_store(shop), 2)
    clone = make_clone(remote, tmp_path / "clone", depth)
    store = open_store(clone)
    record_entries(open_store(shop), 4, first=3)
    assert store.read().head == "entry-4"
    git(remote, "update-ref", LEDGER, f"{LEDGER}~2")
    with pytest.raises(LedgerLost, match=r"on origin was (cut short|replaced)") as refused:
        open_store(clone).read()
    assert "apply shop/production: entry 4" in refused.value.message
    assert "orchestrator ledger repair shop --env production" in refused.value.hint
    other = open_store(shop)
    with pytest.raises(LedgerLost, match="was cut short"):
        other.read()
    verdict = verify(other.links())
    assert (verdict.sound, verdict.broken) == (4, None)
    lock = other.acquire(holder("repairer"))
    noted = replace(entry(9, Kind.NOTED), previous="entry-4")
    other.rewrite([noted], lock=lock, base=verdict.state)
    other.append(replace(entry(10), previous="entry-9"), lock=lock, last=True)
    assert open_store(shop).read().head == "entry-10"
    assert open_store(clone).read().head == "entry-10"


def test_a_ledger_that_was_replaced_is_noticed(shop: Path, remote: Path, tmp_path: Path) -> None:
    """Another history on the same ref is not what was seen, however long it is; who means it forgets what was."""
    store = open_store(shop)
    record_entries(store, 2)
    git(remote, "update-ref", "-d", LEDGER)
    clone = make_clone(remote, tmp_path / "clone")
    record_entries(open_store(clone), 3, commit=git(clone, "rev-parse", "HEAD"))
    with pytest.raises(LedgerLost, match="was replaced by another one") as refused:
        store.read()
    assert isinstance(refused.value, LedgerReplaced)
    assert refused.value.state == open_store(clone).read()
    for command in refused.value.hint.rpartition(": ")[2].split(" && "):
        git(shop, *command.split()[1:])
    assert open_store(shop).read().head == "entry-3"


def test_what_a_repair_replaces_is_kept(shop: Path, remote: Path, tmp_path: Path) -> None:
    """Others went on from a ledger that was cut short: none of what they recorded is lost with the repair."""
    record_entries(open_store(shop), 2)
    clone = make_clone(remote, tmp_path / "clone", "--depth=1")
    store = open_store(clone)
    assert store.read().head == "entry-2"
    git(remote, "update-ref", "-d", LEDGER)
    other = make_clone(remote, tmp_path / "other")
    record_entries(open_store(other), 3, commit=git(other, "rev-parse", "HEAD"))
    theirs = git(remote, "rev-parse", LEDGER)

    verdict = verify(store.links())
    lock = store.acquire(holder("repairer"))
    noted = replace(entry(9, Kind.NOTED), previous="entry-2")
    store.rewrite([noted], lock=lock, base=verdict.state)

    kept = f"refs/orchestrator-replaced/shop/production/{theirs[:10]}"
    assert git(clone, "rev-parse", kept) == theirs
    assert len(git(clone, "log", "--first-parent", "--format=%H", "-3", kept).splitlines()) == 3
    assert open_store(shop).read().head == "entry-9"


def test_what_cannot_be_kept_is_not_replaced(shop: Path, remote: Path, tmp_path: Path) -> None:
    """A repair would lose what others recorded: it is refused before anything moves, and works once it is kept."""
    record_entries(open_store(shop), 2)
    store = open_store(clone := make_clone(remote, tmp_path / "clone"))
    assert store.read().head == "entry-2"
    git(remote, "update-ref", "-d", LEDGER)
    other = make_clone(remote, tmp_path / "other")
    record_entries(open_store(other), 3, commit=git(other, "rev-parse", "HEAD"))
    theirs = git(remote, "rev-parse", LEDGER)
    crashed = clone / f".git/refs/orchestrator-replaced/shop/production/{theirs[:10]}.lock"
    crashed.parent.mkdir(parents=True)
    crashed.touch()
    verdict = verify(store.links())
    lock = store.acquire(holder("repairer"))
    noted = replace(entry(9, Kind.NOTED), previous="entry-2")

    with pytest.raises(LedgerError, match=r"nothing is repaired: .* cannot be kept") as refused:
        store.rewrite([noted], lock=lock, base=verdict.state)

    assert git(remote, "rev-parse", LEDGER) == theirs
    assert git(clone, "rev-parse", LEDGER) == git(shop, "rev-parse", LEDGER)
    assert f"rm {crashed}" in refused.value.hint
    crashed.unlink()
    store.rewrite([noted], lock=lock, base=verdict.state)
    kept = f"refs/orchestrator-replaced/shop/production/{theirs[:10]}"
    assert git(clone, "rev-parse", kept) == theirs
    assert open_store(shop).read().head == "entry-9"


def test_a_ledger_that_a_newer_one_wrote_is_not_set_aside(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Nobody here knows what is in it: it is refused, and no repair takes its place."""
    record_entries(open_store(shop), 2)
    store = open_store(make_clone(remote, tmp_path / "clone"))
    assert store.read().head == "entry-2"
    git(remote, "update-ref", "-d", LEDGER)
    other = make_clone(remote, tmp_path / "other")
    record_entries(open_store(other), 3, commit=git(other, "rev-parse", "HEAD"))
    state = {**json.loads(git(other, "show", f"{LEDGER}:state.json")), "format": 99}
    blob = git(other, "hash-object", "-w", "--stdin", stdin=json.dumps(state))
    tree = git(other, "mktree", stdin=f"100644 blob {blob}\tstate.json\n")
    newer = git(other, "commit-tree", "-m", "Write it otherwise", tree)
    git(other, "push", "--quiet", "--force", "origin", f"{newer}:{LEDGER}")
    with pytest.raises(NewerFormat):
        store.read()


def test_damaged_entries_are_found_and_written_anew(shop: Path) -> None:
    """A commit that holds another state than its entries lead to is told by its id, and so is one that holds none."""
    store = open_store(shop, remote=None)
    record_entries(store, 4)
    plumbing = open_repository(shop).plumbing()
    forged = [f"{LEDGER}~{back}" for back in (1, 0)]
    parent = git(shop, "rev-parse", f"{LEDGER}~2")
    for number, name in enumerate(forged):
        files = {
            file: git(shop, "show", f"{name}:{file}").encode() + b"\n"
            for file in ("entry.json", "state.json")
        }
        if number == 0:
            files["state.json"] = files["state.json"].replace(b'"inventory":[]', _FORGED, 1)
        parent = plumbing.commit(files, parents=[parent], message="x", author="x", at=NOON)
    for ref in (LEDGER, "refs/orchestrator-seen/shop/production"):
        git(shop, "update-ref", ref, parent)
    verdict = verify(store.links())
    assert verdict.broken is not None
    assert verdict.broken.place == git(shop, "rev-parse", f"{LEDGER}~1")
    assert verdict.broken.why.endswith("the inventory differ")
    assert (verdict.sound, len(verdict.entries)) == (2, 4)
    lock = store.acquire(holder())
    base = fold_all(verdict.entries[:2])
    assert store.rewrite(verdict.entries[2:], lock=lock, base=base) == verdict.state
    assert verify(store.links()).broken is None
    assert (
        git(shop, "for-each-ref", "--format=%(objectname)", "refs/orchestrator-replaced") == parent
    )


def test_a_newer_entry_is_not_taken_for_damage(shop: Path) -> None:
    """Whatever a later version wrote, here it is refused, and left as it is."""
    store = open_store(shop, remote=None)
    record_entries(store, 1)
    files = {
        file: git(shop, "show", f"{LEDGER}:{file}").replace('"format":2', '"format":99').encode()
        for file in ("entry.json", "state.json")
    }
    plumbing = open_repository(shop).plumbing()
    parents = [git(shop, "rev-parse", LEDGER)]
    newer = plumbing.commit(files, parents=parents, message="x", author="x", at=NOON)
    git(shop, "update-ref", LEDGER, newer)
    for ask in (store.read, store.links):
        with pytest.raises(NewerFormat, match="newer orchestrator"):
            ask()
    assert git(shop, "rev-parse", LEDGER) == newer


_FORGED = (
    b'"inventory":[{"group":"","version":"v1","kind":"Secret","namespace":"shop","name":"x",'
    b'"unit":"manifests.shop","uid":"u","fingerprint":""}]'
)
