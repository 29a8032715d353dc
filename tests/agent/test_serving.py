"""The agent's HTTP server, on loopback: what it takes, what it refuses, and that it ends."""

import http.client
import io
import json
import socket
from collections.abc import Iterator, Mapping

import pytest

from orchestrator import log
from orchestrator.agent.connections import Bounds
from orchestrator.agent.serving import Answer, NotServed, serving

pytestmark = pytest.mark.integration


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a server with one route and one hook."""

    def hook(headers: Mapping[str, str], body: bytes) -> Answer:
        return Answer(text=f"{headers.get('x-kind', '')} {len(body)}\n")

    with serving("127.0.0.1:0", {"/healthz": lambda: Answer(text="ok\n")}, {"shop": hook}) as port:
        yield port


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    """Ask a server on loopback, and return its status and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_routes_and_hooks_are_answered(port: int) -> None:
    """A route answers GET, a hook POST with its headers and its body; nothing else is there."""
    assert ask(port, "GET", "/healthz") == (200, "ok\n")
    assert ask(port, "POST", "/hooks/shop", b"four", **{"X-Kind": "push"}) == (200, "push 4\n")
    assert ask(port, "POST", "/hooks/other")[0] == 404
    assert ask(port, "GET", "/hooks/shop")[0] == 405
    assert ask(port, "POST", "/healthz")[0] == 405
    assert ask(port, "GET", "/")[0] == 404


def test_a_body_has_a_bound(port: int) -> None:
    """A body of more than a mebibyte is refused, whether its length is told or not, and the log says so once."""
    said = io.StringIO()
    log.configure(verbose=False, terminal=False, redact=str, stream=said)
    try:
        assert ask(port, "POST", "/hooks/shop", b"x" * 2**20)[0] == 200
        for _ in range(3):
            assert ask(port, "POST", "/hooks/shop", b"x" * (2**20 + 1))[0] == 413
    finally:
        log.configure(verbose=False, terminal=False, redact=str)
    (line,) = map(json.loads, said.getvalue().splitlines())
    assert (line["event"], line["repository"]) == ("webhook refused", "shop")
    assert line["why"].startswith("it has more than 1 MiB")


def test_who_sends_slowly_holds_up_nobody(port: int) -> None:
    """Connections that say nothing, or half of a request, leave the server answering."""
    half = b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for each in idle[:25]:
        each.sendall(half)
    assert ask(port, "GET", "/healthz")[0] == 200
    for each in idle:
        each.close()


def test_connections_are_bounded_in_number() -> None:
    """Who opens more than may be has his oldest ended, and others are answered; each takes a handle of the agent."""
    routes, bounds = {"/healthz": lambda: Answer(text="ok\n")}, Bounds(most=20)
    with serving("127.0.0.1:0", routes, {}, bounds=bounds) as port:
        _crowd(port, bounds.most + 10)


def _crowd(port: int, many: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(many)]
    assert ask(port, "GET", "/healthz")[0] == 200
    assert _is_ended(idle[0])
    idle[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle[-1].recv(100).startswith(b"HTTP/1.1 200")
    for each in idle:
        each.close()


def test_connections_are_bounded_in_time() -> None:
    """One that says nothing, or half of a head, or was answered, does not stay."""
    bounds = Bounds(seconds=0.2)
    with serving("127.0.0.1:0", {"/": lambda: Answer(text="ok\n")}, {}, bounds=bounds) as port:
        said = (b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in said]
        for each, words in zip(idle, said, strict=True):
            each.sendall(words)
        assert all(_is_ended(each) for each in idle)
        for each in idle:
            each.close()


def _is_ended(connection: socket.socket) -> bool:
    """Wait for the other side to end a connection, whatever it says before."""
    try:
        while connection.recv(1000):
            pass
    except ConnectionResetError:
        pass
    return True


def test_an_address_that_is_taken_is_told(port: int) -> None:
    """A second server on the same address says so at once."""
    with (
        pytest.raises(NotServed, match="cannot listen on"),
        serving(f"127.0.0.1:{port}", {}, {}),
    ):
        pass


@pytest.mark.timeout(20)
@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no.such.host.invalid:0"])
def test_an_address_that_cannot_be_is_told(address: str) -> None:
    """Whatever is wrong with it, nobody waits for a port that never comes."""
    with pytest.raises(NotServed, match="cannot listen on"), serving(address, {}, {}):
        pass


def test_a_server_ends_with_its_block() -> None:
    """Nothing listens once the block is over."""
    with serving("127.0.0.1:0", {}, {}) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
