"""Servers on loopback that take notifications: what was posted to them, and what was mailed."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class Posted:
    """What was posted: the path, the headers with names in lower case, and the body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body, which is JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Hooks:
    """A server that takes posts: ``answers`` are what it answers next, with headers, and then 200."""

    url: str = ""
    posts: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hold: threading.Event | None = None


@contextmanager
def hooks() -> Iterator[Hooks]:
    """Serve while the block lasts."""
    held = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if held.hold:
                held.hold.wait(30)
            headers = {name.lower(): value for name, value in self.headers.items()}
            held.posts.append(Posted(path=self.path, headers=headers, body=body))
            status, more = held.answers.pop(0) if held.answers else (200, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Mailbox:
    """A mail server, and what it took: with from whom and to whom, and as whom they came."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    between: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  as the library calls it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, unless the next answer says otherwise."""
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]
        self.between.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        return "250 taken"


@contextmanager
def mailbox(tls: ssl.SSLContext | None = None, *, login: bool = False) -> Iterator[Mailbox]:
    """Serve while the block lasts; with ``tls`` only by STARTTLS, with ``login`` only whoever says a password."""
    held = Mailbox()

    def authenticated(*given: Any) -> AuthResult:
        said = given[-1]
        assert isinstance(said, LoginPassword)
        held.logins.append((said.login.decode(), said.password.decode()))
        return AuthResult(success=said.password == b"hunter2")

    def protocol() -> SMTP:
        return SMTP(
            held,
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=authenticated,
            auth_required=login,
            auth_require_tls=True,
            loop=loop,
        )

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    held.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield held
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    """Close a server and what is said with it; transports let go of their sockets in the turns after that."""
    server.close()
    working = asyncio.all_tasks() - {asyncio.current_task()}
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
