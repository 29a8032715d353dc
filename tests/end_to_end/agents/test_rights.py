"""The rights that are printed, proven by an agent outside that runs as that account, on a real API server."""

import base64
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.agents.installing import install
from tests.end_to_end.agents.keeper import Keeper, told
from tests.end_to_end.agents.witness import Right, Witness, witness
from tests.end_to_end.commands import Ended, eventually
from tests.end_to_end.stacks import config_map, deployment, secret
from tests.end_to_end.world import World

pytestmark = pytest.mark.integration

_RBAC = "rbac.authorization.k8s.io"
_PASSED_ON = "endpoints"
_NEVER_READY = {"sandbox.orchestrator/fail": "CrashLoopBackOff"}


def _agents(world: World) -> str:
    """Return the agent's own namespace."""
    return f"{world.name}-agents"


def _declare(world: World) -> None:
    """Write a stack with something of each sort: below a namespace and beside, what runs, and what gives rights."""
    world.declare(
        None,
        {"shop": {"path": "shop", "namespace": world.name, "wait": {"timeout": "20s"}}},
        cluster={"context": "agent"},
        ledger={"store": "cluster", "namespace": world.name},
    )
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "hello"}))
    world.manifests("shop/more.yaml", config_map("spare"))
    world.manifests("shop/web.yaml", deployment("web"))
    beside = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": world.name},
        "value": 1,
    }
    rules = [{"apiGroups": [""], "resources": [_PASSED_ON], "verbs": ["get"]}]
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": rules,
    }
    world.manifests("shop/rest.yaml", beside, role)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installed:
    """What was printed and applied, and an agent that has no other rights."""

    keeper: Keeper
    documents: list[dict[str, Any]]
    seen: Witness

    @property
    def roles(self) -> list[dict[str, Any]]:
        """Return the Roles."""
        return [each for each in self.documents if each["kind"] in {"Role", "ClusterRole"}]

    @property
    def granted(self) -> set[Right]:
        """Return all that the agent is allowed, but for what it only passes on."""
        return {
            (role["metadata"].get("namespace", ""), rule["apiGroups"][0], resource, verb)
            for role in self.roles
            for rule in role["rules"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
            if resource != _PASSED_ON
        }


@pytest.fixture
def installed(keeper: Keeper, tmp_path: Path) -> Iterator[_Installed]:
    """Install what is printed, and have the agent run as its service account."""
    world = keeper.world
    with witness(world.cluster) as seen:
        config = tmp_path / "kubeconfig"
        world = replace(world, variables={**world.variables, "KUBECONFIG": str(config)})
        keeper.world = world
        _declare(world)
        keeper.push("Declare something of each sort")
        leader = {"namespace": _agents(world), "lease": "4s"}
        about = {"namespace": _agents(world), "object": f"Deployment/orchestrator-{world.name}"}
        usual = {
            "name": world.name,
            "leader": leader,
            "notifications": {"events": {"kind": "kubernetes", **about}},
        }
        keeper.tell(listen="0.0.0.0:8080", **usual)
        documents = _printed(keeper)
        keeper.tell(listen="127.0.0.1:0", **usual)
        for each in documents:
            install(world.cluster, each, dry_run=each["kind"] != "Namespace")
            install(world.cluster, each)
        config.write_text(_kubeconfig(world, seen.address))
        yield _Installed(keeper=keeper, documents=documents, seen=seen)


def _printed(keeper: Keeper) -> list[dict[str, Any]]:
    world = keeper.world
    file = str(keeper.home / "agent.yaml")
    arguments = ("--config", file, "--image", "orchestrator:test", "--namespace", _agents(world))
    # A ledger that is in the cluster is read for what the stack owns: here by whoever installs.
    admin = keeper.home / "admin"
    admin.write_text(
        _kubeconfig_of(
            world.cluster.token, f"https://{world.cluster.address}", world.cluster.authority
        )
    )
    printed = world.run("agent", "manifests", *arguments, KUBECONFIG=str(admin))
    assert printed.code == 0, printed.said
    documents = list(yaml.safe_load_all(printed.stdout))
    for each in documents:
        if each["kind"] == "Deployment":
            each["spec"]["replicas"] = 0  # the agent runs here
    return documents


def _kubeconfig(world: World, address: str, authority: str = "") -> str:
    """Return how the agent's service account reaches the API server, by a token that it was asked for."""
    name = f"orchestrator-{world.name}"
    path = f"/api/v1/namespaces/{_agents(world)}/serviceaccounts/{name}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return _kubeconfig_of(
        world.cluster.create(path, request)["status"]["token"], address, authority
    )


