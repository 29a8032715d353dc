"""Terraform state for several units over HTTP, as its ``http`` backend wants it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StateServer(ThreadingHTTPServer):
    """Keeps a state for each path, and a lock for each that is locked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.states: dict[str, bytes] = {}
        self.locks: dict[str, bytes] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Return the ``state:`` of a stack that keeps its states here."""
        address = f"http://127.0.0.1:{self.server_port}/${{{{ unit }}}}"
        lock = {"lock_address": address, "unlock_address": address}
        return {"backend": "http", "config": {"address": address, "retry_max": 0, **lock}}

    def state(self, unit: str) -> dict[str, Any]:
        """Return the state of a unit."""
        found: dict[str, Any] = json.loads(self.states[f"/{unit}"])
        return found

    def put(self, unit: str, state: dict[str, Any]) -> None:
        """Change the state of a unit behind everybody's back."""
        self.states[f"/{unit}"] = json.dumps(state).encode()


class _Requests(BaseHTTPRequestHandler):
    server: StateServer

    def do_GET(self) -> None:
        found = self.server.states.get(self.path)
        self._answer(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, found or b"")

    def do_POST(self) -> None:
        self.server.states[self.path.partition("?")[0]] = self._body()
        self._answer(HTTPStatus.OK)

    def do_LOCK(self) -> None:
        holder = self.server.locks.setdefault(self.path, body := self._body())
        free = holder is body
        self._answer(HTTPStatus.OK if free else HTTPStatus.LOCKED, holder)

    def do_UNLOCK(self) -> None:
        self._body()
        self.server.locks.pop(self.path, None)
        self._answer(HTTPStatus.OK)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, code: HTTPStatus, content: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving_states() -> Iterator[StateServer]:
    """Serve states on loopback."""
    with StateServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
