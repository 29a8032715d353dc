"""Writers that race, are interrupted, or die."""

import os
import random
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import LedgerError, Locked
from orchestrator.ledger.fold import fold_all
from orchestrator.ledger.holder import Lock
from orchestrator.ledger.presence import surely_dead, this_process
from orchestrator.ledger.store import Store
from orchestrator.ledger.stores.git import GitStore
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from tests.git import git, make_clone
from tests.ledger.builders import OWNER, entry, holder
from tests.ledger.conftest import open_store, record_entries


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
from tests.ledger.conftest import open_store, record_entries
store = open_store(Path(sys.argv[1]), remote=sys.argv[2] or None)
lock = store.acquire(this_process(Settings.read(), user="Ada", command="test"))
while True:
    following = replace(entry(), id=uuid4().hex, previous=store.read().head)
    print(store.append(following, lock=lock).head, flush=True)
"""


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


def test_a_remote_that_is_pushed_to_another_repository_is_named(
    shop: Path, remote: Path, tmp_path: Path
) -> None:
    """What is pushed never shows where it is fetched from: nothing is begun, and nothing stays there. One place is."""
    other = tmp_path / "other.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(remote), str(other))
    git(shop, "remote", "set-url", "--push", "origin", other.as_uri())
    with pytest.raises(LedgerError, match="does not arrive where it is fetched from") as refused:
        open_store(shop).acquire(holder())
    assert "two repositories, or one is a mirror" in refused.value.hint
    assert "refs/orchestrator" not in git(other, "for-each-ref")
    git(shop, "remote", "set-url", "--push", "origin", f"{remote.as_uri()}/")
    record_entries(open_store(shop), 1)
    assert "refs/orchestrator/" in git(remote, "for-each-ref")
