"""Which kinds a server serves: aggregated discovery, asked for with the entity tag of what is kept on disk.

Two requests tell everything; a server whose kinds have not changed answers both without a body. Versions that
another server brings are stale while that one does not answer: they may be told of without any kinds, or with
those of earlier. Such an answer is never kept.
"""

import hashlib
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from orchestrator.workloads.cluster.answers import NotServed, Request
from orchestrator.workloads.cluster.connection.client import Answer, Call, Client, side_by_side
from orchestrator.workloads.kinds import Kinds, Resource

_PATHS: Final = ("/api", "/apis")
_ACCEPT: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
_FIELDS: Final = ("group", "version", "kind", "plural", "namespaced")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What one path answered, and its entity tag; ``stale`` are the (group, version) that do not answer."""

    tag: str = ""
    resources: tuple[Resource, ...] = ()
    stale: frozenset[tuple[str, str]] = frozenset()


async def discover(client: Client, cache: Path) -> Kinds:
    """Return the kinds that the server serves now; ``cache`` is a directory to keep them in."""
    name = hashlib.sha256(client.access.server.encode()).hexdigest()[:24]
    file = cache / "discovery" / f"{name}.json"
    kept = _read(file)
    answers = await side_by_side(_PATHS, lambda path: _ask(client, path, kept.get(path, _Kept())))
    found = {
        path: kept.get(path, _Kept()) if answer.stale else answer
        for path, answer in zip(_PATHS, answers, strict=True)
    }
    if found != kept:
        _write(file, found)
    return _kinds_of(answers)


def _kinds_of(answers: Iterable[_Kept]) -> Kinds:
    grouped: dict[tuple[str, str], list[Resource]] = {}
    stale: frozenset[tuple[str, str]] = frozenset()
    for answer in answers:
        stale |= answer.stale
        for resource in answer.resources:
            grouped.setdefault((resource.group, resource.kind), []).append(resource)
    resources = {key: tuple(found) for key, found in grouped.items()}
    return Kinds(resources=resources, complete=True, stale=stale)


async def _ask(client: Client, path: str, kept: _Kept) -> _Kept:
    headers = {"If-None-Match": kept.tag} if kept.tag else {}
    answer = await client.send(_call(path, accept=_ACCEPT, headers=headers))
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return kept
    resources = await _resources(client, path, answer)
    return _Kept(tag=answer.tag, resources=resources, stale=_stale(answer))


def _call(
    path: str, *, accept: str = "application/json", headers: dict[str, str] | None = None
) -> Call:
    request = Request(verb="get", resource=path)
    return Call(method="GET", path=path, request=request, accept=accept, headers=headers or {})


async def _resources(client: Client, path: str, answer: Answer) -> tuple[Resource, ...]:
    body: Any = answer.body
    if body.get("kind") == "APIGroupDiscoveryList":
        return tuple(resource for group in body["items"] for resource in _of_group(group))
    # A server before 1.26 is asked version by version.
    addresses = (
        [f"/api/{version}" for version in body["versions"]]
        if path == "/api"
        else [
            f"/apis/{version['groupVersion']}"
            for group in body["groups"]
            for version in group["versions"]
        ]
    )
    answers = await side_by_side(addresses, lambda address: _version(client, address))
    return tuple(resource for each in answers if each for resource in _of_version(each.body))


async def _version(client: Client, address: str) -> Answer | None:
    """Return what a version serves, or None where it went since the groups were listed: its definition was deleted."""
    try:
        return await client.send(_call(address))
    except NotServed:
        return None


def _stale(answer: Answer) -> frozenset[tuple[str, str]]:
    body: Any = answer.body
    return frozenset(
        (group["metadata"].get("name", ""), version["version"])
        for group in body.get("items", ())
        for version in group["versions"]
        if _is_stale(version)
    )


def _is_stale(version: Any) -> bool:
    return bool(version.get("freshness") == "Stale")


def _of_group(group: Any) -> Iterator[Resource]:
    for version in itertools.filterfalse(_is_stale, group["versions"]):
        for item in version.get("resources", ()):
            kind = item.get("responseKind", {}).get("kind")
            if kind and "patch" in item["verbs"]:
                yield Resource(
                    group=group["metadata"].get("name", ""),
                    version=version["version"],
                    kind=kind,
                    plural=item["resource"],
                    namespaced=item["scope"] == "Namespaced",
                )


def _of_version(body: Any) -> Iterator[Resource]:
    group, _, version = body["groupVersion"].rpartition("/")
    for item in body["resources"]:
        if "/" not in item["name"] and "patch" in item["verbs"]:
            yield Resource(
                group=group,
                version=version,
                kind=item["kind"],
                plural=item["name"],
                namespaced=item["namespaced"],
            )


def _read(file: Path) -> dict[str, _Kept]:
    try:
        value = json.loads(file.read_bytes())
        return {
            path: _Kept(
                tag=value[path]["tag"],
                resources=tuple(
                    Resource(**dict(zip(_FIELDS, row, strict=True)))
                    for row in value[path]["resources"]
                ),
            )
            for path in _PATHS
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a cache is never worth an error


def _write(file: Path, found: dict[str, _Kept]) -> None:
    value = {
        path: {"tag": kept.tag, "resources": [astuple(item) for item in kept.resources]}
        for path, kept in found.items()
    }
    with suppress(OSError):  # a full disk or a read-only home costs speed and nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, encoding="utf-8", delete=False
        ) as out:
            json.dump(value, out)
        Path(out.name).replace(file)
