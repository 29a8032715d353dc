"""What only the Git store has to show: refs, commits, clones, and remotes that misbehave."""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError, Locked
from orchestrator.ledger.entry import Entry, Kind
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.presence import surely_dead, this_process
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.plans.plan import Revision
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from tests.git import commit_file, git, make_clone, make_remote, make_repository
from tests.ledger.builders import OWNER, entry, holder, owned, run
from tests.ledger.conftest import DEAD, is_dead, open_store

LEDGER = "refs/orchestrator/shop/production"
LOCK = "refs/orchestrator-lock/shop/production"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a repository without a remote."""
    return make_repository(tmp_path / "shop")


@pytest.fixture
def remote(shop: Path, tmp_path: Path) -> Path:
    """Return the bare repository that is the shop's origin."""
    return make_remote(tmp_path / "remote.git", of=shop)


def test_git_log_is_the_audit_trail(shop: Path) -> None:
    """Each entry is a commit: its subject the audit sentence, its author who ran it, at that time."""
    _record(open_store(shop, remote=None), 2)
    trail = git(shop, "log", "--format=%an <%ae> %ad | %s", "--date=iso-strict", LEDGER)
    assert trail.splitlines()[:2] == [
        "Ada Lovelace <ada@example.org> 2025-03-14T12:02:00+00:00 | apply shop/production: entry 2",
        "Ada Lovelace <ada@example.org> 2025-03-14T12:01:00+00:00 | apply shop/production: entry 1",
    ]
    assert git(shop, "ls-tree", "--name-only", LEDGER).split() == ["entry.json", "state.json"]


def test_an_entry_follows_the_one_before_and_the_applied_revision(shop: Path) -> None:
    """The parents are the previous entry and the revision that was applied."""
    first = git(shop, "rev-parse", "HEAD")
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    store.append(_entry(1, first), lock=lock)
    before = git(shop, "rev-parse", LEDGER)
    assert git(shop, "rev-parse", f"{LEDGER}^@") == first
    second = commit_file(shop, "a.txt", "a\n")
    store.append(_entry(2, second, Kind.FINISHED), lock=lock)
    assert git(shop, "rev-parse", f"{LEDGER}^@").split() == [before, second]
    assert [each.id for each in store.history(10)] == ["entry-2", "entry-1"]


def test_an_applied_revision_outlives_its_branch(shop: Path) -> None:
    """After the branch was rewritten and garbage collected, what was applied can still be read."""
    applied = commit_file(shop, "module.tf", "# applied\n")
    store = open_store(shop, remote=None)
    store.append(_entry(1, applied), lock=store.acquire(holder()))
    git(shop, "reset", "--quiet", "--hard", "HEAD~1")
    git(shop, "reflog", "expire", "--expire=now", "--all")
    git(shop, "gc", "--quiet", "--prune=now")
    repository = open_repository(shop)
    assert (repository.export(repository.revision(applied)) / "module.tf").is_file()


def test_the_checkout_does_not_notice(shop: Path) -> None:
    """Branches, tags, index and working tree are the user's: recording touches none of them."""
    seen = ("branch --all", "tag", "status --porcelain", "rev-parse HEAD", "stash list", "reflog")
    before = [git(shop, *each.split()) for each in seen]
    _record(open_store(shop, remote=None), 1)
    assert before == [git(shop, *each.split()) for each in seen]


def test_a_released_lock_leaves_no_ref(shop: Path, remote: Path) -> None:
    """Between runs there is the ledger alone, here and on the remote."""
    _record(open_store(shop), 1)
    for repository in (shop, remote):
        assert LOCK not in git(repository, "for-each-ref", "--format=%(refname)")
        assert LEDGER in git(repository, "for-each-ref", "--format=%(refname)")


def test_environments_keep_apart(shop: Path) -> None:
    """Each stack and environment has its ledger and its lock."""
    production = open_store(shop, remote=None)
    _record(production, 1, release=False)
    staging = GitStore(
        replace(OWNER, environment="staging"),
        open_repository(shop).plumbing(),
        remote=None,
        is_dead=is_dead,
    )
    assert staging.read().head == ""
    staging.acquire(holder("other"))


def test_every_append_moves_the_lock(shop: Path) -> None:
    """The lock is another commit after each entry, so that its lease is a part of every push."""
    store = open_store(shop, remote=None)
    lock = store.acquire(holder())
    seen = {git(shop, "rev-parse", LOCK)}
    for number in (1, 2):
        store.append(replace(entry(number), at=entry(1).at), lock=lock)
        seen.add(git(shop, "rev-parse", LOCK))
    assert len(seen) == 3


def test_hooks_of_the_user_do_not_run(shop: Path, remote: Path) -> None:
    """A pre-push hook that tests a branch for minutes has nothing to do with the ledger."""
    for name in ("pre-push", "reference-transaction", "post-commit"):
        hook = shop / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
    _record(open_store(shop), 1)
    assert git(remote, "log", "-1", "--format=%s", LEDGER) == "apply shop/production: entry 1"


