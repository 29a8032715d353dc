"""The lease of a lock: waiting in line, holders that fall silent, and many writers at once."""

import dataclasses
import json
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.sandbox import Sandbox
from tests.end_to_end.commands import Running, eventually, held
from tests.end_to_end.ending_early.ledgers import InCluster, InDirectory, InGit, Ledger
from tests.end_to_end.ending_early.points import through
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, declare_held
from tests.git import git, make_clone, make_remote
from tests.workloads.servers.faults import faulty

pytestmark = pytest.mark.integration

QUICK = "6s"


@pytest.fixture
def ledger(request: pytest.FixtureRequest, world: World, folder: Path, tmp_path: Path) -> Ledger:
    """Commit a stack whose apply is held in the middle of Terraform's work, and return its ledger: as parametrized."""
    found: Ledger
    match request.param:
        case "directory":
            base = tmp_path / "ledgers"
            base.mkdir()
            declare_held(world, folder, ledger={"store": "directory", "path": str(base)})
            found = InDirectory(folder=base / world.name / "default")
        case "cluster":
            namespace = f"{world.name}-ledger"
            world.create_namespace(namespace)
            declare_held(world, folder, ledger={"store": "cluster", "namespace": namespace})
            found = InCluster(cluster=world.cluster, namespace=namespace, name=world.name)
        case _:
            declare_held(world, folder)
            found = InGit(root=tmp_path / "remote.git", name=world.name)
    return found


@pytest.fixture
def other(world: World, ledger: Ledger, tmp_path: Path) -> World:  # noqa: ARG001  it commits
    """Return a second clone."""
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    return dataclasses.replace(world, root=make_clone(remote, tmp_path / "clone"))


def test_those_who_wait_are_told_their_place(world: World, folder: Path) -> None:
    """They see who is at work and how many are before them; then each goes on from what the one before did."""
    declare_held(world, folder)
    first = world.start("apply", world.name, "--yes")
    held(folder)
    second = world.start("apply", world.name, "--yes", "--lock-timeout", "55s")
    waiting = eventually(lambda: _lock(world)["waiting"], "the second in line")
    # The line is one of seconds: who comes within the same one may stand before or behind.
    since = datetime.fromisoformat(waiting[0]["since"])
    eventually(lambda: datetime.now(UTC) - since >= timedelta(seconds=1), "another second")
    third = world.start("apply", world.name, "--yes", "--lock-timeout", "55s")
    lock = eventually(lambda: (found := _lock(world))["waiting"][1:] and found, "the third in line")
    told = world.run("lock", "status", world.name).stdout
    assert lock["holder"]["process"] == first.process.pid
    assert lock["holder"]["command"] == f"orchestrator apply {world.name} --env default"
    assert lock["lease"] == 300.0
    assert [each["process"] for each in lock["waiting"]] == [second.process.pid, third.process.pid]
    assert f"process {first.process.pid}" in told
    assert f"  2. Grace Hopper <grace@example.org> on {lock['holder']['host']} since" in told

    (folder / "go").touch()
    ended = [running.end() for running in (first, second, third)]

    assert [each.code for each in ended] == [0, 0, 0], "".join(each.said for each in ended)
    assert "number 1 in line: locked by Grace Hopper" in ended[1].stderr
    assert "number 2 in line: locked by Grace Hopper" in ended[2].stderr
    assert "Nothing to do" in ended[1].stdout
    assert "Nothing to do" in ended[2].stdout
    assert world.run("lock", "status", world.name).stdout == f"{world.name}/default is not locked\n"
    assert git(world.root, "for-each-ref", "refs/orchestrator-queue") == ""


def test_patience_ends(world: World, folder: Path) -> None:
    """Whoever waited in vain ends with 75, and so does a plan that was told to wait; both leave the line."""
    declare_held(world, folder)
    first = world.start("apply", world.name, "--yes")
    held(folder)

    for verb in (("apply", world.name, "--yes"), ("plan", world.name)):
        refused = world.run(*verb, "--lock-timeout", "1s")
        assert refused.code == 75, refused.said
        assert f"{world.name}/default is locked since" in refused.stderr
        assert ", still after 1s" in refused.stderr

    assert _lock(world)["waiting"] == []
    (folder / "go").touch()
    assert first.end().code == 0


@pytest.mark.parametrize(
    "ledger",
    ["remote", *(pytest.param(kept, marks=pytest.mark.soak) for kept in ("directory", "cluster"))],
    indirect=True,
)
def test_a_holder_that_is_paused_past_its_lease_stops(
    world: World, other: World, ledger: Ledger, folder: Path
) -> None:
    """Another takes the lock over by its silence; resumed, it records nothing, begins nothing more and says why."""
    paused = world.start("apply", world.name, "--yes", ORCHESTRATOR_LEASE=QUICK)
    held(folder)
    paused.signal(signal.SIGSTOP)
    next_ = other.start(
        "apply", other.name, "--yes", "--lock-timeout", "55s", ORCHESTRATOR_LEASE=QUICK
    )
    eventually(lambda: _holder(other) == next_.process.pid, "the lock to be taken over")
    (folder / "go").touch()
    applied = next_.end()
    assert applied.code == 0, applied.said
    assert "which gave no heartbeat for" in applied.stderr
    entries = ledger.records()

    paused.signal(signal.SIGCONT)
    resumed = paused.end()

    assert resumed.code == 1, resumed.said
    assert "stopping: the lease on" in resumed.stderr or "was taken away" in resumed.stderr
    assert "nothing more is done or recorded" in " ".join(resumed.said.split())
    assert "manifests.shop: applying" not in resumed.stderr
    assert ledger.records() == entries
    assert not ledger.locked()


