"""The few requests that starting a sandbox takes, without the weight of a Kubernetes client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.sandbox.credentials import read_token
from orchestrator.sandbox.layout import Layout

if TYPE_CHECKING:
    import ssl

_TIMEOUT_SECONDS = 5.0
# Short, as the port takes connections long before anybody serves them.
_READY_TIMEOUT_SECONDS = 1.5
_CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API server of a sandbox, as the administrator."""

    port: int
    token: str
    authority: ssl.SSLContext

    @classmethod
    def of(cls, layout: Layout, *, port: int) -> Api:
        """Return access to it; it must have written its certificate.

        Raises OSError or StopIteration when the credentials are not there or damaged.
        """
        import ssl

        authority = ssl.create_default_context(cafile=str(layout.certificate))
        return cls(port=port, token=read_token(layout, "admin"), authority=authority)

    def is_ready(self) -> bool:
        """Whether it answers, and all its parts say that they are ready."""
        code, _ = self._request("GET", "/readyz", timeout=_READY_TIMEOUT_SECONDS)
        return code == 200  # noqa: PLR2004 - HTTP's "OK"

    def create_node(self, name: str) -> bool:
        """Create a node for KWOK to manage; return whether it is there now."""
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        code, _ = self._request("POST", "/api/v1/nodes", body=node)
        return code == _CONFLICT or _is_success(code)

    def nodes_are_ready(self, count: int) -> bool:
        """Whether this many nodes take pods."""
        code, answer = self._request("GET", "/api/v1/nodes")
        return _is_success(code) and sum(map(_takes_pods, answer["items"])) >= count

    def has_default_service_account(self) -> bool:
        """Whether pods can be created: the controller manager has made the account that they run as."""
        return _is_success(
            self._request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0]
        )

    def _request(
        self, method: str, path: str, *, body: object = None, timeout: float = _TIMEOUT_SECONDS
    ) -> tuple[int, Any]:
        """Return status and JSON answer; status 0 when nobody answers."""
        from http.client import HTTPException, HTTPSConnection

        connection = HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=self.authority
        )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException):
            return 0, None
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else None


def _is_success(code: int) -> bool:
    return 200 <= code < 300  # noqa: PLR2004 - HTTP's class of successes


def _takes_pods(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    is_ready = any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
    return is_ready and not node.get("spec", {}).get("taints")