def test_two_appliers_on_two_clones_never_both_win(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """Of writers that race for the lock one at a time holds it; every entry of each is in the end there."""
    clones = [make_clone(remote, tmp_path / f"clone-{number}") for number in range(2)]
    holding = threading.Semaphore(1)

    def writer(number: int) -> None:
        store = open_store(clones[number])
        for turn in range(3):
            lock = _acquire_patiently(store, f"writer-{number}-{turn}")
            assert holding.acquire(blocking=False), "two writers hold the lock"
            head = store.read().head
            follower = replace(entry(), id=f"{number}-{turn}", previous=head)
            assert store.append(follower, lock=lock).head == follower.id
            holding.release()
            store.release(lock)

    with ThreadPoolExecutor() as pool:
        list(pool.map(writer, range(2)))
    recorded = [each.id for each in open_store(shop).history(20)]
    assert sorted(recorded) == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]


def test_two_appliers_in_one_clone_never_both_win(shop: Path) -> None:
    """Without a remote the clone's own refs decide, in one transaction."""
    with ThreadPoolExecutor() as pool:
        won = list(pool.map(lambda number: _try_to_acquire(shop, f"writer-{number}"), range(6)))
    assert won.count(True) == 1


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
    _record(open_store(shop, remote=None), 2)
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
    _record(open_store(shop, remote=None), 2)
    _record(open_store(clone), 1, commit=git(clone, "rev-parse", "HEAD"))
    with pytest.raises(LedgerError, match="went separate ways") as refused:
        open_store(shop).read()
    command = refused.value.hint.rpartition(": ")[2]
    git(shop, *command.split()[1:])
    assert open_store(shop).read().head == "entry-1"


def test_a_clone_that_lagged_behind_catches_up(shop: Path, remote: Path, tmp_path: Path) -> None:
    """A clone that saw an older ledger reads the newest, and its own refs follow."""
    lagging = open_store(make_clone(remote, tmp_path / "clone"))
    _record(open_store(shop), 1)
    assert lagging.read().head == "entry-1"
    _record(open_store(shop), 3, first=2)
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
    with pytest.raises(LedgerError, match="moved on since this run read it"):
        store.append(entry(3), lock=lock)
    assert git(remote, "rev-parse", LEDGER) == before


def test_refs_with_longer_names_are_not_taken_for_ours(shop: Path, remote: Path) -> None:
    """A remote lists every ref whose name ends like the one that was asked for."""
    git(remote, "update-ref", f"refs/heads/{LEDGER}", "main")
    git(remote, "update-ref", f"refs/heads/{LOCK}", "main")
    store = open_store(shop)
    assert store.read().head == ""
    assert store.holder() is None


def test_an_interrupt_at_the_terminal_does_not_end_a_push(shop: Path, remote: Path) -> None:
    """The interrupt goes to every process of the terminal's group; what was done is recorded all the same."""
    ready, gate = remote / "ready", remote / "gate"
    os.mkfifo(ready)
    os.mkfifo(gate)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho >'{ready}'\ncat '{gate}'\n", encoding="utf-8")
    program = (
        "import signal, sys; from pathlib import Path\n"
        "from tests.ledger.builders import entry, holder\n"
        "from tests.ledger.conftest import open_store\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "lock = store.acquire(holder())\n"
        "Path(sys.argv[2]).chmod(0o755)\n"
        "store.append(entry(1), lock=lock)\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", program, str(shop), str(hook)),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    ) as process:
        with ready.open("r+b", buffering=0) as pipe:
            assert select.select([pipe], [], [], 30)[0], "the push did not arrive"
        os.killpg(process.pid, signal.SIGINT)
        gate.write_bytes(b"")
        assert process.wait(timeout=30) == 0
    assert open_store(shop).read().head == "entry-1"


@pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none", "--no-single-branch"])
def test_a_fresh_clone_of_a_pipeline_reads_and_writes(
    shop: Path, remote: Path, tmp_path: Path, option: str
) -> None:
    """A shallow clone has all that a run needs, without the history being fetched; history asks for it."""
    for number in range(3):
        commit_file(shop, "a.txt", f"{number}\n")
    git(shop, "push", "--quiet", "origin", "main")
    git(remote, "config", "uploadpack.allowFilter", "true")
    _record(open_store(shop), 3, commit=git(shop, "rev-parse", "HEAD"))
    clone = make_clone(remote, tmp_path / "clone", option)
    store = open_store(clone)
    assert store.read().head == "entry-3"
    _record(open_store(shop), 4, first=4, commit=git(shop, "rev-parse", "HEAD"))
    assert store.read().head == "entry-4"
    if option == "--depth=1":
        assert git(clone, "rev-list", "--first-parent", "--count", LEDGER) == "1"
    _record(store, 5, first=5, commit=git(clone, "rev-parse", "HEAD"))
    assert [each.id for each in store.history(9)] == [
        f"entry-{number}" for number in (5, 4, 3, 2, 1)
    ]
    _record(open_store(shop), 6, first=6)
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
    for step in (store.read, lambda: store.acquire(holder()), store.holder):
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
        with pytest.raises(LedgerError, match=r"does not answer: no answer within 0\.5 seconds"):
            store.read()


