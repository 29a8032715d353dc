"""A small client for these tests: it must not share code with what they test."""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Requests to one API server, as one user."""

    address: str
    authority: str
    token: str

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
    ) -> tuple[int, Json]:
        """Return status and answer; a text that is no JSON is its message."""
        context = ssl.create_default_context(cadata=self.authority)
        connection = HTTPSConnection(self.address, timeout=30, context=context)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, _told(answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Json:
        """Return the answer to a GET that succeeds."""
        code, answer = self.request("GET", path)
        assert code == 200, answer
        return answer

    def create(self, path: str, body: Json) -> Json:
        """Return what a POST that succeeds has created."""
        code, answer = self.request("POST", path, body)
        assert code == 201, answer
        return answer


def client_of(kubeconfig: Path) -> Client:
    """Return a client for what a kubeconfig of the sandbox names."""
    document = json.loads(kubeconfig.read_text())
    cluster = document["clusters"][0]["cluster"]
    return Client(
        address=urlsplit(cluster["server"]).netloc,
        authority=base64.b64decode(cluster["certificate-authority-data"]).decode(),
        token=document["users"][0]["user"]["token"],
    )


def eventually(read: Callable[[], Json], holds: Callable[[Json], bool]) -> Json:
    """Read again and again until something holds; fail with what was read last after a minute."""
    pause = threading.Event()
    last: Json = {}
    for _ in range(int(_PATIENCE_SECONDS / 0.05)):
        last = read()
        if holds(last):
            return last
        pause.wait(0.05)
    raise AssertionError(json.dumps(last, indent=2))


def _told(said: bytes) -> Json:
    """Return what an answer holds; some are texts, and the type of others is wrong."""
    try:
        told: Json = json.loads(said)
    except ValueError:
        return {"message": said.decode()}
    return told
