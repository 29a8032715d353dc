"""All that a soak needs, each of its own: a control plane, a Git server, states, the fleet and three replicas."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

from orchestrator.sandbox import Sandbox
from tests.end_to_end.agents.soak.fleet import Fleet, fleet_of
from tests.end_to_end.agents.soak.replicas import Replica
from tests.end_to_end.commands import eventually
from tests.end_to_end.control_planes import Component, api_of, control_plane
from tests.end_to_end.state_server import StateServer, serving_states
from tests.git import git
from tests.repository.git_server import serving
from tests.sandbox.client import Client, client_of

_HOOK = """#!/bin/sh
[ -e {refuse} ] || exit 0
while read -r _ _ ref; do
  case $ref in refs/orchestrator*) echo 'not today' >&2; exit 1;; esac
done
"""
_PASSWORD = "whisper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is: ``objects`` are those of each stack."""

    stacks: int
    objects: int
    modules: int


@dataclass(slots=True, kw_only=True)
class Git:
    """The server of the repository, which can be away, and can refuse what is no branch."""

    folder: Path
    port: int = 0
    _serving: ExitStack = field(default_factory=ExitStack)

    @property
    def refuse(self) -> Path:
        """Return the file while which is there it takes no ledger."""
        return self.folder / "refuse"

    def come(self) -> None:
        """Serve, where it was before."""
        server = serving(self.folder, user="agent", password=_PASSWORD, port=self.port)
        self.port = self._serving.enter_context(server).server_port

    def go(self) -> None:
        """Be away: nobody listens any more."""
        self._serving.close()


