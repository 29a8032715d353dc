"""A small GitHub on loopback: one pull request, its comments and statuses, answered as the published API says."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/shop"
NUMBER = 7
TOKEN = "ghp_a-token-that-nobody-must-see"
_LONGEST = 65_536

Json = Any
Answer = tuple[int, Json]


@dataclass(slots=True)
class Trouble:
    """What the next requests of a kind get instead of an answer; ``done`` says that they were carried out first."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Json = None
    done: bool = False
    times: int = 1


@dataclass(slots=True)
class GitHubServer:
    """What the forge holds, and every request that it got."""

    address: str = ""
    head: str = "a" * 40
    state: str = "open"
    login: str = "planner"
    may_ask_who: bool = True
    from_fork: bool = False
    comments: list[dict[str, Json]] = field(default_factory=list)
    statuses: list[dict[str, Json]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000, 9_999)))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, text: str, login: str = "planner") -> dict[str, Json]:
        """Put a comment there, as somebody writes it in a browser."""
        number = next(self.numbers)
        made = {
            "id": number,
            "body": text,
            "user": {"login": login, "id": 1},
            "url": f"{self.address}/repos/{REPOSITORY}/issues/comments/{number}",
            "html_url": f"https://forge.example/{REPOSITORY}/pull/{NUMBER}#issuecomment-{number}",
        }
        self.comments.append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> Answer:
        """Return what the API answers, after it was carried out."""
        prefix = f"/repos/{REPOSITORY}"
        if (method, path) == ("GET", "/user"):
            return (200, {"login": self.login}) if self.may_ask_who else (403, _FORBIDDEN)
        if (method, path) == ("GET", f"{prefix}/pulls/{NUMBER}"):
            return 200, self._pull()
        if path == f"{prefix}/issues/{NUMBER}/comments":
            return self._listed(query) if method == "GET" else self._written(body)
        if found := re.fullmatch(rf"{prefix}/issues/comments/(\d+)", path):
            return self._changed(method, int(found.group(1)), body)
        if method == "POST" and path.startswith(f"{prefix}/statuses/"):
            self.statuses.append({**body, "sha": path.rpartition("/")[2]})
            return 201, {**body, "url": f"{self.address}{path}"}
        return 404, {"message": "Not Found"}

    def _pull(self) -> Json:
        base = {"ref": "main", "sha": "0" * 40, "repo": {"id": 1, "full_name": REPOSITORY}}
        source = {"id": 2 if self.from_fork else 1}
        return {
            "number": NUMBER,
            "state": self.state,
            "url": f"{self.address}/repos/{REPOSITORY}/pulls/{NUMBER}",
            "head": {"ref": "change", "sha": self.head, "repo": source},
            "base": base,
        }

    def _listed(self, query: dict[str, list[str]]) -> Answer:
        size = min(int(query.get("per_page", ["30"])[0]), 100)
        page = int(query.get("page", ["1"])[0])
        return 200, self.comments[(page - 1) * size : page * size]

    def _written(self, body: Json) -> Answer:
        if len(body["body"]) > _LONGEST:
            return 422, {"message": f"Validation Failed: body is too long (maximum is {_LONGEST})"}
        return 201, self.add(body["body"], self.login)

    def _changed(self, method: str, number: int, body: Json) -> Answer:
        found = next((each for each in self.comments if each["id"] == number), None)
        if found is None:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            self.comments.remove(found)
            return 204, None
        if method == "PATCH":
            found["body"] = body["body"]
        return 200, found

    def pages(self, query: dict[str, list[str]]) -> int:
        """Return how many pages of comments there are."""
        return -(-len(self.comments) // min(int(query.get("per_page", ["30"])[0]), 100))

    def trouble_for(self, method: str, path: str) -> Trouble | None:
        """Return what a request gets instead of its answer, once for each time that was asked for."""
        for each in self.troubles:
            if each.method == method and re.search(each.path, path) and each.times > 0:
                each.times -= 1
                return each
        return None


_FAILED = {"message": "it failed"}
_FORBIDDEN = {"message": "Resource not accessible by integration"}


class _Server(ThreadingHTTPServer):
    """A server with what the forge holds."""

    held: GitHubServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        held = self.server.held
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        with held.lock:
            held.seen.append(f"{self.command} {parts.path}")
            if self.headers.get("Authorization", "").split(" ")[-1] != TOKEN:
                return self._send(401, {"message": "Bad credentials"}, {})
            trouble = held.trouble_for(self.command, parts.path)
            if trouble and not trouble.done:
                return self._send(trouble.status, trouble.body or _FAILED, trouble.headers)
            status, answer = held.answer(self.command, parts.path, query, body)
            if trouble:
                return self._send(trouble.status, trouble.body or _FAILED, trouble.headers)
            return self._send(status, answer, self._links(parts.path, query))

    def _links(self, path: str, query: dict[str, list[str]]) -> dict[str, str]:
        page = int(query.get("page", ["1"])[0])
        held = self.server.held
        if not path.endswith("/comments") or page >= held.pages(query):
            return {}
        size = query.get("per_page", ["30"])[0]
        following = f"{held.address}{path}?per_page={size}&page={page + 1}"
        return {"Link": f'<{following}>; rel="next"'}

    def _send(self, status: int, answer: Json, headers: dict[str, str]) -> None:
        content = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  as the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    """Run a GitHub as long as the block does."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.held = GitHubServer(address=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
