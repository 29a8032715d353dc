"""A pretended API server on loopback: what it serves, and how it answers lists, watches and discovery."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.plans.redaction import Secrets
from orchestrator.processes import Stop
from orchestrator.settings import Settings
from orchestrator.workloads.cluster import Cluster, Target, connect
from orchestrator.workloads.kinds import Resource
from tests.workloads.servers.listening import Asked
from tests.workloads.servers.loopback import Say

CONFIGS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
BUSY = Say(status=503, body={"kind": "Status", "message": "starting"})


def kind(name: str, plural: str, verbs: str = "get list patch") -> dict[str, Any]:
    """Return what discovery tells of a namespaced kind."""
    return {
        "resource": plural,
        "responseKind": {"kind": name},
        "scope": "Namespaced",
        "verbs": verbs.split(),
    }


def groups(*found: dict[str, Any]) -> dict[str, Any]:
    """Return what discovery answers."""
    return {"kind": "APIGroupDiscoveryList", "items": list(found)}


CORE = groups(
    {
        "metadata": {},
        "versions": [
            {
                "version": "v1",
                "resources": [
                    kind("ConfigMap", "configmaps"),
                    kind("Binding", "bindings", "create"),
                ],
            }
        ],
    }
)
GROUPS = groups(
    {
        "metadata": {"name": "batch"},
        "versions": [{"version": "v1", "resources": [kind("Job", "jobs")]}],
    }
)


def discovery(asked: Asked) -> Say:
    """Answer both requests of discovery."""
    return Say(body=CORE if asked.path == "/api" else GROUPS)


def config(name: str, version: int = 1, **data: str) -> dict[str, Any]:
    """Return a ConfigMap as a server shows it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "resourceVersion": str(version)},
        "data": data,
    }


def listing(*items: dict[str, Any], version: int = 1, more: str = "") -> Say:
    """Return a page of a list."""
    metadata = {"resourceVersion": str(version), "continue": more}
    return Say(body={"metadata": metadata, "items": list(items)})


def event(kind_: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return one line of a watch."""
    return {"type": kind_, "object": value}


@contextmanager
def connected(
    address: str,
    directory: Path,
    *,
    plugin: Sequence[str] = (),
    token: str = "",
    stop: Stop | None = None,
) -> Iterator[Cluster]:
    """Return a connection to a server on loopback, with a cache of its own."""
    settings = replace(Settings.read(), cache=directory / "cache", home=directory)
    target = Target(server=address, exec=tuple(plugin), token=token)
    with connect(target, settings, secrets=Secrets(), stop=stop or Stop()) as cluster:
        yield cluster