@dataclass(slots=True, kw_only=True)
class Scene:
    """What there is; ``told`` counts what was done to it."""

    size: Size
    sandbox: Sandbox
    cluster: Client
    api: Component
    git: Git
    states: StateServer
    fleet: Fleet
    replicas: list[Replica]
    told: dict[str, int] = field(default_factory=dict)

    @property
    def remote(self) -> Path:
        """Return the repository that is served."""
        return self.git.folder / "fleet.git"

    def live(self) -> dict[str, dict[str, str]]:
        """Return the objects that there are, by stack; raises OSError while the API server is away."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.fleet.stacks}
        for path, kind in (
            ("api/v1/configmaps", "ConfigMap"),
            ("apis/apps/v1/deployments", "Deployment"),
        ):
            for each in self.cluster.get(f"/{path}")["items"]:
                head = each["metadata"]
                if head["namespace"] in found and head["name"] != "kube-root-ca.crt":
                    found[head["namespace"]][f"{kind}/{head['name']}"] = _told_by(kind, each)
        return found

    def kept(self) -> dict[str, str]:
        """Return the text that the state of each stack's module has; the state itself has it, whoever looks."""
        found = {}
        for name in (name for name, meant in self.fleet.stacks.items() if meant.module):
            state = json.loads(self.states.states.get(f"/{name}/modules.echo", b"{}"))
            found[name] = state.get("outputs", {}).get("kept", {}).get("value", "")
        return found

    def astray(self) -> dict[str, set[tuple[str, str]]]:
        """Return what differs from what is meant, by stack."""
        live = self.live()
        return {
            name: wrong
            for name, meant in self.fleet.stacks.items()
            if (wrong := meant.live().items() ^ live[name].items())
        }

    def settled(self) -> bool:
        """Whether all is as it is meant to be, and nobody has a lock."""
        try:
            return not (self.astray() or self.locks() or self.kept() != self.modules())
        except (OSError, HTTPException):
            return False

    def modules(self) -> dict[str, str]:
        """Return the text that each module is meant to have."""
        return {name: meant.module for name, meant in self.fleet.stacks.items() if meant.module}

    def locks(self) -> str:
        """Return the locks that are held."""
        return git(self.remote, "for-each-ref", "refs/orchestrator-lock")

    def drift(self, random: Random) -> None:
        """Change or delete an object behind everybody's back, while the API server is there."""
        name = random.choice(sorted(self.fleet.stacks))
        text = random.choice(sorted(self.fleet.stacks[name].texts))
        path = f"/api/v1/namespaces/{name}/configmaps/{text}"
        change = {"data": {"text": f"astray {random.getrandbits(32):x}"}}
        with suppress(OSError, HTTPException):
            if random.random() < 0.4:
                done = self.cluster.request("DELETE", path)
            else:
                merge = "application/merge-patch+json"
                path += "?fieldManager=kubectl-edit"
                done = self.cluster.request("PATCH", path, change, content_type=merge)
            self.fleet.drifts[name] = self.fleet.drifts.get(name, 0) + (done[0] == 200)

    def answers(self) -> bool:
        """Whether the API server does."""
        try:
            return self.cluster.request("GET", "/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def restart_api(self, away: float) -> None:
        """Kill the API server, and start it again after so many seconds."""
        self.api.kill()
        threading.Event().wait(away)
        with self.api.starting():
            eventually(self.answers, "the API server to be back")


def _told_by(kind: str, item: dict[str, object]) -> str:
    """Return what tells an object: a text, or an image."""
    document: Any = item
    if kind == "ConfigMap":
        return str(document.get("data", {}).get("text"))
    return str(document["spec"]["template"]["spec"]["containers"][0]["image"])


@contextmanager
def scene_of(folder: Path, size: Size) -> Iterator[Scene]:
    """Set all up for the block, without any replica at work."""
    with control_plane(folder) as sandbox, serving_states() as states, ExitStack() as at_end:
        cluster = client_of(sandbox.kubeconfig)
        served = Git(folder=folder / "served")
        remote = _remote(served)
        root = folder / "fleet"
        git(folder, "init", "--quiet", "--initial-branch=main", str(root))
        git(root, "remote", "add", "origin", remote.as_uri())
        fleet = fleet_of(
            root,
            _settings(states, sandbox),
            stacks=size.stacks,
            objects=size.objects,
            modules=size.modules,
        )
        for name in ("soak", *fleet.stacks):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            cluster.create("/api/v1/namespaces", namespace)
        served.come()
        at_end.callback(served.go)
        replicas = [_replica(folder / name, sandbox, served) for name in "abc"]
        for replica in replicas:
            at_end.callback(_kill, replica)
        yield Scene(
            size=size,
            sandbox=sandbox,
            cluster=cluster,
            api=api_of(sandbox),
            git=served,
            states=states,
            fleet=fleet,
            replicas=replicas,
        )


def _kill(replica: Replica) -> None:
    if replica.process is not None:
        replica.process.kill()
        replica.process.wait()


def _remote(served: Git) -> Path:
    remote = served.folder / "fleet.git"
    remote.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare", "--initial-branch=main")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(_HOOK.format(refuse=served.refuse))
    hook.chmod(0o755)
    return remote


def _settings(states: StateServer, sandbox: Sandbox) -> dict[str, object]:
    """Return what all stacks say of their cluster, which nobody starts who asks for it, and of their states."""
    address = f"http://127.0.0.1:{states.server_port}/${{{{ stack }}}}/${{{{ unit }}}}"
    lock = {"lock_address": address, "unlock_address": address}
    state = {"backend": "http", "config": {"address": address, "retry_max": 0, **lock}}
    return {"cluster": {"kubeconfig": str(sandbox.kubeconfig)}, "state": state}


def _replica(home: Path, sandbox: Sandbox, served: Git) -> Replica:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "CI"))}
    temporary = home.with_name(f"{home.name}-temporary")
    temporary.mkdir()
    replica = Replica(
        home=home,
        variables={
            **kept,
            "TMPDIR": str(temporary),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        },
    )
    repository = {
        "url": f"http://127.0.0.1:{served.port}/fleet.git",
        "poll": "2s",
        "credentials": {"username": "agent", "password_file": "password"},
    }
    replica.tell(
        {
            "version": 1,
            "name": "soak",
            "directory": "agent",
            "listen": "127.0.0.1:0",
            "retry": {"first": "1s", "most": "5s"},
            "leader": {"namespace": "soak", "kubeconfig": str(sandbox.kubeconfig), "lease": "8s"},
            "defaults": {"drift": {"workloads": "10s", "infrastructure": "2m"}},
            "repositories": {"fleet": repository},
        }
    )
    (home / "password").write_text(_PASSWORD, encoding="utf-8")
    return replica
