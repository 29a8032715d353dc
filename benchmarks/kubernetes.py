"""Requests to a sandbox as anyone would send them: one connection, no client library."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.running import Failed

_REQUESTS = re.compile(
    r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# Of these kinds and verbs the control plane itself asks nothing while nothing changes.
_VERBS = frozenset({"APPLY", "GET", "LIST", "PATCH", "POST", "PUT"})
_KINDS = frozenset({"configmaps", "services", "deployments", "namespaces"})
EVERY_KIND = _KINDS | {
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
}
"""The kinds of the benchmark's objects, and those that decide about the admission of any."""
_WRITES = frozenset({"APPLY", "DELETE", "DELETECOLLECTION", "PATCH", "POST", "PUT"})
_NEVER_AT_REST = frozenset({"leases"})  # by which a control plane shows that it is alive
_REST_SECONDS = 2.0
_PATIENCE_SECONDS = 900.0


def list_all(kubeconfig: Path, paths: Sequence[str]) -> None:
    """Read the lists at ``paths`` from the sandbox that a kubeconfig names; raises Failed for any refusal."""
    with _reader(kubeconfig) as reader:
        for path in paths:
            json.loads(reader.read(path))


def read(kubeconfig: Path, path: str) -> Any:
    """Return what the sandbox that a kubeconfig names has at a path; raises Failed when it has nothing there."""
    with _reader(kubeconfig) as reader:
        return json.loads(reader.read(path))


def create(kubeconfig: Path, path: str, document: object) -> None:
    """Create an object in the list at a path; raises Failed for any refusal."""
    with _reader(kubeconfig) as reader:
        reader.send("POST", path, json.dumps(document).encode(), "application/json")


def change(kubeconfig: Path, path: str, document: object) -> None:
    """Change what a document says of the object at a path (RFC 7386); raises Failed for any refusal."""
    with _reader(kubeconfig) as reader:
        reader.send("PATCH", path, json.dumps(document).encode(), "application/merge-patch+json")


def requests_served(kubeconfig: Path, kinds: frozenset[str] = _KINDS) -> int:
    """Return how many requests about these kinds of objects a sandbox has answered so far."""
    with _reader(kubeconfig) as reader:
        return count_requests(reader.read("/metrics").decode(), kinds)


def count_requests(metrics: str, kinds: frozenset[str] = _KINDS) -> int:
    """Return how many requests that somebody sent about these kinds the metrics of an API server tell of. Pure."""
    total = 0.0
    for found in _REQUESTS.finditer(metrics):
        labels = dict(_LABEL.findall(found["labels"]))
        if labels.get("resource") in kinds and labels.get("verb") in _VERBS:
            total += float(found["count"])
    return round(total)


def await_rest(kubeconfig: Path) -> None:
    """Wait until a sandbox has written nothing for a moment; raises Failed when that does not come.

    What was applied goes on for a while after whoever applied it has left: Pods, their addresses, their states.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with _reader(kubeconfig) as reader:
        before, now = -1, count_writes(reader.read("/metrics").decode())
        while now != before:
            if time.monotonic() > deadline:
                message = f"the sandbox still writes after {_PATIENCE_SECONDS:g} s"
                raise Failed(message)
            time.sleep(_REST_SECONDS)
            before, now = now, count_writes(reader.read("/metrics").decode())


def count_writes(metrics: str) -> int:
    """Return how many requests to write anything the metrics of an API server tell of, but for leases. Pure."""
    told = (
        dict(_LABEL.findall(found["labels"])) | {"n": found["count"]}
        for found in _REQUESTS.finditer(metrics)
    )
    return round(
        sum(
            float(each["n"])
            for each in told
            if each.get("verb") in _WRITES and each.get("resource") not in _NEVER_AT_REST
        )
    )


class _Reader:
    def __init__(self, connection: HTTPSConnection, token: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {token}"}

    def read(self, path: str) -> bytes:
        return self.send("GET", path, b"", "application/json")

    def send(self, method: str, path: str, content: bytes, kind: str) -> bytes:
        headers = {**self._headers, "Content-Type": kind}
        self._connection.request(method, path, body=content or None, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in {200, 201}:
            message = f"{path} was answered with {answer.status}: {body[:200]!r}"
            raise Failed(message)
        return body


@contextmanager
def _reader(kubeconfig: Path) -> Iterator[_Reader]:
    document = json.loads(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    trust = ssl.create_default_context(cadata=authority)
    connection = HTTPSConnection(urlsplit(cluster["server"]).netloc, context=trust)
    try:
        yield _Reader(connection, user["token"])
    finally:
        connection.close()
