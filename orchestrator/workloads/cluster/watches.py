"""Following objects as they change, through lists and watches that survive what interrupts them."""

import asyncio
import queue
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from orchestrator.errors import ClusterError, ClusterUnreachable
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Gone, Request, explain
from orchestrator.workloads.cluster.client import Call, Client
from orchestrator.workloads.kinds import Resource

Live: TypeAlias = Mapping[str, Json]

_SERVER_ENDS_AFTER: Final = "240"  # seconds; the server ends a watch by itself, we open the next
_PAUSE_SECONDS: Final = 0.5
_FAILURES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One collection: a kind, everywhere or in one namespace, with selectors."""

    resource: Resource
    namespace: str
    query: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a collection held at one version of the store."""

    scope: Scope
    objects: tuple[tuple[ObjectRef, Live], ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An object as it is now; ``gone`` marks its deletion, with the last that was seen of it."""

    ref: ObjectRef
    live: Live
    gone: bool = False


class Watch:
    """Changes of several collections in one queue; read by one thread."""

    def __init__(
        self,
        client: Client,
        listings: list[Listing],
        *,
        relist: Callable[[Scope], Awaitable[Listing]],
    ) -> None:
        """Tell what the listings hold and follow each from its version."""
        self._client = client
        self._relist = relist
        self._queue: queue.SimpleQueue[Seen | ClusterError] = queue.SimpleQueue()
        for listing in listings:
            for ref, live in listing.objects:
                self._queue.put(Seen(ref=ref, live=live))
        self._tasks = [client.start(self._follow(listing)) for listing in listings]

    def next(self, timeout: float) -> Seen | None:
        """Return the next change, or None after ``timeout`` seconds; raises ClusterError when watching failed."""
        try:
            found = (
                self._queue.get(timeout=max(timeout, 0.0))
                if timeout > 0
                else self._queue.get_nowait()
            )
        except queue.Empty:
            return None
        if isinstance(found, ClusterError):
            raise found
        return found

    def close(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()

    async def _follow(self, listing: Listing) -> None:
        known = dict(listing.objects)
        version, failures = listing.version, 0
        while True:
            try:
                version = await self._stream(listing.scope, version, known)
                failures = 0
            except Gone:
                version = await self._start_over(listing.scope, known)
            except ClusterUnreachable as error:
                failures += 1
                if failures > _FAILURES:
                    self._queue.put(error)
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            except ClusterError as error:
                self._queue.put(error)
                return

    async def _start_over(self, scope: Scope, known: dict[ObjectRef, Live]) -> str:
        """List again after the server forgot where we were; what is missing now was deleted meanwhile."""
        listing = await self._relist(scope)
        current = dict(listing.objects)
        for ref in [ref for ref in known if ref not in current]:
            self._queue.put(Seen(ref=ref, live=known.pop(ref), gone=True))
        for ref, live in current.items():
            known[ref] = live
            self._queue.put(Seen(ref=ref, live=live))
        return listing.version

    async def _stream(self, scope: Scope, version: str, known: dict[ObjectRef, Live]) -> str:
        """Follow until the server ends the watch; return the version to go on from."""
        call = Call(
            method="GET",
            path=scope.resource.path(scope.namespace),
            request=Request(
                verb="watch", resource=scope.resource.qualified, namespace=scope.namespace
            ),
            query={
                **scope.query,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": _SERVER_ENDS_AFTER,
            },
        )
        async with self._client.stream(call) as events:
            async for event in events:
                version = self._tell(event, scope, version, known)
        return version

    def _tell(self, event: Json, scope: Scope, version: str, known: dict[ObjectRef, Live]) -> str:
        match event:
            case {"type": "ERROR", "object": dict(status)}:
                code = status.get("code")
                request = Request(verb="watch", resource=scope.resource.qualified)
                raise explain(
                    code if isinstance(code, int) else 500,
                    status,
                    request,
                    where=self._client.title,
                )
            case {"type": "BOOKMARK", "object": dict(live)}:
                return _version(live) or version
            case {"type": str(kind), "object": dict(live)}:
                ref = reference(scope.resource, live)
                gone = kind == "DELETED"
                if gone:
                    known.pop(ref, None)
                else:
                    known[ref] = live
                self._queue.put(Seen(ref=ref, live=live, gone=gone))
                return _version(live) or version
            case _:
                return version


def reference(resource: Resource, live: Live) -> ObjectRef:
    """Return the reference of an object that a collection of this kind holds."""
    metadata = live.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return ObjectRef(
        group=resource.group,
        version=resource.version,
        kind=resource.kind,
        namespace=str(names.get("namespace", "")),
        name=str(names.get("name", "")),
    )


def _version(live: Live) -> str:
    metadata = live.get("metadata")
    found = metadata.get("resourceVersion") if isinstance(metadata, dict) else ""
    return str(found or "")
