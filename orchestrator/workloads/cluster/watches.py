"""Following objects as they change, through lists and watches that survive what interrupts them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from orchestrator.errors import ClusterUnreachable
from orchestrator.plans.objects import ObjectRef
from orchestrator.stack.model import Json
from orchestrator.workloads.cluster.answers import Busy, Gone, Request, explain
from orchestrator.workloads.cluster.connection.client import Call, Client
from orchestrator.workloads.cluster.connection.patience import Trouble
from orchestrator.workloads.cluster.news import News, Seen
from orchestrator.workloads.kinds import Resource
from orchestrator.workloads.live import Live, mapping

_SERVER_ENDS_AFTER: Final = "240"  # seconds; the server ends a watch by itself, we open the next


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


class Watch:
    """Changes of several collections; read by one thread, which is told the latest of each object.

    What changed several times since the thread looked last is told once: while thousands of objects are applied,
    each changes many times, and all that would have to be held until somebody asks.
    """

    def __init__(
        self,
        client: Client,
        listings: list[Listing],
        *,
        relist: Callable[[Scope], Awaitable[Listing]],
        keep: Callable[[Live], Live],
    ) -> None:
        """Tell what the listings hold and follow each from its version; ``keep`` what is needed of an object."""
        self._news = News()
        followers = [
            _Follower(client, listing, relist=relist, keep=keep, tell=self._news.put)
            for listing in listings
        ]
        for follower in followers:
            follower.tell_known()
        self._tasks = [client.start(follower.run()) for follower in followers]

    def next(self, timeout: float) -> Seen | None:
        """Return the next change, or None after ``timeout`` seconds; raises ClusterError when following failed."""
        seen = self._news.get(timeout)
        if seen is None:
            for task in self._tasks:
                if task.done():
                    task.result()
        return seen

    def close(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()


class _Follower:
    """One collection: what is known of it, and up to which version."""

    def __init__(
        self,
        client: Client,
        listing: Listing,
        *,
        relist: Callable[[Scope], Awaitable[Listing]],
        keep: Callable[[Live], Live],
        tell: Callable[[Seen], None],
    ) -> None:
        self._client = client
        self._scope = listing.scope
        self._known = dict(listing.objects)
        self._version = listing.version
        self._trouble: Trouble | None = None
        self._relist = relist
        self._keep = keep
        self._tell = tell

    def tell_known(self) -> None:
        for ref, live in self._known.items():
            self._tell(Seen(ref=ref, live=live))

    async def run(self) -> None:
        """Follow until cancelled; raises ClusterError when that is not possible."""
        while True:
            try:
                await self._follow()
            except (ClusterUnreachable, Busy):
                self._trouble = self._trouble or Trouble()
                if self._trouble.left() <= 0:
                    raise
                await asyncio.sleep(self._trouble.pause())

    async def _follow(self) -> None:
        """Follow until the server ends the watch, which it does from time to time."""
        try:
            async with self._client.stream(self._call()) as events:
                self._trouble = None
                async for event in events:
                    self._take(event)
        except Gone:
            await self._start_over()

    async def _start_over(self) -> None:
        """List again after the server forgot where we were; what is missing now was deleted meanwhile."""
        listing = await self._relist(self._scope)
        former, self._known = self._known, dict(listing.objects)
        self._version = listing.version
        for ref in former.keys() - self._known.keys():
            self._tell(Seen(ref=ref, live=former[ref], gone=True))
        self.tell_known()

    def _call(self) -> Call:
        resource, namespace = self._scope.resource, self._scope.namespace
        return Call(
            method="GET",
            path=resource.path(namespace),
            request=self._request(),
            query={
                **self._scope.query,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": self._version,
                "timeoutSeconds": _SERVER_ENDS_AFTER,
            },
        )

    def _request(self) -> Request:
        resource = self._scope.resource.qualified
        return Request(verb="watch", resource=resource, namespace=self._scope.namespace)

    def _take(self, event: Json) -> None:
        match event:
            case {"type": "ERROR", "object": dict(status)}:
                code = status.get("code")
                number = code if isinstance(code, int) else HTTPStatus.INTERNAL_SERVER_ERROR
                raise explain(number, status, self._request(), where=self._client.title)
            case {"type": "BOOKMARK", "object": dict(live)}:
                self._version = _version(live) or self._version
            case {"type": str(kind), "object": dict(live)}:
                self._version = _version(live) or self._version
                self._take_object(
                    reference(self._scope.resource, live), self._keep(live), gone=kind == "DELETED"
                )
            case _:  # an event of a kind that is newer than this
                return

    def _take_object(self, ref: ObjectRef, live: Live, *, gone: bool) -> None:
        if gone:
            self._known.pop(ref, None)
        else:
            self._known[ref] = live
        self._tell(Seen(ref=ref, live=live, gone=gone))


def reference(resource: Resource, live: Live) -> ObjectRef:
    """Return the reference of an object that a collection of this kind holds."""
    names = mapping(live, "metadata")
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
