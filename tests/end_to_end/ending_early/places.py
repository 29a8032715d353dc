"""Where a stack keeps its ledger and its states, and the clones that it is applied from."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tests.end_to_end.ending_early.ledgers import InCluster, InDirectory, InGit, Ledger
from tests.end_to_end.ending_early.points import Points
from tests.end_to_end.ending_early.remotes import Remote, serving
from tests.end_to_end.stacks import Document, Json
from tests.end_to_end.world import World
from tests.sandbox.client import Client


class States(Protocol):
    """The Terraform states of a stack."""

    def read(self) -> dict[str, Document]:
        """Return the state of each module that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """States in files."""

    folder: Path

    def read(self) -> dict[str, Document]:
        """Return the state of each module that has one."""
        return {file.stem: json.loads(file.read_text()) for file in self.folder.glob("*.tfstate")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """States in Secrets of a namespace of their own, which clones share."""

    cluster: Client
    namespace: str

    def settings(self, kubeconfig: Path) -> Json:
        """Return the ``state:`` of a stack that keeps its states here."""
        config = {
            "config_path": str(kubeconfig),
            "namespace": self.namespace,
            "secret_suffix": "${{ unit }}",
        }
        return {"backend": "kubernetes", "config": config}

    def read(self) -> dict[str, Document]:
        """Return the state of each module that has one."""
        found = self.cluster.get(f"/api/v1/namespaces/{self.namespace}/secrets")["items"]
        return {
            str(each["metadata"]["name"]).rpartition(".")[2]: json.loads(
                gzip.decompress(base64.b64decode(each["data"]["tfstate"]))
            )
            for each in found
            if "tfstate" in each.get("data", {})
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``clones`` are those of one repository; ``settings`` are the keys of the stack file that say where things are."""

    points: Points
    clones: tuple[World, ...]
    settings: Mapping[str, Json]
    ledger: Ledger
    states: States
    remote: Remote | None = None

    def clone(self, number: int) -> World:
        """Return one of the clones, each in its turn."""
        return self.clones[number % len(self.clones)]

    def share(self) -> None:
        """Bring what was committed in the first clone to all of them."""
        if self.remote is not None:
            self.remote.share(*self.clones)

    def await_end(self) -> None:
        """Wait until nothing that a run started is there any more, and the remote is done with what it heard of it."""
        self.points.await_end()
        if self.remote is not None:
            self.remote.settle()

    def entries(self) -> list[Mapping[str, Json]]:
        """Return what the ledger's entries say, the first one first."""
        return [each.entry for each in self.ledger.records()]

    def resources(self) -> dict[str, dict[str, Document]]:
        """Return the attributes of the resources of each module that has some, by ``type.name``."""
        found = {
            module: {
                f"{each['type']}.{each['name']}": each["instances"][0]["attributes"]
                for each in state.get("resources", ())
            }
            for module, state in self.states.read().items()
        }
        return {module: resources for module, resources in found.items() if resources}


@contextmanager
def alone(points: Points, _folder: Path) -> Iterator[Place]:
    """Keep the ledger and the states in one clone."""
    yield _in_one_clone(points, InGit(root=points.world.root, name=points.world.name), {})


@contextmanager
def shared(points: Points, folder: Path) -> Iterator[Place]:
    """Keep the ledger at a Git remote, the states in a cluster, and apply from two clones."""
    world = points.world
    states = Secrets(cluster=world.cluster, namespace=f"{world.name}-states")
    world.create_namespace(states.namespace)
    with serving(world, folder, points.add_program("remote")) as (remote, other):
        yield Place(
            points=points,
            clones=(world, replace(world, root=other)),
            settings={**_cluster(points), "state": states.settings(points.direct)},
            ledger=InGit(root=remote.directory, name=world.name),
            states=states,
            remote=remote,
        )


@contextmanager
def in_directory(points: Points, folder: Path) -> Iterator[Place]:
    """Keep the ledger in a directory; each change of one of its files is a point."""
    base = folder / "ledgers"
    base.mkdir()
    points.count_files(base)
    ledger = InDirectory(folder=base / points.world.name / "default")
    yield _in_one_clone(points, ledger, {"store": "directory", "path": str(base)})


@contextmanager
def in_cluster(points: Points, _folder: Path) -> Iterator[Place]:
    """Keep the ledger in a namespace of the stack's cluster, of its own."""
    world = points.world
    namespace = f"{world.name}-ledger"
    world.create_namespace(namespace)
    ledger = InCluster(cluster=world.cluster, namespace=namespace, name=world.name)
    yield _in_one_clone(points, ledger, {"store": "cluster", "namespace": namespace})


PLACES: Mapping[str, Callable[[Points, Path], AbstractContextManager[Place]]] = {
    "alone": alone,
    "shared": shared,
    "directory": in_directory,
    "cluster": in_cluster,
}


def _in_one_clone(points: Points, ledger: Ledger, kept: Mapping[str, Json]) -> Place:
    world = points.world
    states = world.root / ".orchestrator" / "state" / world.name / "default"
    return Place(
        points=points,
        clones=(world,),
        settings={**_cluster(points), **({"ledger": kept} if kept else {})},
        ledger=ledger,
        states=Files(folder=states),
    )


def _cluster(points: Points) -> dict[str, Json]:
    return {"cluster": {"kubeconfig": str(points.kubeconfig)}}
