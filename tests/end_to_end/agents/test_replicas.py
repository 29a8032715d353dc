"""Several agents at one repository, on real Leases: they share the work, and one takes over from another that died."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent.decisions.agenda import Key
from orchestrator.agent.replicas.shards import SHARDS, shard_of
from orchestrator.sandbox import Sandbox
from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.agents.test_the_agent import NEVER_READY, tell
from tests.end_to_end.commands import Ended, eventually
from tests.end_to_end.stacks import config_map, deployment, documents, stack_file
from tests.end_to_end.world import World
from tests.forked.command import ORCHESTRATOR
from tests.git import git

pytestmark = pytest.mark.integration

_LABEL = "agent.orchestrator"


def _leases(world: World, kind: str = "shard") -> dict[str, str]:
    """Return who has which shard, or the Leases of the replicas themselves, as members."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{world.name}/leases"
    found = world.cluster.get(path)["items"]
    labelled = [(each["metadata"]["labels"], each["spec"]) for each in found]
    return {
        labels[f"{_LABEL}/{kind}"]: spec.get("holderIdentity", "")
        for labels, spec in labelled
        if f"{_LABEL}/{kind}" in labels
    }


def _even(world: World) -> bool:
    holders = list(_leases(world).values())
    return len(holders) == SHARDS and {holders.count(each) for each in holders} == {SHARDS // 2}


def _write(world: World, names: list[str], text: str) -> None:
    for name in names:
        folder = world.root / "stacks" / name
        folder.mkdir(parents=True, exist_ok=True)
        sets = {"texts": {"path": "texts.yaml", "namespace": world.name}}
        (folder / "stack.yaml").write_text(stack_file(name, manifests=sets))
        (folder / "texts.yaml").write_text(documents(config_map(name, {"text": text})))


def _texts(world: World, names: list[str]) -> set[str]:
    there = [world.data(name)["text"] for name in names if world.exists("ConfigMap", name)]
    return set(there) if len(there) == len(names) else set()


def _names(world: World) -> list[str]:
    """Return names of two stacks in the shards of each replica."""
    holders, found = _leases(world), dict[str, list[str]]()
    for number in range(100):
        name = f"{world.name}-{number}"
        shard = shard_of(Key(repository="shop", stack=name))
        found.setdefault(holders[str(shard)], []).append(name)
    return sorted(name for names in found.values() for name in names[:2])


def _replica(keeper: Keeper, home: Path, sandbox: Sandbox) -> Keeper:
    home.mkdir()
    replica = Keeper(world=keeper.world, remote=keeper.remote, home=home)
    leader = {
        "namespace": keeper.world.name,
        "kubeconfig": str(sandbox.kubeconfig),
        "lease": "8s",
    }
    (home / "secret").write_text("whisper\n")
    hook = {"kind": "github", "secret_file": "secret"}
    repository = {
        "poll": "1h",
        "webhook": hook,
    }  # what moves is told, or found out for another reason
    replica.tell(leader=leader, listen="127.0.0.1:0", repository=repository)
    return replica


def _worked_on(ended: Ended, revision: str) -> set[Any]:
    begun = [each for each in told(ended, "task started") if each["revision"] == revision[:10]]
    return {each["stack"] for each in begun if each["task"] == "reconcile"}


@pytest.mark.timeout(180)
def test_replicas_share_the_work_and_take_over_from_the_dead(
    keeper: Keeper, world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Each stack is applied once, by whoever has its shard; after a SIGKILL the other one has all of them.

    Of the first commit one is told, and tells the other; of the second nobody is, but who takes over asks Git first.
    """
    replicas = [_replica(keeper, tmp_path / name, sandbox) for name in ("a", "b")]
    running = [replica.start() for replica in replicas]
    port = json.loads(running[0].await_line('"agent listens"'))["port"]
    eventually(lambda: _even(world), "both to have their share")
    names = _names(world)
    _write(world, names, "one")
    first = keeper.push("Add stacks")
    assert tell(port, "whisper", "refs/heads/main") == 202
    eventually(lambda: _texts(world, names) == {"one"}, "all stacks")
    running[0].signal(signal.SIGKILL)
    _write(world, names, "two")
    second = keeper.push("Change the stacks")
    eventually(lambda: _texts(world, names) == {"two"}, "the other one to take over")
    eventually(lambda: len(set(_leases(world).values())) == 1, "it to have all shards")
    running[1].signal(signal.SIGTERM)
    dead, living = (each.end() for each in running)
    assert living.code == 0, living.said
    shares = [_worked_on(each, first) for each in (dead, living)]
    shares = [each & set(names) for each in shares]
    assert all(shares), "the work is shared"
    assert not shares[0] & shares[1], "a stack is one replica's business"
    assert _worked_on(living, second) >= set(names)
    for name in names:
        ref = f"refs/orchestrator/{name}/default"
        log = git(keeper.remote, "log", "--first-parent", "--format=%s", ref).splitlines()
        assert len([line for line in log if second[:10] in line]) == 2, "begun and ended, once"


def test_a_replica_that_cannot_go_on_ends(keeper: Keeper, world: World, sandbox: Sandbox) -> None:
    """Nobody takes its log any more: what it is at is ended and recorded, and its share is given back, at once."""
    world.manifests("shop/web.yaml", deployment("web", annotations=NEVER_READY))
    keeper.push("Break the web")
    keeper.tell(leader={"namespace": world.name, "kubeconfig": str(sandbox.kubeconfig)})
    agent = subprocess.Popen(
        (str(ORCHESTRATOR), "agent"),
        cwd=keeper.home,
        env={**world.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert agent.stderr
    try:
        eventually(lambda: world.exists("Deployment", "web"), "the rollout")
        assert len(_leases(world, "member")) == 1
        agent.stderr.close()
        keeper.push("Have it log something")
        assert agent.wait(30) == 1
    finally:
        agent.kill()
        agent.wait()
    assert keeper.ledger()[0].endswith("interrupted"), keeper.ledger()
    assert not keeper.locks()
    assert _leases(world, "member") == {}


def test_a_replica_that_cannot_ask_does_nothing(
    keeper: Keeper, world: World, tmp_path: Path
) -> None:
    """Who does not know what the others do looks at Git, and leaves the stacks alone."""
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(
        '{"apiVersion": "v1", "kind": "Config", "current-context": "a",'
        ' "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],'
        ' "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],'
        ' "users": [{"name": "a", "user": {"token": "none"}}]}'
    )
    keeper.tell(leader={"namespace": world.name, "kubeconfig": str(nowhere), "lease": "3s"})
    running = keeper.start()
    said = running.await_line('"replicas cannot be asked"')
    assert "127.0.0.1:1" in said
    running.await_line('"revision read"')
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert not [task for task in told(ended, "task started") if "stack" in task]
    assert keeper.ledger() == []