def _kubeconfig_of(token: str, address: str, authority: str = "") -> str:
    cluster = {"server": address}
    if authority:
        cluster["certificate-authority-data"] = base64.b64encode(authority.encode()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "agent",
        "clusters": [{"name": "agent", "cluster": cluster}],
        "users": [{"name": "agent", "user": {"token": token}}],
        "contexts": [{"name": "agent", "context": {"cluster": "agent", "user": "agent"}}],
    }
    return json.dumps(document)


def _text(world: World) -> str:
    return world.data("greeting")["text"] if world.exists("ConfigMap", "greeting") else ""


def _cycle(keeper: Keeper) -> list[Ended]:
    """Apply; bring back what others changed, and tell why something does not come up; prune."""
    world, shop = keeper.world, keeper.world.root / "stacks" / keeper.world.name / "shop"
    applied = keeper.once()
    if world.exists("ConfigMap", "greeting"):
        world.patch("ConfigMap", "greeting", {"data": {"text": "overwritten"}})
    world.manifests("shop/web.yaml", deployment("web", annotations=_NEVER_READY))
    keeper.push("Break the web")
    broken = keeper.once()
    for name in ("more", "rest", "web"):
        (shop / f"{name}.yaml").unlink()
    keeper.push("Prune")
    return [applied, broken, keeper.once()]


def _why(ended: Ended) -> str:
    return "".join(str(task.get("why", "")) for task in told(ended, "task ended"))


def _takes_part(keeper: Keeper) -> bool:
    """Whether an agent comes to have shards, renews its Lease, and is gone without a trace at its end."""
    running = keeper.start()
    lines = (line for line in running.process.stderr if '"shard' in line or '"replicas' in line)
    taken = "shard taken" in next(lines)
    eventually(lambda: not taken or _beats(keeper.world) > 1, "it to renew")
    running.signal(signal.SIGTERM)
    return running.end().code == 0 and taken and _beats(keeper.world) == 0


def _beats(world: World) -> int:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{_agents(world)}/leases"
    notes = (each["metadata"].get("annotations", {}) for each in world.cluster.get(path)["items"])
    return sum(int(each.get("agent.orchestrator/beat", 0)) for each in notes)


@pytest.mark.timeout(180)
def test_the_printed_rights_are_enough_and_each_is_used(installed: _Installed) -> None:
    """A whole cycle works with them alone, among replicas too, and there is no verb among them that nobody needs."""
    keeper, world = installed.keeper, installed.keeper.world
    applied, broken, pruned = _cycle(keeper)
    assert applied.code == 0, applied.said
    assert broken.code == 1, broken.said
    assert "CrashLoopBackOff" in _why(broken)
    assert pruned.code == 0, pruned.said
    assert _text(world) == "hello"
    assert world.live().keys() == {"greeting"}
    assert not world.exists("Deployment", "web")
    assert _takes_part(keeper)
    unused = installed.granted - installed.seen.used
    assert not unused, sorted(unused)


def _tenant(keeper: Keeper, tmp_path: Path) -> list[dict[str, Any]]:
    """Have the agent run as its own account, and the stack as that of a tenant; return what is printed for both."""
    world, config = keeper.world, tmp_path / "kubeconfig"
    world = replace(world, variables={**world.variables, "KUBECONFIG": str(config)})
    keeper.world = world
    shop = {"shop": {"path": "shop", "namespace": world.name}}
    world.declare(None, shop, cluster={"context": "agent"})
    keeper.push("Use what the agent has")
    usual = {
        "name": world.name,
        "leader": {"namespace": _agents(world)},
        "defaults": {"service_account": f"{world.name}/deployer"},
    }
    keeper.tell(listen="0.0.0.0:8080", **usual)
    documents = _printed(keeper)
    keeper.tell(listen="127.0.0.1:0", **usual)
    for each in documents:
        if each["kind"] != "RoleBinding" or each["subjects"][0]["name"] != "deployer":
            install(world.cluster, each)
    address, authority = f"https://{world.cluster.address}", world.cluster.authority
    config.write_text(_kubeconfig(world, address, authority))
    return documents