def test_unlock_proves_the_holder_dead_by_its_silence(world: World, folder: Path) -> None:
    """One that gives heartbeats is refused; one that is watched for longer than its lease and gives none is not."""
    declare_held(world, folder)
    running = world.start("apply", world.name, "--yes", ORCHESTRATOR_LEASE=QUICK)
    held(folder)
    refused = world.run("unlock", world.name, ORCHESTRATOR_LEASE=QUICK)
    assert refused.code == 75, refused.said
    assert "its process runs on this machine" in refused.stderr
    running.signal(signal.SIGSTOP)

    unlocked = eventually(
        lambda: (
            (ended := world.run("unlock", world.name, ORCHESTRATOR_LEASE=QUICK)).code == 0 and ended
        ),
        "the lease to be over",
    )

    assert "which gave no heartbeat for" in unlocked.stdout
    assert "its lease is 6s" in unlocked.stdout
    running.signal(signal.SIGCONT)
    (folder / "go").touch()
    ended = running.end()
    assert ended.code == 1, ended.said
    assert not world.live()


def test_force_names_the_holder(world: World, folder: Path) -> None:
    """A lock is taken from a living holder only by its id; the holder stops, and Terraform gets its interrupt."""
    declare_held(world, folder)
    running = world.start("apply", world.name, "--yes", ORCHESTRATOR_LEASE=QUICK)
    held(folder)
    assert world.run("unlock", world.name, "--force", "somebody").code == 64

    unlocked = world.run("unlock", world.name, "--force", _lock(world)["holder"]["id"])

    assert unlocked.code == 0, unlocked.said
    ended = running.end()  # before it may go on: Terraform was interrupted
    assert ended.code == 1, ended.said
    assert "taken away from this run" in ended.stderr
    assert "stopped during apply" in ended.said
    assert not world.live()


@pytest.mark.timeout(300)
def test_eight_appliers_at_once(world: World, sandbox: Sandbox, tmp_path: Path) -> None:
    """On two clones: each revision is applied once, by one request, and the entries form one chain."""
    _counted_rounds(world, sandbox, tmp_path, 1)


@pytest.mark.soak
def test_eight_appliers_at_once_again_and_again(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The same for twenty revisions in a row."""
    _counted_rounds(world, sandbox, tmp_path, 20)


def _counted_rounds(world: World, sandbox: Sandbox, tmp_path: Path, rounds: int) -> None:
    """Live through rounds, and see at the API that nobody but who applied a revision changed anything."""
    with faulty(world.cluster, lambda _asked: None) as gateway:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(through(sandbox.kubeconfig, gateway.address))
        _rounds(world, kubeconfig, tmp_path, rounds)
    effects = [
        f"{asked.method} {asked.path}"
        for asked in gateway.asked
        if asked.method in {"PATCH", "POST", "PUT", "DELETE"}
        and "dryRun" not in asked.query
        and f"/namespaces/{world.name}/" in asked.path
    ]
    assert effects == [f"PATCH /api/v1/namespaces/{world.name}/configmaps/shop"] * rounds


def _rounds(world: World, kubeconfig: Path, tmp_path: Path, rounds: int) -> None:
    world.declare(
        {},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
        cluster={"kubeconfig": str(kubeconfig)},
    )
    world.manifests("shop.yaml", config_map("shop", {"round": "none"}))
    world.commit()
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    other = dataclasses.replace(world, root=make_clone(remote, tmp_path / "clone"))
    revisions = []
    for number in range(rounds):
        world.manifests("shop.yaml", config_map("shop", {"round": str(number)}))
        revisions.append(world.commit(f"Round {number}"))
        git(world.root, "push", "--quiet", "origin", "main")
        git(other.root, "pull", "--quiet", "origin", "main")
        with ThreadPoolExecutor(8) as pool:
            ended = list(pool.map(lambda clone: _patient(clone).end(), [world, other] * 4))
        assert [each.code for each in ended] == [0] * 8, "".join(each.said for each in ended)
        assert sum("Nothing to do" not in each.stdout for each in ended) == 1
        assert world.data("shop") == {"round": str(number)}
    entries = _entries(remote, world)
    assert Counter(
        each["run"]["revision"]["commit"] for each in entries if each["kind"] == "started"
    ) == Counter(revisions)
    assert [each["kind"] for each in entries] == ["started", "finished"] * rounds
    assert [each["previous"] for each in entries] == ["", *(each["id"] for each in entries[:-1])]


def _patient(world: World) -> Running:
    return world.start("apply", world.name, "--yes", "--lock-timeout", "10m")


def _entries(remote: Path, world: World) -> list[Any]:
    """Return the ledger's entries as Git has them, the first one first."""
    ref = f"refs/orchestrator/{world.name}/default"
    commits = git(remote, "log", "--first-parent", "--reverse", "--format=%H %s", ref).splitlines()
    ours = [line.partition(" ")[0] for line in commits if f" apply {world.name}/" in line]
    return [json.loads(git(remote, "show", f"{commit}:entry.json")) for commit in ours]


def _lock(world: World) -> Any:
    ended = world.run("lock", "status", world.name, "--output", "json")
    assert ended.code == 0, ended.said
    return ended.json


def _holder(world: World) -> Any:
    holder = _lock(world)["holder"]
    return holder["process"] if isinstance(holder, dict) else None
