"""LIST requests as anyone would send them: one connection, no client library."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Sequence
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.running import Failed


def list_all(kubeconfig: Path, paths: Sequence[str]) -> None:
    """Read the lists at ``paths`` from the sandbox that a kubeconfig names; raises Failed for any refusal."""
    document = json.loads(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    trust = ssl.create_default_context(cadata=authority)
    connection = HTTPSConnection(urlsplit(cluster["server"]).netloc, context=trust)
    for path in paths:
        connection.request("GET", path, headers={"Authorization": f"Bearer {user['token']}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            message = f"{path} was answered with {answer.status}: {body[:200]!r}"
            raise Failed(message)
        json.loads(body)
    connection.close()
