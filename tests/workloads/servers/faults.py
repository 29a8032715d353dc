"""A gateway on loopback before the real API server, in which a test lets things go wrong."""

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from typing import TypeAlias

from tests.sandbox.client import Client
from tests.workloads.servers.listening import Asked, Handler, Server, running
from tests.workloads.servers.loopback import Say

_HOP = frozenset({"connection", "content-length", "transfer-encoding", "host"})


class Cut(Enum):
    """When the connection of a request breaks off."""

    BEFORE = "before the server hears of it"
    AFTER = "when the server has done it, before anybody is told"
    MIDDLE = "in the middle of the answer"


Fault: TypeAlias = Say | Cut | None
Faults: TypeAlias = Callable[[Asked], Fault]


class Times:
    """A fault that befalls each request, told apart by method and address, a number of times, and then passes."""

    def __init__(self, fault: Fault, *, times: int = 1, methods: str = "GET PATCH DELETE") -> None:
        """Let requests by these methods suffer."""
        self._fault = fault
        self._times = times
        self._methods = methods.split()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Fault:
        """Return what befalls a request."""
        key = (asked.method, f"{asked.path}?{'watch' in asked.query}")
        with self._lock:
            self._seen[key] += 1
            suffers = asked.method in self._methods and self._seen[key] <= self._times
        return self._fault if suffers else None


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A running gateway: its address, and what came through it; ``faults`` may be changed at any time."""

    address: str
    faults: Faults
    asked: list[Asked]


@contextmanager
def faulty(others: Client, faults: Faults) -> Iterator[Gateway]:
    """Run a gateway before the server that ``others`` speak to."""
    server = _Server(_Handler)
    address = f"http://127.0.0.1:{server.port}"
    server.gateway = Gateway(address=address, faults=faults, asked=server.asked)
    server.upstream = others.address
    server.context = ssl.create_default_context(cadata=others.authority)
    with running(server):
        yield server.gateway


class _Server(Server):
    gateway: Gateway
    upstream: str
    context: ssl.SSLContext


class _Handler(Handler):
    server: _Server

    def answer(self) -> None:
        asked, body = self.heard()
        fault = self.server.gateway.faults(asked)
        try:
            match fault:
                case Say():
                    self.begin(fault.status, fault.headers)
                    self.chunk(json.dumps(fault.body).encode())
                    self.chunk(b"")
                case Cut.BEFORE:
                    self.break_off()
                case Cut.AFTER if (
                    "watch" in asked.query
                ):  # which has no end that one could wait for
                    self.break_off()
                case _:
                    self.pass_on(asked, body, fault)
        except (OSError, HTTPException):  # of either side: the other one is to hear of it
            self.break_off()

    def pass_on(self, asked: Asked, body: bytes, fault: Fault) -> None:
        upstream = HTTPSConnection(self.server.upstream, timeout=60, context=self.server.context)
        headers = {k: v for k, v in asked.headers.items() if k.lower() not in _HOP}
        self.server.connections.append(_socket(upstream))
        upstream.request(asked.method, self.path, body or None, headers)
        try:
            self.hand_back(upstream.getresponse(), fault)
        finally:
            upstream.close()

    def hand_back(self, answer: HTTPResponse, fault: Fault) -> None:
        if fault is Cut.AFTER:
            answer.read()
            self.break_off()
            return
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
        self.begin(answer.status, headers)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return
        while data := answer.read1(65536):
            if fault is Cut.MIDDLE:
                self.chunk(data[: len(data) // 2])
                self.break_off()
                return
            self.chunk(data)
        self.chunk(b"")

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:  # which never has a body
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def break_off(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PATCH = do_DELETE = do_POST = do_PUT = answer  # noqa: N815 - names that the library calls


def _socket(connection: HTTPSConnection) -> socket.socket:
    connection.connect()
    found: socket.socket = connection.sock
    return found
