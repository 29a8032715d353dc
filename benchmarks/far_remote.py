"""A Git remote on loopback that is as far away as we say: smart HTTP with a delay for each round trip."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar


@contextmanager
def far_remote(directory: Path, *, seconds: float) -> Iterator[str]:
    """Serve the bare repositories of a directory and return the address below which they are.

    Connecting takes ``seconds``, and so does each answer. Encryption, which takes as long again, is left out.
    """

    class Handler(_Handler):
        projects = directory
        delay = seconds

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    projects: ClassVar[Path]
    delay: ClassVar[float]

    def setup(self) -> None:
        """Take as long as connecting does."""
        time.sleep(self.delay)
        super().setup()

    def do_GET(self) -> None:
        """Answer what Git asks first."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer what it asks then."""
        self._answer(self._body())

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        ended = subprocess.run(
            ("git", "http-backend"),
            input=body,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.projects),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "benchmark",  # who may push
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            },
            capture_output=True,
            check=False,
        )
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        fields = [line.partition(":")[::2] for line in head.decode().splitlines()]
        status = next((value for name, value in fields if name == "Status"), "200")
        time.sleep(self.delay)
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name not in {"Status", "Content-Length"}:
                self.send_header(name, value.strip())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
