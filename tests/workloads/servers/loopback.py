"""A server on loopback that answers as a test tells it, to see what a real one does only rarely."""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.workloads.servers.listening import Asked, Handler, Server, running


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
    server = _Server(_Handler, port=port)
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.script = script
    with running(server):
        address = f"http{'s' if tls else ''}://127.0.0.1:{server.port}"
        yield Loopback(address=address, asked=server.asked)


def in_turn(*answers: Say) -> Script:
    """Answer with each in turn, and with the last one from then on."""
    left = list(answers)
    lock = threading.Lock()

    def script(_: Asked) -> Say:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


class _Server(Server):
    script: Script

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(Handler):
    server: _Server

    def answer(self) -> None:
        asked, _ = self.heard()
        say = self.server.script(asked)
        with suppress(ConnectionError):
            self.stream(say) if say.lines or say.cut else self.reply(say)

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
