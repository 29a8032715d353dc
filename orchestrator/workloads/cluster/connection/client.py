"""Requests to one API server: an event loop in a thread of its own, with retries, renewal and time limits.

The asyncio client of the ``kubernetes`` package sends them. Only requests that may be repeated are ever sent
(reads, server-side apply, deletions bound to a uid), so that each can be tried again when its answer got lost.
"""

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from orchestrator import clock
from orchestrator.errors import ClusterError, ClusterUnreachable, Interrupted
from orchestrator.processes import Stop
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.access.credentials import Credentials
from orchestrator.workloads.cluster.answers import Request, explain
from orchestrator.workloads.cluster.connection.flow import MOST, Flow
from orchestrator.workloads.cluster.connection.library import no_answer, reason_of, rest_client
from orchestrator.workloads.cluster.connection.patience import BEHIND_SECONDS, Outage, Trouble
from orchestrator.workloads.cluster.passing import may_pass

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# With its charset: the library would write the body anew without, in JSON that is not always YAML.
APPLY: Final = "application/apply-patch+yaml; charset=utf-8"
JSON: Final = "application/json"
MERGE: Final = "application/merge-patch+json"

_CONNECT_SECONDS: Final = 10.0
_REQUEST_SECONDS: Final = 60.0
_FIRST_REQUEST_SECONDS: Final = 15.0  # whether anybody is there at all shows sooner
_SILENT_SECONDS: Final = 150.0  # a watch tells every minute that it lives: longer, and it does not
_AFTER_STOP_SECONDS: Final = 5.0
_OPENING_SECONDS: Final = 1.0
_CLOSING_TURNS: Final = 3  # a closed transport lets go of its socket in the loop's next turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: an HTTP method, a path below the server, what it means, and how it is sent."""

    method: str
    path: str
    request: Request
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    content_type: str = JSON
    accept: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered: HTTP status below 400, the parsed body and the entity tag, if any."""

    status: int
    body: Json
    tag: str = ""


class Client:
    """One connection to one API server; used from any thread, closed once."""

    def __init__(
        self, credentials: Credentials, stop: Stop, *, on_notice: Callable[[str], None]
    ) -> None:
        """Start the loop; nothing is sent yet. Raises ClusterError for unusable certificates.

        ``on_notice`` is told of times in which the server is in trouble, from the loop's thread.
        """
        self.access = credentials.access
        self._credentials = credentials
        self._stop = stop
        self._reached = False
        self._api = rest_client(credentials)
        self._retired: list[Any] = []
        self._flow = Flow()
        self._outage = Outage(self.title, on_notice)
        self._renewing = asyncio.Lock()
        self._openings: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)
        self._thread.start()

    @property
    def title(self) -> str:
        """Return the name of the cluster as people know it, with the server's address."""
        server, title = self.access.server, self.access.title
        return server if title == server else f"{title} ({server})"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop to its end; raises what it raises.

        After a request to stop it has a few seconds to finish, then Interrupted is raised.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        deadline: float | None = None
        while not concurrent.futures.wait([future], timeout=0.1).done:
            if self._stop.requested:
                deadline = deadline or clock.seconds() + _AFTER_STOP_SECONDS
                if clock.seconds() > deadline:
                    future.cancel()
                    raise Interrupted("interrupted while waiting for the API server")
        return future.result()

    def start(self, work: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        """Start a coroutine in the loop and return at once; cancel the result to end it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Close connections and end the loop."""
        asyncio.run_coroutine_threadsafe(self._shutdown(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def send(self, call: Call) -> Answer:
        """Send a request until it is answered; raises ClusterError, ClusterUnreachable or Interrupted.

        While the server is away or busy it is sent again, for as long as ``patience`` has it. A server that
        never answered is taken at its word: nobody wants to wait for a wrong address.
        """
        trouble, refused = Trouble(), False
        while True:
            self._check_stop()
            issue = self._credentials.issue
            try:
                answer, asked_for = await self._once(call)
            except no_answer() as error:
                lost = self._unreachable(error)
                if not self._reached or trouble.left() <= 0:
                    raise lost from error
                problem, asked_for = lost.message, 0.0
            else:
                if answer.status == HTTPStatus.UNAUTHORIZED and not refused:
                    refused = True
                    if await self._renew(issue):
                        continue
                behind = answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
                left = trouble.left(BEHIND_SECONDS) if behind else trouble.left()
                if not may_pass(answer.status, answer.body) or left <= 0:
                    return self._accepted(call, answer)
                problem = f"it answers {answer.status}"
            self._outage.goes_on(problem)
            await asyncio.sleep(trouble.pause(asked_for))

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[Json]]:
        """Open a watch and yield its events; raises like ``send`` when it is refused or cut off."""
        try:
            response = await self._unbroken(self._opened(call))
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    self._accepted(call, await _read(response))
                yield _lines(response.response.content)
            finally:
                _break_off(response)
        except no_answer() as error:
            raise self._unreachable(error) from error

    async def _unbroken(self, opening: Coroutine[Any, Any, Any]) -> Any:
        """Open a response; when cancelled meanwhile, let it open and be closed then.

        A connection whose TLS handshake is cancelled in its first turn is never closed (asyncio of Python 3.11).
        """
        task = asyncio.ensure_future(opening)
        self._openings.add(task)
        task.add_done_callback(self._openings.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_break_off_opened)
            raise

    async def _opened(self, call: Call) -> Any:
        issue = self._credentials.issue
        response = await self._request(call, seconds=None)
        if response.status == HTTPStatus.UNAUTHORIZED and await self._renew(issue):
            _break_off(response)
            response = await self._request(call, seconds=None)
        return response

    async def _once(self, call: Call) -> tuple[Answer, float]:
        seconds = _REQUEST_SECONDS if self._reached else _FIRST_REQUEST_SECONDS
        async with self._flow.one():
            response = await self._request(call, seconds=seconds)
            self._reached = True
            answer = await _read(response)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._flow.too_many()
        elif answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._flow.accepted()
        return answer, _seconds(response.headers.get("Retry-After", ""))

    async def _request(self, call: Call, *, seconds: float | None) -> Any:
        import aiohttp

        headers = {**call.headers, "Accept": call.accept, "Content-Type": call.content_type}
        if self.access.uncompressed:
            headers["Accept-Encoding"] = "identity"
        authorization = self._credentials.at_hand
        if authorization is None:
            authorization = await self._authorization()
        if authorization:
            headers["Authorization"] = authorization
        if self.access.impersonated:
            headers["Impersonate-User"] = self.access.impersonated
        query = f"?{_written(tuple(call.query.items()))}" if call.query else ""
        return await self._api.request(
            call.method,
            f"{self.access.server}{call.path}{query}",
            headers=headers,
            body=call.body,
            _request_timeout=aiohttp.ClientTimeout(
                total=seconds, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS
            ),
        )

    async def _authorization(self) -> str:
        """Return the header's value, asking for credentials anew where they are used up."""
        async with self._renewing:
            former = self._credentials.certificate()
            authorization = await asyncio.to_thread(self._credentials.authorization)
            self._use_certificate_since(former)
            return authorization

    async def _renew(self, issue: int) -> bool:
        """Ask for other credentials than those of an ``issue`` that was refused; return whether there may be any.

        What was refused to many requests at the same time is asked for once.
        """
        if not self._credentials.renewable:
            return False
        async with self._renewing:
            if self._credentials.issue == issue:
                former = self._credentials.certificate()
                await asyncio.to_thread(self._credentials.renew)
                self._use_certificate_since(former)
        return True

    def _use_certificate_since(self, former: tuple[str, str]) -> None:
        """Make new connections with the certificate of now, where it is another one than ``former``."""
        if self._credentials.certificate() != former:
            self._retired.append(self._api)
            self._api = rest_client(self._credentials)

    def _accepted(self, call: Call, answer: Answer) -> Answer:
        if answer.status < HTTPStatus.BAD_REQUEST:
            return answer
        raise self._redacted(explain(answer.status, answer.body, call.request, where=self.title))

    def _redacted(self, error: ClusterError) -> ClusterError:
        redact = self._credentials.secrets.redact
        error.message, error.detail = redact(error.message), redact(error.detail)
        error.args = (error.message,)
        return error

    def _check_stop(self) -> None:
        if self._stop.requested:
            raise Interrupted("interrupted while talking to the API server")

    def _unreachable(self, error: BaseException) -> ClusterUnreachable:
        reason, hint = reason_of(error)
        return ClusterUnreachable(f"{self.title} cannot be reached: {reason}", hint=hint)

    async def _shutdown(self) -> None:
        if self._openings:
            await asyncio.wait(self._openings, timeout=_OPENING_SECONDS)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for api in (*self._retired, self._api):
            await api.close()
        for _ in range(_CLOSING_TURNS):
            await asyncio.sleep(0)
        await self._loop.shutdown_asyncgens()


async def side_by_side(items: Sequence[A], work: Callable[[A], Awaitable[B]]) -> list[B]:
    """Work on all items, a bounded number at once, and return the results in order.

    The first error ends the batch: what runs is finished, nothing further is started or left behind.
    """
    results: dict[int, B] = {}
    waiting = iter(enumerate(items))
    failed = asyncio.Event()

    async def worker() -> None:
        for index, item in waiting:
            if failed.is_set():
                return
            try:
                results[index] = await work(item)
            except BaseException:
                failed.set()
                raise

    workers = [asyncio.ensure_future(worker()) for _ in range(min(MOST, len(items)))]
    outcomes = await asyncio.gather(*workers, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    return [results[index] for index in range(len(items))]


@lru_cache(maxsize=64)  # thousands of requests ask with the same few
def _written(query: tuple[tuple[str, str], ...]) -> str:
    return urlencode(query, quote_via=quote)


def _break_off(response: Any) -> None:
    """Close a stream without the TLS farewell, whose answer nobody would wait for."""
    connection = response.response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.response.close()


def _break_off_opened(opening: asyncio.Task[Any]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _break_off(opening.result())


async def _read(response: Any) -> Answer:
    data = await response.read()
    response.response.release()
    try:
        body = json.loads(data.decode()) if data else None
    except ValueError:
        body = None  # an HTML page of some proxy: only its status means anything
    return Answer(status=response.status, body=body, tag=response.headers.get("ETag", ""))


async def _lines(content: Any) -> AsyncIterator[Json]:
    rest = b""
    async for chunk in content.iter_any():
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            if line:
                yield json.loads(line)


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0
