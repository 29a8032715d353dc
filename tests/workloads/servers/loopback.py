"""A server on loopback that answers as a test tells it, to see what a real one does only rarely."""

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived; ``certificate`` is the client's, in DER, where it was asked for one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    certificate: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What is answered: a body, or lines of a watch of which the connection is cut off after the last."""

    status: int = 200
    body: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[Any] = ()
    cut: bool = False


Script = Callable[[Asked], Say]


@dataclass(slots=True, kw_only=True)
class Loopback:
    """A running server, its address, and what it was asked."""

    address: str
    asked: list[Asked]


@contextmanager
def serving(
    script: Script, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Loopback]:
    """Run a server that answers every request by ``script``; at the end its connections are broken off."""
    server = _Server(("127.0.0.1", port), _Handler)
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.script = script
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        address = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
        yield Loopback(address=address, asked=server.asked)
    finally:
        server.shutdown()
        server.server_close()
        server.break_off()
        thread.join()


def in_turn(*answers: Say) -> Script:
    """Answer with each in turn, and with the last one from then on."""
    left = list(answers)
    lock = threading.Lock()

    def script(_: Asked) -> Say:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    script: Script

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.asked: list[Asked] = []
        self.connections: list[socket.socket] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def break_off(self) -> None:
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        asked = Asked(
            method=self.command,
            path=url.path,
            query=query,
            headers=dict(self.headers),
            certificate=self.certificate(),
        )
        self.server.asked.append(asked)
        say = self.server.script(asked)
        with suppress(ConnectionError):
            self.stream(say) if say.lines or say.cut else self.reply(say)

    def certificate(self) -> bytes:
        """Return the client's certificate, if it was asked for one."""
        if not isinstance(self.connection, ssl.SSLSocket):
            return b""
        return self.connection.getpeercert(binary_form=True) or b""

    def reply(self, say: Say) -> None:
        empty = say.status == HTTPStatus.NOT_MODIFIED
        data = b"" if empty else (say.text or json.dumps(say.body)).encode()
        self.send_response(say.status)
        for name, value in {"Content-Length": str(len(data)), **say.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, say: Say) -> None:
        self.send_response(say.status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in say.lines:
            data = json.dumps(line).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if say.cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - names that the library calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
