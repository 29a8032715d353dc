"""A server on loopback between an agent and its API server, which keeps what was asked for, and by which right."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.sandbox.client import Client

Right = tuple[str, str, str, str]
"""Namespace, or an empty text for the whole cluster, group, resource and verb."""

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(slots=True)
class Witness:
    """What was asked for and answered well."""

    address: str = ""
    used: set[Right] = field(default_factory=set)

    def saw(self, method: str, url: str, code: int) -> None:
        """Keep a request that was allowed; what applies to nothing that is there has created it."""
        right = right_of(method, url)
        if right and code < 400:
            self.used.add(right)
            if method == "PATCH" and code == 201:
                self.used.add((*right[:3], "create"))


def right_of(method: str, url: str) -> Right | None:
    """Return the right that a request needs; None for one that everybody has."""
    found = _PATH.fullmatch(urlsplit(url).path)
    if not found:
        return None
    verb = _VERBS.get(method, "get" if found["name"] else "list")
    if verb == "list" and "watch" in parse_qs(urlsplit(url).query):
        verb = "watch"
    return found["namespace"] or "", found["group"] or "", found["resource"], verb


@contextmanager
def witness(cluster: Client) -> Iterator[Witness]:
    """Pass requests on to an API server while the block lasts."""
    seen, open_now = Witness(), set[HTTPSConnection]()
    handler = _handler(cluster, seen, open_now)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    seen.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield seen
    finally:
        server.shutdown()
        for connection in tuple(open_now):  # watches that nobody reads any more
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()


def _handler(
    cluster: Client, seen: Witness, open_now: set[HTTPSConnection]
) -> type[BaseHTTPRequestHandler]:
    context = ssl.create_default_context(cadata=cluster.authority)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {key: value for key, value in self.headers.items() if key != "Host"}
            connection = HTTPSConnection(cluster.address, context=context)
            with closing(connection), suppress(OSError, ValueError, HTTPException):
                connection.request(self.command, self.path, body or None, kept)
                open_now.add(connection)
                self._answer(connection)
            open_now.discard(connection)

        def _answer(self, connection: HTTPSConnection) -> None:
            answer = connection.getresponse()
            seen.saw(self.command, self.path, answer.status)
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key not in {"Content-Length", "Transfer-Encoding", "Date"}:
                    self.send_header(key, value)
            if answer.status == HTTPStatus.NOT_MODIFIED:  # which has no body, not even an empty one
                self.end_headers()
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while part := answer.read1(65536):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - as they are called

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is asked
            """Say nothing."""

    return Handler
