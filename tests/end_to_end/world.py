"""A repository with a stack, the command run in it, and looks at what came of it that owe nothing to our code."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.commands import Ended, Running
from tests.end_to_end.stacks import (
    ECHO,
    Document,
    Json,
    config_map,
    documents,
    holding,
    stack_file,
)
from tests.forked.command import Forked, Forks
from tests.git import git
from tests.sandbox.client import Client

_KINDS = {
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Secret": "api/v1/namespaces/{}/secrets",
    "Service": "api/v1/namespaces/{}/services",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A repository, the sandbox's cluster, and a name that nobody else in this run uses.

    ``name`` is the stack's, and that of the namespace given to a test.
    """

    root: Path
    cluster: Client
    name: str
    variables: Mapping[str, str]
    forks: Forks
    started: list[Forked] = field(default_factory=list)

    def write(self, file: str, text: str) -> Path:
        """Write a file of the stack, relative to the stack file's directory."""
        path = self.root / "stacks" / self.name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def declare(
        self, modules: Mapping[str, Json] | None, manifests: Mapping[str, Json] | None, **more: Json
    ) -> None:
        """Write the stack file."""
        text = stack_file(self.name, modules=modules, manifests=manifests, **more)
        self.write("stack.yaml", text)

    def manifests(self, file: str, *objects: Document) -> Path:
        """Write a file of manifests."""
        return self.write(file, documents(*objects))

    def commit(self, subject: str = "Change the stack") -> str:
        """Commit all there is, and return the commit's id."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", subject)
        return git(self.root, "rev-parse", "HEAD")

    def start(self, *arguments: str, directory: Path | None = None, **variables: str) -> Running:
        """Start the command as a person or a pipeline does."""
        process = self.forks.start(
            *arguments,
            directory=directory or self.root,
            environment={**self.variables, **variables},
        )
        self.started.append(process)
        return Running(process=process)

    def run(self, *arguments: str, directory: Path | None = None, **variables: str) -> Ended:
        """Run the command to its end."""
        return self.start(*arguments, directory=directory, **variables).end()

    def apply(self, *arguments: str) -> Ended:
        """Apply the stack, which has to succeed."""
        ended = self.run("apply", self.name, "--yes", *arguments)
        assert ended.code == 0, ended.said
        return ended

    def plan(self, *arguments: str) -> Ended:
        """Plan the stack, which has to succeed."""
        ended = self.run("plan", self.name, *arguments)
        assert ended.code == 0, ended.said
        return ended

    def create_namespace(self, name: str) -> None:
        """Create a namespace."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.cluster.create("/api/v1/namespaces", namespace)

    def live(self, kind: str = "ConfigMap", namespace: str = "") -> dict[str, Document]:
        """Return the objects of this stack in a namespace as the API server has them, by name."""
        path = _KINDS[kind].format(namespace or self.name)
        query = f"?labelSelector=orchestrator/stack%3D{self.name}"
        answer = self.cluster.get(f"/{path}{query}")
        return {item["metadata"]["name"]: item for item in answer["items"]}

    def patch(self, kind: str, name: str, change: Document, manager: str = "kubectl-edit") -> None:
        """Change an object behind our back, as a person with kubectl or another ``manager`` would."""
        path = f"/{_KINDS[kind].format(self.name)}/{name}?fieldManager={manager}"
        code, answer = self.cluster.request(
            "PATCH", path, change, content_type="application/merge-patch+json"
        )
        assert code == 200, answer

    def delete(self, kind: str, name: str) -> None:
        """Delete an object behind our back."""
        code, answer = self.cluster.request("DELETE", f"/{_KINDS[kind].format(self.name)}/{name}")
        assert code == 200, answer

    def snapshot(self, environment: str = "default", namespace: str = "") -> Document:
        """Return all that there is of the stack in an environment: objects, states, ledger."""
        folder = self.root / ".orchestrator" / "state" / self.name / environment
        ref = f"refs/orchestrator/{self.name}/{environment}"
        return {
            "objects": {kind: self.live(kind, namespace) for kind in _KINDS},
            "states": {file.name: file.read_text() for file in folder.glob("*.tfstate")},
            "ledger": git(self.root, "for-each-ref", ref),
        }

    def object(self, kind: str, name: str, namespace: str = "") -> Document:
        """Return one object, whosever it is."""
        return self.cluster.get(f"/{_KINDS[kind].format(namespace or self.name)}/{name}")

    def exists(self, kind: str, name: str, namespace: str = "") -> bool:
        """Whether an object is there."""
        path = f"/{_KINDS[kind].format(namespace or self.name)}/{name}"
        return self.cluster.request("GET", path)[0] == 200

    def data(self, name: str, namespace: str = "") -> dict[str, str]:
        """Return what a ConfigMap holds."""
        found: dict[str, str] = self.object("ConfigMap", name, namespace)["data"]
        return found

    def secret(self, name: str, key: str, namespace: str = "") -> str:
        """Return one value of a Secret."""
        return base64.b64decode(self.object("Secret", name, namespace)["data"][key]).decode()

    def state(self, unit: str, environment: str = "default") -> Document:
        """Return the Terraform state of a module as its file has it; empty when there is none."""
        folder = self.root / ".orchestrator" / "state" / self.name / environment
        file = folder / f"{unit}.tfstate"
        found: Document = json.loads(file.read_text()) if file.exists() else {}
        return found

    def resources(self, unit: str, environment: str = "default") -> dict[str, Document]:
        """Return the attributes of a module's resources, by ``type.name``."""
        return {
            f"{resource['type']}.{resource['name']}": resource["instances"][0]["attributes"]
            for resource in self.state(unit, environment).get("resources", ())
        }

    def left_behind(self) -> list[str]:
        """Return what is in the folder for temporary files."""
        return sorted(file.name for file in self.root.with_name("temporary").rglob("*"))

    def ledger(self, environment: str = "default") -> list[str]:
        """Return the subjects of the ledger's commits, newest first, as ``git log`` shows them."""
        ref = f"refs/orchestrator/{self.name}/{environment}"
        if not git(self.root, "for-each-ref", ref):
            return []
        subjects = git(self.root, "log", "--first-parent", "--format=%s", ref).splitlines()
        return [subject for subject in subjects if f"{self.name}/{environment} at " in subject]

    def locks(self) -> str:
        """Return the lock refs that are there."""
        return git(self.root, "for-each-ref", "refs/orchestrator-lock")


