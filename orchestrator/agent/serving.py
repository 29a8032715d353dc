"""What the agent answers over HTTP: whether it is well, and thanks for a webhook. One thread, one event loop.

A webhook is answered as soon as it was judged; what follows from it happens in the agent's loop.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web

from orchestrator.agent.complaints import Complaints
from orchestrator.agent.connections import Bounds, Connections
from orchestrator.errors import OrchestratorError

_MOST_BYTES: Final = 1024**2
_TOO_MUCH: Final = (
    f"it has more than {_MOST_BYTES // 1024**2} MiB; the next poll sees what it is about"
)
_PATIENCE_SECONDS: Final = 10.0
_HOOK: Final = "/hooks/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: a status, and a text of a kind."""

    status: HTTPStatus = HTTPStatus.OK
    text: str = ""
    kind: str = "text/plain; charset=utf-8"


Route = Callable[[], Answer]
"""Answers a GET; it is called in the server's thread, and must not wait."""

Hook = Callable[[Mapping[str, str], bytes], Answer]
"""Answers a POST with these headers, their names in lower case, and this body; it must not wait either."""


class NotServed(OrchestratorError):
    """The address cannot be listened on."""


@contextmanager
def serving(
    address: str,
    routes: Mapping[str, Route],
    hooks: Mapping[str, Hook],
    *,
    bounds: Bounds | None = None,
) -> Iterator[int]:
    """Serve while the block lasts, and give it the port; raises NotServed.

    ``routes`` are by their paths, ``hooks`` by the last part of ``/hooks/NAME``.
    """
    host, _, port = address.rpartition(":")
    place = host.strip("[]") or None, int(port)
    server = _Server(_application(routes, hooks), place, bounds or Bounds())
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    try:
        yield server.port.result()
    finally:
        server.end()
        thread.join()


class _Server:
    def __init__(
        self, application: web.Application, place: tuple[str | None, int], bounds: Bounds
    ) -> None:
        self._application = application
        self._place = place
        self._bounds = bounds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self.port: Future[int] = Future()

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self.port.done():
                raise
            self.port.set_exception(self._not_served(str(error)))  # somebody waits for one of both

    def end(self) -> None:
        with suppress(RuntimeError):  # it is over already
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._over.set)

    def _not_served(self, reason: str) -> NotServed:
        host, port = self._place
        return NotServed(f"cannot listen on {host or ''}:{port}: {reason}")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(self._application, access_log=None, handle_signals=False)
        await runner.setup()
        host, port = self._place
        connections = Connections(server=cast("web.Server", runner.server), bounds=self._bounds)
        try:
            listener = await self._loop.create_server(connections, host, port, reuse_address=True)
        except OSError as error:
            self.port.set_exception(self._not_served(error.strerror or str(error)))
        else:
            looking = asyncio.create_task(connections.look())
            self.port.set_result(int(listener.sockets[0].getsockname()[1]))
            await self._over.wait()
            looking.cancel()
            listener.close()
        await runner.cleanup()


def _application(routes: Mapping[str, Route], hooks: Mapping[str, Hook]) -> web.Application:
    application = web.Application(client_max_size=_MOST_BYTES)
    for path, route in routes.items():
        application.router.add_get(path, _getting(route))
    application.router.add_post(_HOOK, _taking(hooks))
    return application


def _getting(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def get(_request: web.Request) -> web.Response:
        return _response(route())

    return get


def _taking(hooks: Mapping[str, Hook]) -> Callable[[web.Request], Awaitable[web.Response]]:
    complaints = Complaints()

    async def take(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        hook = hooks.get(name)
        if hook is None:
            return _response(Answer(status=HTTPStatus.NOT_FOUND, text="no such hook\n"))
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            complaints.tell("webhook refused", name, _TOO_MUCH)
            raise  # as its answer
        except TimeoutError:
            return _response(Answer(status=HTTPStatus.REQUEST_TIMEOUT, text="too slow\n"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        return _response(hook(headers, body))

    return take


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.text.encode(), headers={"Content-Type": answer.kind}
    )