def test_a_tenant_has_what_is_printed_for_its_account_and_no_more(
    keeper: Keeper, tmp_path: Path
) -> None:
    """The agent may do nothing there but act as that account, which may do what the stack's kinds ask for."""
    documents = _tenant(keeper, tmp_path)
    world = keeper.world
    rules = {
        each["metadata"]["name"]: each["rules"]
        for each in documents
        if each["kind"] == "Role" and each["metadata"]["namespace"] == world.name
    }
    core, own = {"apiGroups": [""]}, f"orchestrator-{world.name}"
    acting = {"resources": ["serviceaccounts"], "resourceNames": ["deployer"]}
    verbs = ["create", "delete", "get", "list", "patch", "watch"]
    assert rules == {
        own: [{**core, **acting, "verbs": ["impersonate"]}],
        f"{own}-deployer": [{**core, "resources": ["configmaps"], "verbs": verbs}],
    }
    refused = keeper.once()
    assert refused.code == 1, refused.said
    user = f"system:serviceaccount:{world.name}:deployer"
    what = f"list configmaps in namespace {world.name}"
    assert _why(refused) == f"the user {user!r} is not allowed to {what}"
    (task,) = told(refused, "task ended")
    assert f"can-i list configmaps -n {world.name} --as {user} " in task["hint"]
    for each in documents:
        install(world.cluster, each)
    eventually(lambda: keeper.once().code == 0, "what failed to be tried again")
    assert _text(world) == "hello"
    world.manifests("shop/more.yaml", secret("key", {"value": "whisper"}))
    keeper.push("Want what nobody allowed")
    beyond = keeper.once()
    assert beyond.code == 1, beyond.said
    assert (
        _why(beyond)
        == f"the user {user!r} is not allowed to {what.replace('configmaps', 'secrets')}"
    )
    assert not world.exists("Secret", "key")


def _works(installed: _Installed) -> bool:
    applied, broken, pruned = _cycle(installed.keeper)
    codes = (applied.code, broken.code, pruned.code)
    return codes == (0, 1, 0) and "CrashLoopBackOff" in _why(broken)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_without_any_one_rule_something_fails(installed: _Installed) -> None:
    """Each rule is taken away once, and given back: without it the cycle, or taking part, is not what it was.

    But for those by which Events are told: without them the work goes on, and nobody is told.
    """
    keeper, world = installed.keeper, installed.keeper.world
    assert _works(installed)
    assert _takes_part(keeper)
    needless = []
    for role in installed.roles:
        for place, rule in enumerate(role["rules"]):
            own = role["metadata"].get("namespace") == _agents(world)
            if own and "leases" not in rule["resources"]:
                continue
            rest = [each for number, each in enumerate(role["rules"]) if number != place]
            _allow(world, role, rest, rule, allowed=False)
            _declare(world)
            keeper.push("Declare it again")
            fine = _works(installed)
            fine = fine and ("leases" not in rule["resources"] or _takes_part(keeper))
            needless += [rule] if fine else []
            _allow(world, role, role["rules"], rule, allowed=True)
            _declare(world)
            keeper.push("Declare it again")
            assert _works(installed), rule
    assert not needless


def _allow(
    world: World, role: dict[str, Any], rules: list[Any], about: dict[str, Any], *, allowed: bool
) -> None:
    """Give a role these rules, and wait until the server has heard."""
    install(world.cluster, {**role, "rules": rules})
    account = f"system:serviceaccount:{_agents(world)}:orchestrator-{world.name}"
    attributes = {
        "namespace": role["metadata"].get("namespace", ""),
        "group": about["apiGroups"][0],
        "resource": about["resources"][0],
        "verb": about["verbs"][0],
        "name": about.get("resourceNames", [""])[0],
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": account, "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    eventually(
        lambda: world.cluster.create(path, review)["status"]["allowed"] is allowed, "the rights"
    )
