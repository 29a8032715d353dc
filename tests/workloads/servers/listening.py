"""What every server on loopback of these tests does: it remembers what it was asked, and breaks off at its end."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived; ``certificate`` is the client's, in DER, where it was asked for one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    certificate: bytes = b""


class Server(ThreadingHTTPServer):
    """A server on loopback, and the connections that end with it."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 100

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, port: int = 0) -> None:
        """Listen on a port, or on any that is free."""
        super().__init__(("127.0.0.1", port), handler)
        self.asked: list[Asked] = []
        self.connections: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.server_address[1])

    def break_off(self) -> None:
        """Break off what is still connected."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection to such a server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Have the connection ended with the server."""
        super().setup()
        self.server.connections.append(self.connection)

    def heard(self) -> tuple[Asked, bytes]:
        """Read a request, remember it, and return it with its body."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=url.path,
            query={key: values[0] for key, values in parse_qs(url.query).items()},
            headers=dict(self.headers),
            certificate=self._certificate(),
        )
        self.server.asked.append(asked)
        return asked, body

    def _certificate(self) -> bytes:
        if not isinstance(self.connection, ssl.SSLSocket):
            return b""
        return self.connection.getpeercert(binary_form=True) or b""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def running(server: Server) -> Iterator[None]:
    """Serve until the end, at which all connections are broken off."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        server.break_off()
        thread.join()