def make_world(root: Path, cluster: Client, *, name: str, sandbox: Path, forks: Forks) -> World:
    """Make a repository without a stack."""
    root.mkdir()
    temporary = root.with_name("temporary")
    temporary.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "CI"))}
    variables = {
        **kept,
        "ORCHESTRATOR_SANDBOX": str(sandbox),
        "TMPDIR": str(temporary),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Grace Hopper",
        "GIT_AUTHOR_EMAIL": "grace@example.org",
        "GIT_COMMITTER_NAME": "Grace Hopper",
        "GIT_COMMITTER_EMAIL": "grace@example.org",
    }
    return World(root=root, cluster=cluster, name=name, variables=variables, forks=forks)


def small_stack(world: World) -> str:
    """Commit one module that keeps a text and two manifest sets, of which one reads it; return the commit."""
    world.write("modules/base/main.tf", ECHO)
    world.declare(
        {"base": {"source": "./modules/base", "inputs": {"text": "hello"}}},
        {
            "platform": {"path": "platform", "namespace": world.name},
            "shop": {"path": "shop", "namespace": world.name, "needs": ["platform"]},
        },
    )
    world.manifests("platform/texts.yaml", config_map("platform", {"text": "plain"}))
    world.manifests(
        "shop/texts.yaml",
        config_map("greeting", {"text": "${{ modules.base.kept }}"}),
        config_map("colours", {"wall": "white", "door": "blue"}),
    )
    return world.commit("Add a small stack")


def declare_held(world: World, folder: Path, **settings: Json) -> str:
    """Commit a module whose apply is held by ``folder``, and manifests that read it; return the commit.

    ``settings`` are other keys of the stack file.
    """
    world.write("modules/held/main.tf", holding(str(folder)))
    world.declare(
        {"held": {"source": "./modules/held"}},
        {"shop": {"path": "shop.yaml", "namespace": world.name}},
        **settings,
    )
    world.manifests("shop.yaml", config_map("shop", {"id": "${{ modules.held.id }}"}))
    return world.commit("Add a module that is held")
