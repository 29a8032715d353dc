"""What answers where a forge should be: nobody, somebody whom nobody trusts, or something that is no API."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ForgeUnanswered
from orchestrator.forges.clients import open_forge
from orchestrator.forges.forge import Forge, State, Status
from orchestrator.forges.place import Kind, Place
from orchestrator.processes import Stop
from tests.certificates import self_signed
from tests.forges.publishing import patient, publish_on
from tests.forges.served import NUMBER, REPOSITORY, TOKEN, serving
from tests.forges.small_forges import SmallGitHub

_PAGE = b"<!doctype html>\n<html><title>Sign in</title></html>"
_STATUS = Status(name="x", state=State.SUCCESS, description="y")


class _Server(ThreadingHTTPServer):
    status: int
    content: bytes
    leads_to: str


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.content)))
        if self.server.leads_to:
            self.send_header("Location", f"{self.server.leads_to}{self.path}")
        self.end_headers()
        self.wfile.write(self.server.content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  as the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def _answering(
    status: int, content: bytes, *, leads_to: str = "", certificate: Path | None = None
) -> Iterator[str]:
    """Give the address of a server that answers the same to all."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.status, server.content, server.leads_to = status, content, leads_to
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _client(kind: Kind, api: str) -> Forge:
    place = Place(kind=kind, api=api, repository=REPOSITORY, number=NUMBER, token=TOKEN)
    return open_forge(place, patient(Stop()))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("status", "content"),
    [(200, _PAGE), (404, _PAGE), (200, b"[]")],
    ids=["page", "no page", "list"],
)
def test_the_address_of_pages_is_not_that_of_the_api(
    kind: Kind, status: int, content: bytes
) -> None:
    """Whoever names the forge as people open it in a browser is told what is missing, and shown no page."""
    with (
        _answering(status, content) as address,
        pytest.raises(ForgeUnanswered, match="is not the API of") as caught,
    ):
        _client(kind, address).request()

    assert "with --api, such as https://" in caught.value.hint
    assert "<" not in caught.value.detail


@pytest.mark.parametrize("kind", Kind)
def test_a_page_about_a_failure_is_a_failure(kind: Kind) -> None:
    """What stands before a forge says so when that is away, and another time it answers."""
    with (
        _answering(502, _PAGE) as address,
        pytest.raises(ForgeUnanswered, match=r"\w+ failed at request 7 .* with 502") as caught,
    ):
        _client(kind, address).request()

    assert caught.value.detail == ""


@pytest.mark.parametrize("kind", Kind)
def test_a_write_is_not_sent_to_another_address(kind: Kind) -> None:
    """It would be a question there, and what answers that would be taken for what was written."""
    with (
        _answering(200, b"[]") as other,
        _answering(301, b"", leads_to=other) as address,
        pytest.raises(ForgeUnanswered, match=r"leads to another address|is not the API of"),
    ):
        _client(kind, address).set_status("c" * 40, _STATUS)


@pytest.mark.parametrize("kind", Kind)
def test_an_api_that_is_another_scheme_away_is_told(kind: Kind) -> None:
    """Where everything is sent on to https, the client of GitHub refuses to follow, and the others find nobody."""
    with (
        _answering(301, b"", leads_to="https://127.0.0.1:1") as address,
        pytest.raises(ForgeUnanswered, match=r"another address|does not answer") as caught,
    ):
        _client(kind, address).request()

    assert "--api" in caught.value.hint or "Connection refused" in caught.value.detail


@pytest.mark.parametrize("kind", Kind)
def test_why_nobody_answers_is_told(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there, or nobody trusts who is: then the hint says how to, and it helps."""
    with pytest.raises(ForgeUnanswered, match="does not answer") as nobody:
        _client(kind, "http://127.0.0.1:1").request()
    certificate = self_signed(tmp_path)
    with _answering(404, b'{"message": "nothing"}', certificate=certificate) as address:
        with pytest.raises(ForgeUnanswered, match="does not answer") as stranger:
            _client(kind, address).request()
        (variable,) = (word for word in stranger.value.hint.split() if word.isupper())
        monkeypatch.setenv(variable, str(certificate))
        with pytest.raises(Exception, match="there is no request 7") as trusted:
            _client(kind, address).request()

    assert "Connection refused" in nobody.value.detail
    assert "certificate verify failed" in stranger.value.detail
    assert not isinstance(trusted.value, ForgeUnanswered)


class _Renamed(SmallGitHub):
    """A GitHub on which the repository has another name by now."""

    __slots__ = ()

    def repository(self, *, fork: bool) -> dict[str, Any]:
        """Return how one side of the pull request tells its repository."""
        told = SmallGitHub.repository(self, fork=fork)
        return {"repo": {**told["repo"], "full_name": "acme/store"}}


def test_a_former_name_is_told_before_anything_is_written() -> None:
    """GitHub sends on who asks by it, and answers who writes by it in a way that looks like success."""
    with (
        serving(held := _Renamed()),
        pytest.raises(ForgeUnanswered, match="leads to another address for acme/shop") as caught,
    ):
        publish_on(held)

    assert "--repository" in caught.value.hint
    assert held.texts == []
