"""The agent in real Pods: the image of the Dockerfile on containerd, runc and a kubelet, installed as people do."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.sandbox import Sandbox
from tests.agent.sinks import Hooks, hooks
from tests.end_to_end.agents.installing import install
from tests.end_to_end.commands import eventually
from tests.end_to_end.pods.image import IMAGE
from tests.end_to_end.pods.node import SERVICE, Node
from tests.end_to_end.stacks import config_map
from tests.end_to_end.world import World, make_world
from tests.forked.command import Forks
from tests.git import git, make_remote
from tests.repository.ssh_server import SshServer, known_host, serving_ssh
from tests.sandbox.client import client_of
from tests.stacks.checkout import ROOT

pytestmark = [
    pytest.mark.integration,
    pytest.mark.download,
    pytest.mark.soak,
    pytest.mark.timeout(1800),
]

_CREDENTIALS = "/etc/orchestrator-credentials"
_HOOK_SECRET = "whisper-hunter2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A repository behind SSH, who is told of what happens to it, and a node."""

    world: World
    remote: Path
    server: SshServer
    told: Hooks
    node: Node
    sandbox: Sandbox

    @property
    def agents(self) -> str:
        """Return the namespace of the agents, and what their objects end with."""
        return f"{self.world.name}-agents"

    @property
    def name(self) -> str:
        """Return what the agent's objects are called."""
        return f"orchestrator-{self.world.name}"

    def pods(self) -> list[dict[str, Any]]:
        """Return the agent's Pods that are not about to end."""
        path = f"/api/v1/namespaces/{self.agents}/pods"
        found = self.world.cluster.get(path)["items"]
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def ready(self) -> list[dict[str, Any]]:
        """Return its Pods that are ready."""
        return [each for each in self.pods() if _is_ready(each)]

    def say(self, text: str) -> str:
        """Commit another text, push it, and return the commit."""
        self.world.manifests("shop/texts.yaml", config_map("greeting", {"text": text}))
        commit = self.world.commit(f"Say {text}")
        git(self.world.root, "push", "--quiet", "origin", "main")
        return commit

    def says(self, text: str) -> bool:
        """Whether the text is what runs."""
        return self.world.exists("ConfigMap", "greeting") and self.world.data("greeting") == {
            "text": text
        }

    def await_(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait for something, and tell what the Pods said when it does not come about."""
        try:
            return eventually(holds, what)
        except AssertionError as error:
            said = [self.node.log(each["metadata"]["name"])[-3000:] for each in self.pods()]
            about = [each.get("status") for each in self.pods()]
            raise AssertionError("\n".join((str(error), json.dumps(about), *said))) from error


@pytest.fixture
def scene(node: Node, own_sandbox: Sandbox, forks: Forks, tmp_path: Path) -> Iterator[Scene]:
    """Have a repository with one stack and the agent's file, for a namespace that is there."""
    cluster, name = client_of(own_sandbox.kubeconfig), f"pods-{uuid.uuid4().hex[:8]}"
    root, directory = tmp_path / "repository", own_sandbox.directory
    world = make_world(root, cluster, name=name, sandbox=directory, forks=forks)
    world.create_namespace(name)
    world.declare(None, {"shop": {"path": "shop", "namespace": name}}, cluster={})
    world.manifests("shop/texts.yaml", config_map("greeting", {"text": "hello"}))
    world.commit("Say hello")
    remote = make_remote(tmp_path / "remote.git", of=world.root)
    with serving_ssh(tmp_path / "ssh") as server, hooks() as told:
        node.passes_on(server.port, server.port)
        node.passes_on(int(told.url.rpartition(":")[2]), int(told.url.rpartition(":")[2]))
        scene = Scene(
            world=world, remote=remote, server=server, told=told, node=node, sandbox=own_sandbox
        )
        yield scene
        cluster.request("DELETE", f"/api/v1/namespaces/{scene.agents}")
        eventually(lambda: not scene.pods(), "its Pods to be gone")


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _printed(scene: Scene) -> str:
    """Write the agent's file, and return what is printed to install it."""
    agent = {
        "version": 1,
        "name": scene.world.name,
        "directory": "/var/lib/orchestrator/agent",
        "listen": "0.0.0.0:8080",
        "leader": {"namespace": scene.agents, "lease": "5s"},
        "limits": {"memory": "1GiB"},
        "notifications": {
            "team": {
                "kind": "webhook",
                "url_file": f"{_CREDENTIALS}/hook-url",
                "secret_file": f"{_CREDENTIALS}/hook-secret",
                "about": ["applied", "failure"],
            }
        },
        "repositories": {
            "shop": {
                "url": scene.server.url(scene.remote, SERVICE),
                "poll": "1s",
                "credentials": {
                    "ssh_key_file": f"{_CREDENTIALS}/ssh-key",
                    "known_hosts_file": f"{_CREDENTIALS}/known-hosts",
                },
                "allow": {"namespaces": [scene.world.name], "clusters": ["current"]},
            }
        },
    }
    file = scene.world.root.parent / "agent.yaml"
    file.write_text(yaml.safe_dump(agent), encoding="utf-8")
    arguments = ("--config", str(file), "--image", IMAGE, "--namespace", scene.agents)
    kubeconfig = str(scene.sandbox.kubeconfig)
    printed = scene.world.run("agent", "manifests", *arguments, KUBECONFIG=kubeconfig)
    assert printed.code == 0, printed.said
    return printed.stdout


def _secret(scene: Scene) -> dict[str, Any]:
    """Return the Secret that whoever installs it makes: nothing of it is in what is printed."""
    hook = f"http://{SERVICE}:{scene.told.url.rpartition(':')[2]}/{_HOOK_SECRET}"
    files = {
        "ssh-key": scene.server.key.read_text(encoding="utf-8"),
        "known-hosts": known_host(scene.server.port, scene.server.host, SERVICE),
        "hook-url": hook,
        "hook-secret": _HOOK_SECRET,
    }
    data = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    metadata = {"name": scene.name, "namespace": scene.agents}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _create_secret(scene: Scene) -> None:
    scene.world.cluster.create(f"/api/v1/namespaces/{scene.agents}/secrets", _secret(scene))


def _keeps_what_runs_equal_to_git(scene: Scene) -> None:
    """Two Pods are ready, and a commit is applied without a hand; also when one of them is taken away."""
    scene.await_(lambda: len(scene.ready()) == 2, "both Pods")
    scene.await_(lambda: scene.says("hello"), "the first commit")
    scene.say("welcome")
    scene.await_(lambda: scene.says("welcome"), "the second commit")
    lost = scene.pods()[0]["metadata"]["name"]
    path = f"/api/v1/namespaces/{scene.agents}/pods/{lost}"
    code, answer = scene.world.cluster.request("DELETE", path)
    assert code == 200, answer
    scene.say("hello again")
    scene.await_(lambda: scene.says("hello again"), "the third commit")
    scene.await_(lambda: len(scene.ready()) == 2, "another Pod in its place")
    told = scene.await_(lambda: len(scene.told.posts) >= 3 and scene.told.posts, "who is told")
    assert {each.json["about"] for each in told} == {"applied"}
    assert told[0].path == f"/{_HOOK_SECRET}"
    assert all(
        _HOOK_SECRET not in scene.node.log(each["metadata"]["name"]) for each in scene.pods()
    )


def _is_shut_in(scene: Scene) -> None:
    """Its user is nobody's, it has no capability, and it can write where it is meant to and nowhere else."""
    (pod, *_) = scene.ready()
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    status = scene.node.exec(container, "cat", "/proc/self/status").stdout
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert values["Uid"].split() == ["65532"] * 4
    assert int(values["CapEff"], 16) == int(values["CapBnd"], 16) == 0
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")
    assert scene.node.exec(container, "terraform", "version").stdout.startswith("Terraform v")
    for place in ("/tmp", "/var/lib/orchestrator"):
        assert scene.node.exec(container, "touch", f"{place}/try").returncode == 0
    for place in ("/", "/etc", "/venv", "/usr/local/bin", _CREDENTIALS, "/etc/orchestrator"):
        assert "Read-only file system" in scene.node.exec(container, "touch", f"{place}/try").stderr


def test_the_printed_manifests_run_in_real_pods(scene: Scene) -> None:
    """What is printed, and a Secret, are all that it takes; commits come over SSH, and Pods may go."""
    printed = _printed(scene)
    documents = list(yaml.safe_load_all(printed))
    for each in documents:
        install(scene.world.cluster, each)
        if each["kind"] == "Namespace":
            _create_secret(scene)
    _keeps_what_runs_equal_to_git(scene)
    _is_shut_in(scene)


def test_the_stack_of_the_agent_installs_it(scene: Scene) -> None:
    """`stacks/agent` brings the same about, waits until its Pods are ready indeed, and takes all of it away."""
    printed = _printed(scene)
    folder = scene.world.root.parent / "installer" / "stacks" / "agent"
    folder.mkdir(parents=True)
    for name in ("stack.yaml", "agent.yaml"):
        (folder / name).write_text((ROOT / "stacks" / "agent" / name).read_text(), encoding="utf-8")
    (folder / "install.yaml").write_text(printed, encoding="utf-8")
    installer = folder.parent.parent
    git(installer, "init", "--quiet", "--initial-branch=main")
    git(installer, "add", "--all")
    git(installer, "commit", "--quiet", "--message", "Install the agent")
    scene.world.create_namespace(scene.agents)
    _create_secret(scene)
    applied = scene.world.run("apply", "agent", "--yes", directory=installer)
    assert applied.code == 0, applied.said
    assert len(scene.ready()) == 2
    _keeps_what_runs_equal_to_git(scene)
    gone = scene.world.run("destroy", "agent", "--yes", directory=installer)
    assert gone.code == 0, gone.said
    eventually(lambda: not scene.pods(), "its Pods to be gone")
