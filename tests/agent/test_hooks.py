"""Webhooks as forges send them, over HTTP: who knows the secret of the moment makes the agent look, once."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator import clock
from orchestrator.agent.configuration.load import load_configuration
from orchestrator.agent.configuration.model import HookKind
from orchestrator.agent.hooks import hooks_of
from orchestrator.agent.serving import serving
from orchestrator.settings import Settings
from tests.agent.test_serving import ask

pytestmark = pytest.mark.integration

_TEXT = """
version: 1
listen: 127.0.0.1:0
repositories:
  shop: {{url: /nowhere, branch: live, webhook: {{kind: {kind}, secret_file: secret}}}}
  other: {{url: /elsewhere}}
"""
_PUSH = {
    HookKind.GITHUB: {"X-GitHub-Event": "push"},
    HookKind.GITEA: {"X-Gitea-Event": "push"},
    HookKind.GITLAB: {"X-Gitlab-Event": "Push Hook"},
    HookKind.GENERIC: {},
}


def _signed(kind: HookKind, secret: str, body: bytes) -> Mapping[str, str]:
    """Return the headers of a push as that sender signs it."""
    at = str(int(clock.now().timestamp()))
    told = at.encode() + b"." + body if kind is HookKind.GENERIC else body
    mac = hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
    signature = {
        HookKind.GITHUB: {"X-Hub-Signature-256": f"sha256={mac}"},
        HookKind.GITEA: {"X-Gitea-Signature": mac},
        HookKind.GITLAB: {"X-Gitlab-Token": secret},
        HookKind.GENERIC: {"X-Signature-Timestamp": at, "X-Signature-256": f"sha256={mac}"},
    }
    return {"Content-Type": "application/json", **_PUSH[kind], **signature[kind]}


@pytest.mark.parametrize("kind", HookKind)
def test_whoever_knows_the_secret_is_heard_once(kind: HookKind, tmp_path: Path) -> None:
    """Of its own repository and branch alone; a secret that is another by now, or gone, lets nobody in."""
    file, secret, told = tmp_path / "agent.yaml", tmp_path / "secret", list[str]()
    file.write_text(_TEXT.format(kind=kind.value), encoding="utf-8")
    hooks = hooks_of(load_configuration(file, Settings.read()), told.append)

    with serving("127.0.0.1:0", {}, hooks) as port:

        def push(known: str, ref: str = "live", *, number: int = 1, name: str = "shop") -> int:
            body = json.dumps({"ref": f"refs/heads/{ref}", "number": number}).encode()
            headers = _signed(kind, known, body)
            return ask(port, "POST", f"/hooks/{name}", body, **headers)[0]

        assert push("whisper") == 503
        secret.write_text("whisper\n", encoding="utf-8")
        assert [push("whistle"), push("whisper"), push("whisper")] == [401, 202, 409]
        elsewhere = push("whisper", "main")
        assert elsewhere == (202 if kind is HookKind.GENERIC else 200)
        assert push("whisper", name="other") == 404
        secret.write_text("whistle\n", encoding="utf-8")
        assert [push("whisper", number=2), push("whistle", number=2)] == [401, 202]
    assert told == ["shop"] * (3 if kind is HookKind.GENERIC else 2)
