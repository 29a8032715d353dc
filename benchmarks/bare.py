"""The requests of a first apply, the rollout that follows, and nothing else: no client can be faster."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from benchmarks.running import Failed

_AT_ONCE = 32
_PLACES = {
    "Namespace": "/api/v1/namespaces/{name}",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps/{name}",
    "Service": "/api/v1/namespaces/{namespace}/services/{name}",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
}
_DEPLOYMENTS = "/apis/apps/v1/namespaces/{namespace}/deployments"
_HEADERS = {"Content-Type": "application/apply-patch+yaml"}
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Seconds from the first request on: until all objects are accepted, and until their Deployments are there."""

    accepted: float
    healthy: float


def apply_all(kubeconfig: Path, directory: Path, *, namespace: str) -> Alone:
    """Apply the objects of a directory, the namespace first, and wait until their Deployments are available.

    Reading the files does not count. Raises Failed for any refusal.
    """
    calls = sorted(_calls(directory, namespace), key=lambda call: call[0].count("/"))
    deployments = _DEPLOYMENTS.format(namespace=namespace)
    config = json.loads(kubeconfig.read_text(encoding="utf-8"))
    return asyncio.run(_sent(config, calls, deployments))


def _calls(directory: Path, namespace: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(directory.iterdir()):
        for manifest in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader):
            name = manifest["metadata"]["name"]
            path = _PLACES[manifest["kind"]].format(namespace=namespace, name=name)
            yield path, json.dumps(manifest).encode()


async def _sent(
    config: Mapping[str, Any], calls: list[tuple[str, bytes]], deployments: str
) -> Alone:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    connector = aiohttp.TCPConnector(
        ssl=ssl.create_default_context(cadata=authority), limit=_AT_ONCE
    )
    headers = {**_HEADERS, "Authorization": f"Bearer {user['token']}"}
    async with aiohttp.ClientSession(
        cluster["server"], connector=connector, headers=headers
    ) as session:
        began = time.perf_counter()
        first, *rest = calls
        await _apply(session, *first)
        left = iter(rest)
        await asyncio.gather(*(_worker(session, left) for _ in range(_AT_ONCE)))
        accepted = time.perf_counter() - began
        while not await _available(session, deployments):  # noqa: ASYNC110 - nobody else could tell
            await asyncio.sleep(_LOOK_SECONDS)
        return Alone(accepted=accepted, healthy=time.perf_counter() - began)


async def _available(session: aiohttp.ClientSession, deployments: str) -> bool:
    async with session.get(deployments) as answer:
        items = (await answer.json())["items"]
    return all(item.get("status", {}).get("availableReplicas") for item in items)


async def _worker(session: aiohttp.ClientSession, left: Iterator[tuple[str, bytes]]) -> None:
    for path, body in left:
        await _apply(session, path, body)


async def _apply(session: aiohttp.ClientSession, path: str, body: bytes) -> None:
    query = {"fieldManager": "bare", "force": "true"}
    async with session.patch(path, params=query, data=body) as answer:
        told = await answer.read()
        if answer.status >= 400:
            message = f"{path} was answered with {answer.status}: {told[:200]!r}"
            raise Failed(message)
