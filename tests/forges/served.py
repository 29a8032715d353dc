"""What forges on loopback have in common: one request, its comments and statuses, and troubles that are asked for."""

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from orchestrator.forges.place import Kind
from tests.forges.described import Exchange, problems

REPOSITORY = "acme/shop"
NUMBER = 7
TOKEN = "forge_a-token-that-nobody-must-see"

Json = Any
Answer = tuple[int, Json]
Query = dict[str, list[str]]


@dataclass(slots=True)
class Trouble:
    """What the next requests of a kind get instead of an answer; ``done`` says that they were carried out first.

    ``path`` is a pattern, or the word ``comments`` or ``user``; ``then`` is what others do at that moment, ``answer``
    what is said where that is no refusal.
    """

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "it failed"
    done: bool = False
    times: int = 1
    then: Callable[[], None] = lambda: None
    answer: Json = None


@dataclass(slots=True)
class Note:
    """One comment that the forge holds."""

    id: int
    text: str
    login: str


@dataclass(slots=True)
class Served(ABC):
    """What a forge holds, and every request that it got; a subclass answers as one forge does."""

    kind: ClassVar[Kind]
    root: ClassVar[str] = ""
    bot: ClassVar[str] = ""
    longest: ClassVar[int] = 1_000_000
    too_long: ClassVar[int] = 400

    address: str = ""
    head: str = "a" * 40
    base: str = "main"
    default_branch: str = "main"
    is_open: bool = True
    merged_as: str = ""
    more_open: list[int] = field(default_factory=list)
    login: str = "planner"
    may_ask_who: bool = True
    from_fork: bool = False
    branch: str = "change"
    notes: list[Note] = field(default_factory=list)
    statuses: list[dict[str, Json]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def api(self) -> str:
        """Return the address of the API."""
        return f"{self.address}{self.root}"

    @property
    def texts(self) -> list[str]:
        """Return what the comments say, the oldest first."""
        return [note.text for note in self.notes]

    def add(self, text: str, login: str = "planner") -> Note:
        """Put a comment there, as somebody writes it in a browser."""
        note = Note(id=1_000 + len(self.seen) + len(self.notes), text=text, login=login)
        self.notes.append(note)
        return note

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Let others be answered while what a trouble does lasts."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()

    def page(self, query: Query) -> tuple[list[Note], int]:
        """Return one page of the comments, and how many there are."""
        size = min(int(query.get("per_page", ["20"])[0]), 100)
        number = int(query.get("page", ["1"])[0])
        return self.notes[(number - 1) * size : number * size], -(-len(self.notes) // size)

    def said_of(self, commit: str, query: Query, size: str) -> list[tuple[int, dict[str, Json]]]:
        """Return one page of the statuses of a commit with their numbers, the newest first, as far as a page goes."""
        found = [each for each in enumerate(self.statuses, 1) if each[1]["sha"] == commit][::-1]
        length, page = int(query.get(size, ["30"])[0]), int(query.get("page", ["1"])[0])
        return found[(page - 1) * length : page * length]

    def open_numbers(self, query: Query, size: str) -> list[int]:
        """Return one page of the numbers of the open requests; ``size`` is what the API calls how many it wants."""
        found = sorted([*([NUMBER] if self.is_open else []), *self.more_open])
        length, page = (int(query.get(key, ["1"])[0]) for key in (size, "page"))
        return found[(page - 1) * length : page * length]

    def changed(self, method: str, number: int, body: Json) -> Note | None:
        """Change or delete a comment and return it; None when it is not there."""
        found = next((note for note in self.notes if note.id == number), None)
        if found and method == "DELETE":
            self.notes.remove(found)
        elif found and method in {"PATCH", "PUT"}:
            found.text = body["body"]
        return found

    def trouble_for(self, method: str, path: str) -> Trouble | None:
        """Return what a request gets instead of its answer."""
        for each in self.troubles:
            pattern = {"comments": self.comments_path, "user": "/user$"}.get(each.path, each.path)
            if each.method == method and re.search(pattern, path) and each.times > 0:
                each.times -= 1
                each.then()
                return each
        return None

    def refusal(self, said: str) -> Json:
        """Return how the API says that it does not do something."""
        return {"message": said}

    @property
    def not_found(self) -> Answer:
        """Return the answer about what is not there."""
        return 404, self.refusal("404 Not found")

    @property
    def forbidden(self) -> Answer:
        """Return the answer to whoever may not ask."""
        return 403, self.refusal("Resource not accessible by integration")

    @property
    @abstractmethod
    def comments_path(self) -> str:
        """Return the pattern of the path of all comments."""

    @abstractmethod
    def token_of(self, headers: Callable[[str, str], str]) -> str:
        """Return the token that a request carries."""

    @abstractmethod
    def answer(self, method: str, path: str, query: Query, body: Json) -> Answer:
        """Return what the API answers, after it was carried out."""

    def links(self, path: str, query: Query) -> dict[str, str]:
        """Return the header that leads to the next page, if the API has pages."""
        number = int(query.get("page", ["1"])[0])
        if re.search("/(pulls|merge_requests)$", path) and "/commits/" not in path:
            following = {**query, "page": [str(number + 1)]}
            last = not self.open_numbers(following, "per_page")
        elif found := re.search("/commits/([0-9a-f]+)/statuses$", path):
            following = {**query, "page": [str(number + 1)]}
            last = not self.said_of(found.group(1), following, "per_page")
        else:
            last = not re.search(self.comments_path, path) or number >= self.page(query)[1]
        if last:
            return {}
        rest = "".join(f"&{key}={value[0]}" for key, value in query.items() if key != "page")
        return {"Link": f'<{self.api}{path}?page={number + 1}{rest}>; rel="next"'}


class _Server(ThreadingHTTPServer):
    held: Served


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What follows the headers would wait 40 ms until these are confirmed; servers of forges do not wait either.
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        held = self.server.held
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        path, query = parts.path.removeprefix(held.root), parse_qs(parts.query)
        with held.lock:
            held.seen.append(f"{self.command} {path}")
            held.received.append(f"{self.path}\n{self.headers}\n{json.dumps(body)}\n{body}")
            status, answer, headers = self._answered(path, query, body)
            told = None if status == 204 else answer
            held.exchanges.append(
                Exchange(
                    method=self.command,
                    path=path,
                    query=query,
                    body=body,
                    status=status,
                    answer=told,
                )
            )
            self._send(status, told, headers)

    def _answered(self, path: str, query: Query, body: Json) -> tuple[int, Json, dict[str, str]]:
        held = self.server.held
        if held.token_of(self.headers.get) != TOKEN:
            return 401, held.refusal("Bad credentials"), {}
        trouble = held.trouble_for(self.command, path)
        if trouble and not trouble.done:
            said = trouble.answer or held.refusal(trouble.message)
            return trouble.status, said, trouble.headers
        if len((body or {}).get("body", "")) > held.longest:
            return held.too_long, held.refusal("Body is too long"), {}
        status, answer = held.answer(self.command, path, query, body)
        if trouble:
            return trouble.status, held.refusal(trouble.message), trouble.headers
        return status, answer, held.links(path, query)

    def _send(self, status: int, answer: Json, headers: dict[str, str]) -> None:
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  as the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def serving(held: Served) -> Iterator[None]:
    """Serve a forge as long as the block lasts; all that is said then has to be as the forge describes its API."""
    server = _Server(("127.0.0.1", 0), _Handler)
    held.address = f"http://127.0.0.1:{server.server_port}"
    server.held = held
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    wrong = [said for each in held.exchanges for said in problems(held.kind, each)]
    assert not wrong, "\n".join(wrong)