def test_a_ref_that_is_no_ledger_is_refused(shop: Path) -> None:
    """A ref of that name which somebody else made is not taken for an empty ledger."""
    git(shop, "update-ref", LEDGER, "HEAD")
    with pytest.raises(LedgerError, match=r"is no ledger: its commit holds no state\.json"):
        open_store(shop, remote=None).read()


def test_a_ref_in_the_way_is_named(shop: Path) -> None:
    """What keeps our refs from being made is told, not taken for another writer."""
    git(shop, "update-ref", "refs/orchestrator-lock/shop", "HEAD")
    with pytest.raises(LedgerError, match=r"git update-ref failed: .*refs/orchestrator-lock/shop"):
        open_store(shop, remote=None).acquire(holder())


def test_a_lock_file_of_a_crashed_git_is_named(shop: Path) -> None:
    """What a crash of the machine left in Git's way is told, since nothing removes it by itself."""
    stale = shop / ".git" / f"{LOCK}.lock"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with pytest.raises(LedgerError, match="cannot be moved: their lock files are held") as refused:
        open_store(shop, remote=None).acquire(holder())
    assert "remove their .lock files" in refused.value.hint
    stale.unlink()
    open_store(shop, remote=None).acquire(holder())


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with a remote"])
def test_a_run_killed_at_any_moment_leaves_a_ledger(
    shop: Path, remote: Path, *, shared: bool
) -> None:
    """Whenever a writer dies, what is recorded is whole, and the next run on the machine goes on from there."""
    chance = random.Random(7)
    name = "origin" if shared else None
    settings = Settings.read()
    for turn in range(4):
        with subprocess.Popen(
            (sys.executable, "-c", _WRITER, str(shop), name or ""),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(chance.randint(1, 3))]
            recorded = lines[-1].decode().strip()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(timeout=chance.random() / 10)
            writer.kill()
        store = GitStore(
            OWNER,
            open_repository(shop).plumbing(),
            remote=name,
            is_dead=lambda other: surely_dead(other, host=settings.host),
        )
        lock = store.acquire(this_process(settings, user="Grace", command=f"turn {turn}"))
        assert lock.succeeded is not None
        history = list(store.history(100))
        assert recorded in [each.id for each in history]
        assert fold_all(reversed(history)) == store.read()
        store.release(lock)
    for repository in (shop, remote):
        git(repository, "fsck", "--strict")


_WRITER = """
import sys; from dataclasses import replace; from pathlib import Path; from uuid import uuid4
from orchestrator.ledger.presence import this_process
from orchestrator.settings import Settings
from tests.ledger.builders import entry
from tests.ledger.conftest import open_store
store = open_store(Path(sys.argv[1]), remote=sys.argv[2] or None)
lock = store.acquire(this_process(Settings.read(), user="Ada", command="test"))
while True:
    following = replace(entry(), id=uuid4().hex, previous=store.read().head)
    print(store.append(following, lock=lock).head, flush=True)
"""


def test_without_an_identity_entries_are_recorded(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build machine whose Git knows no name records all the same: who is in the entry."""
    git(shop, "config", "user.useConfigOnly", "true")
    store = open_store(shop, remote=None)
    monkeypatch.setenv("EMAIL", "")
    nameless = replace(entry(), run=replace(run(), who="runner"))
    store.append(nameless, lock=store.acquire(holder()))
    assert git(shop, "log", "-1", "--format=%an|%ae|%cn", LEDGER) == "runner||runner"


def test_a_repository_with_longer_ids_works(tmp_path: Path) -> None:
    """SHA-256 repositories have ids of another length, and are repositories all the same."""
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "new")
    commit = commit_file(tmp_path / "new", "a.txt", "a\n")
    store = open_store(tmp_path / "new", remote=None)
    _record(store, 2, commit=commit)
    assert open_store(tmp_path / "new", remote=None).read().head == "entry-2"


def _record(
    store: Store, last: int, *, first: int = 1, commit: str = "", release: bool = True
) -> None:
    lock = store.acquire(holder(f"writer-{first}"))
    for number in range(first, last + 1):
        store.append(_entry(number, commit), lock=lock)
    if release:
        store.release(lock)


def _entry(number: int, commit: str, kind: Kind = Kind.STARTED) -> Entry:
    return entry(
        number,
        kind,
        of=run(revision=Revision(commit=commit)),
        message=f"apply shop/production: entry {number}",
    )


def _acquire_patiently(store: Store, name: str) -> Lock:
    for _ in range(500):
        try:
            return store.acquire(holder(name))
        except Locked:
            continue
    raise AssertionError("the lock was never free")


def _try_to_acquire(repository: Path, name: str) -> bool:
    try:
        open_store(repository, remote=None).acquire(holder(name))
    except Locked:
        return False
    return True
