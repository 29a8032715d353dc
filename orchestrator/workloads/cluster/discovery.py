"""Which kinds a server serves: aggregated discovery, asked for with the entity tag of what is kept on disk.

Two requests tell everything; a server whose kinds have not changed answers both without a body.
"""

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Request
from orchestrator.workloads.cluster.client import Answer, Call, Client
from orchestrator.workloads.kinds import Kinds, Resource

_PATHS: Final = ("/api", "/apis")
_NOT_MODIFIED: Final = 304
_ACCEPT: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What one path answered earlier, and its tag."""

    tag: str = ""
    resources: tuple[Resource, ...] = field(default=())


async def discover(client: Client, cache: Path) -> Kinds:
    """Return the kinds that the server serves now; ``cache`` is a directory to keep them in."""
    file = (
        cache
        / "discovery"
        / f"{hashlib.sha256(client.access.server.encode()).hexdigest()[:24]}.json"
    )
    kept = _read(file)
    answers = await asyncio.gather(*(_ask(client, path, kept.get(path)) for path in _PATHS))
    found = dict(zip(_PATHS, answers, strict=True))
    if found != kept:
        _write(file, found)
    return kinds_of(resource for path in _PATHS for resource in found[path].resources)


def kinds_of(resources: Iterator[Resource]) -> Kinds:
    """Return the kinds in the server's order of preference."""
    grouped: dict[tuple[str, str], list[Resource]] = {}
    for resource in resources:
        grouped.setdefault((resource.group, resource.kind), []).append(resource)
    return Kinds(resources={key: tuple(found) for key, found in grouped.items()}, complete=True)


async def _ask(client: Client, path: str, kept: _Kept | None) -> _Kept:
    headers = {"If-None-Match": kept.tag} if kept and kept.tag else {}
    request = Request(verb="get", resource=path)
    answer = await client.send(
        Call(method="GET", path=path, request=request, accept=_ACCEPT, headers=headers)
    )
    if answer.status == _NOT_MODIFIED and kept:
        return kept
    return _Kept(tag=answer.tag, resources=await _resources(client, path, answer))


async def _resources(client: Client, path: str, answer: Answer) -> tuple[Resource, ...]:
    match answer.body:
        case {"kind": "APIGroupDiscoveryList", "items": list(items)}:
            return tuple(resource for item in items for resource in _of_group(item))
        case _:
            return await _one_by_one(client, path, answer)


async def _one_by_one(client: Client, path: str, answer: Answer) -> tuple[Resource, ...]:
    """Ask version by version, for servers before 1.26."""
    body = answer.body if isinstance(answer.body, dict) else {}
    if path == "/api":
        addresses = [f"/api/{version}" for version in _list(body, "versions")]
    else:
        addresses = [
            f"/apis/{version['groupVersion']}"
            for group in _list(body, "groups")
            for version in (group.get("versions") or [] if isinstance(group, dict) else [])
            if isinstance(version, dict)
        ]
    calls = [
        Call(method="GET", path=it, request=Request(verb="get", resource=it)) for it in addresses
    ]
    answers = await asyncio.gather(*map(client.send, calls))
    return tuple(found for item in answers for found in _of_version(item.body))


def _of_group(item: Json) -> Iterator[Resource]:
    match item:
        case {"versions": list(versions)}:
            metadata = item.get("metadata")
            group = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
            for version in versions:
                yield from _of_group_version(group, version)


def _of_group_version(group: str, item: Json) -> Iterator[Resource]:
    match item:
        case {"version": str(version), "resources": list(resources)}:
            for resource in resources:
                match resource:
                    case {
                        "resource": str(plural),
                        "responseKind": {"kind": str(kind)},
                        "scope": str(scope),
                        "verbs": list(verbs),
                    } if "patch" in verbs:
                        yield Resource(
                            group=group,
                            version=version,
                            kind=kind,
                            plural=plural,
                            namespaced=scope == "Namespaced",
                        )


def _of_version(body: Json) -> Iterator[Resource]:
    match body:
        case {"groupVersion": str(group_version), "resources": list(resources)}:
            group, _, version = group_version.rpartition("/")
            for resource in resources:
                match resource:
                    case {
                        "name": str(plural),
                        "kind": str(kind),
                        "namespaced": bool(namespaced),
                    } if "/" not in plural:
                        yield Resource(
                            group=group,
                            version=version,
                            kind=kind,
                            plural=plural,
                            namespaced=namespaced,
                        )


def _list(body: dict[str, Json], name: str) -> list[Json]:
    found = body.get(name)
    return found if isinstance(found, list) else []


def _read(file: Path) -> dict[str, _Kept]:
    try:
        value = json.loads(file.read_bytes())
        return {path: _kept(value[path]) for path in _PATHS}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a cache is never worth an error


def _kept(value: dict[str, Json]) -> _Kept:
    rows = value["resources"]
    return _Kept(
        tag=str(value["tag"]),
        resources=tuple(
            Resource(group=group, version=version, kind=kind, plural=plural, namespaced=namespaced)
            for group, version, kind, plural, namespaced in (rows if isinstance(rows, list) else [])
        ),
    )


def _write(file: Path, found: dict[str, _Kept]) -> None:
    value = {
        path: {
            "tag": kept.tag,
            "resources": [
                [item.group, item.version, item.kind, item.plural, item.namespaced]
                for item in kept.resources
            ],
        }
        for path, kept in found.items()
    }
    with suppress(OSError):  # a full disk or a read-only home costs speed and nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, delete=False, encoding="utf-8"
        ) as out:
            json.dump(value, out)
        os.replace(out.name, file)  # noqa: PTH105 - Path.replace is the same call
